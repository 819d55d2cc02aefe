import { DT, dataTypeName } from './graph-def.ts';
import type { TfTensor } from './tensor-bytes.ts';

/** A key: text (latin1, a character a byte), or an integer. Integers within 2^53 are numbers, others bigints, so that equal keys are one. */
export type TableKey = string | number | bigint;

/** A value: bytes, an integer (as a key), a number, or 0 and 1 for a bool. */
export type TableValue = Uint8Array | number | bigint;

/** The content of a lookup table: what its initializer, its file or the checkpoint says. It does not change afterwards. */
export class LookupTable {
  /** `tensorflow.DataType`s. */
  readonly keyType: number;
  readonly valueType: number;
  readonly #content: ReadonlyMap<TableKey, TableValue>;

  constructor(keyType: number, valueType: number, content: ReadonlyMap<TableKey, TableValue>) {
    this.keyType = keyType;
    this.valueType = valueType;
    this.#content = content;
  }

  get size(): number {
    return this.#content.size;
  }

  find(key: TableKey): TableValue | undefined {
    return this.#content.get(key);
  }

  entries(): IterableIterator<[TableKey, TableValue]> {
    return this.#content.entries();
  }
}

/**
 * The table of InitializeTable and LookupTableImport: keys and values of the same number.
 * @throws RangeError where they are not, a key stands twice with different values, or a dtype cannot be looked up.
 */
export function tableFromTensors(keys: TfTensor, values: TfTensor): LookupTable {
  if (keys.data.length !== values.data.length) {
    throw new RangeError(`a table of ${keys.data.length} keys and ${values.data.length} values; expected as many`);
  }
  const content = new Map<TableKey, TableValue>();
  for (let i = 0; i < keys.data.length; i++) {
    insert(content, keyOf(keys.data[i] as TableValue, keys.dtype), valueOf(values.data[i] as TableValue));
  }
  return new LookupTable(keys.dtype, values.dtype, content);
}

/** As TensorFlow has it: a key may come again with the same value. */
export function insert(content: Map<TableKey, TableValue>, key: TableKey, value: TableValue): void {
  const earlier = content.get(key);
  if (earlier !== undefined && !sameValue(earlier, value)) {
    throw new RangeError(
      `HashTable has different value for same key. Key ${key} has ${shown(earlier)} and trying to add value ${shown(value)}`,
    );
  }
  content.set(key, value);
}

/** @throws RangeError of a dtype that no table is looked up by. */
export function keyOf(value: TableValue, dtype: number): TableKey {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
  if (dtype !== DT.INT64 && dtype !== DT.INT32)
    throw new RangeError(`keys of ${dataTypeName(dtype)} are not looked up`);
  return valueOf(value) as number | bigint;
}

function valueOf(value: TableValue): TableValue {
  return typeof value === 'bigint' && BigInt.asIntN(54, value) === value ? Number(value) : value;
}

function sameValue(a: TableValue, b: TableValue): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : a === b;
}

function shown(value: TableValue): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : String(value);
}
