import type { ExampleFeature } from '../../../formats/example/example.ts';
import type { PermanentError } from '../../../errors.ts';
import { DT } from '../graph-def.ts';
import { floats, graphError, ints, strings, toInt32 } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';

/** A feature that the graph asks for. */
export interface ExampleColumn {
  readonly key: string;
  /** DT_FLOAT, DT_INT64 or DT_STRING: what the list must be. */
  readonly type: number;
  readonly dtype: 'float32' | 'int32' | 'string';
  readonly dense: boolean;
  /** False where nobody reads the values: an integer that cannot be computed with is no error then. */
  readonly isRead: boolean;
}

export interface ParsedExample {
  /** For messages; `<unknown>` where nobody named it; undefined of a single Example, which has no place either. */
  readonly name: string | undefined;
  readonly index: number;
  readonly features: ReadonlyMap<string, ExampleFeature>;
}

const KINDS = { float: DT.FLOAT, int64: DT.INT64, bytes: DT.STRING } as const;
const TYPE_NAMES = new Map<number, string>([
  [DT.FLOAT, 'float'],
  [DT.INT64, 'int64'],
  [DT.STRING, 'string'],
]);

/** As TensorFlow's messages name the types. */
export function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? 'unknown';
}

/**
 * The feature of an Example, or undefined where it has none.
 * @throws PermanentError where it holds values of another type.
 */
export function featureOf(column: ExampleColumn, example: ParsedExample): ExampleFeature | undefined {
  const feature = example.features.get(column.key);
  if (feature && KINDS[feature.kind] !== column.type) {
    const [found, expected] = [typeName(KINDS[feature.kind]), typeName(column.type)];
    const types = column.dense
      ? `Data type: ${found} but expected type: ${expected}`
      : `Expected type: ${expected}, Actual type: ${found}`;
    throw featureError(column, example, `Data types don't match. ${types}`);
  }
  return feature;
}

/** `Name: …, Key: …, Index: ….  …`, as TensorFlow says it. */
export function featureError(column: ExampleColumn, example: ParsedExample, message: string): PermanentError {
  return graphError(`${where(column, example)}.  ${message}`);
}

function where({ key }: ExampleColumn, { name, index }: ParsedExample): string {
  return name === undefined ? `Key: ${key}` : `Name: ${name}, Key: ${key}, Index: ${index}`;
}

/** Collects values of one dtype; the room doubles as it must. */
export class ColumnValues {
  readonly #column: ExampleColumn;
  readonly #strings: Uint8Array[] = [];
  #numbers: Float32Array | Int32Array;
  #count = 0;

  constructor(column: ExampleColumn, expected: number) {
    this.#column = column;
    this.#numbers =
      column.dtype === 'float32' ? new Float32Array(expected) : new Int32Array(column.dtype === 'int32' ? expected : 0);
  }

  get count(): number {
    return this.#count;
  }

  /** @throws PermanentError of an int64 beyond int32. */
  addFeature(feature: ExampleFeature, example: ParsedExample): void {
    const { values } = feature;
    if (feature.kind === 'bytes') {
      for (const value of feature.values) this.#strings.push(value);
      this.#count += values.length;
      return;
    }
    this.#reserve(values.length);
    const at = this.#count;
    if (feature.kind === 'float') this.#numbers.set(feature.values, at);
    else
      for (let i = 0; i < values.length; i++) this.#numbers[at + i] = this.#int32(feature.values[i] as bigint, example);
    this.#count += values.length;
  }

  /** Of another tensor of the same dtype, `repeat` times. */
  addTensor({ data }: OpTensor, repeat: number): void {
    for (let n = 0; n < repeat; n++) {
      if (Array.isArray(data)) this.#strings.push(...(data as Uint8Array[]));
      else {
        this.#reserve(data.length);
        this.#numbers.set(data as Float32Array, this.#count);
      }
      this.#count += data.length;
    }
  }

  tensor(shape: readonly number[]): OpTensor {
    if (this.#column.dtype === 'string') return strings(shape, this.#strings);
    const data = this.#numbers.length === this.#count ? this.#numbers : this.#numbers.slice(0, this.#count);
    return data instanceof Float32Array ? floats(shape, data) : ints(shape, data);
  }

  #int32(value: bigint, example: ParsedExample): number {
    if (!this.#column.isRead) return 0;
    return toInt32(value, `${where(this.#column, example)}.  The value`);
  }

  #reserve(more: number): void {
    if (this.#count + more <= this.#numbers.length) return;
    const size = Math.max(this.#count + more, 2 * this.#numbers.length);
    const grown = this.#numbers instanceof Float32Array ? new Float32Array(size) : new Int32Array(size);
    grown.set(this.#numbers.subarray(0, this.#count));
    this.#numbers = grown;
  }
}
