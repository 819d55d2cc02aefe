import { DT, dataTypeName } from './graph-def.ts';

/** A tensor as TensorFlow has it: its own dtypes, in JavaScript's storage; bfloat16 (for which there is none) widened to float32. */
export interface TfTensor {
  /** `tensorflow.DataType`. */
  readonly dtype: number;
  readonly shape: readonly number[];
  /** Row-major; bool as 0 and 1, strings as their bytes. */
  readonly data: TfData;
}

export type TfData = NumberData | BigInt64Array | BigUint64Array | Uint8Array[];

type NumberData =
  | Float16Array
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

type Storage = (new (count: number) => Exclude<TfData, Uint8Array[]>) &
  (new (buffer: ArrayBuffer, offset: number, count: number) => Exclude<TfData, Uint8Array[]>) & {
    readonly BYTES_PER_ELEMENT: number;
  };

/** How values of a dtype lie in a file, little-endian. */
const STORAGE = new Map<number, Storage>([
  [DT.FLOAT, Float32Array],
  [DT.DOUBLE, Float64Array],
  [DT.HALF, Float16Array],
  [DT.BFLOAT16, Uint16Array],
  [DT.INT8, Int8Array],
  [DT.UINT8, Uint8Array],
  [DT.INT16, Int16Array],
  [DT.UINT16, Uint16Array],
  [DT.INT32, Int32Array],
  [DT.UINT32, Uint32Array],
  [DT.INT64, BigInt64Array],
  [DT.UINT64, BigUint64Array],
  [DT.BOOL, Uint8Array],
] as [number, Storage][]);

const MAX_RANK = 254;

/**
 * The number of elements of a tensor of this shape.
 * @throws RangeError where a dimension is negative, or the product is no exact number.
 */
export function countOf(shape: readonly number[]): number {
  if (shape.length > MAX_RANK) throw new RangeError(`a shape of ${shape.length} dimensions; at most ${MAX_RANK}`);
  const bad = shape.find((size) => !Number.isSafeInteger(size) || size < 0);
  if (bad !== undefined) throw new RangeError(`a dimension of ${bad} in the shape [${shape.join(', ')}]`);
  if (shape.includes(0)) return 0;
  const count = shape.reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(count)) throw new RangeError(`the shape [${shape.join(', ')}] has too many elements`);
  return count;
}

/** @throws RangeError of a dtype that we hold no values of (strings included: they have no fixed size). */
export function elementBytes(dtype: number): number {
  return storageOf(dtype).BYTES_PER_ELEMENT;
}

/** Zeros of a dtype; the caller has bounded the count. */
export function newValues(dtype: number, count: number): Exclude<TfData, Uint8Array[]> {
  return dtype === DT.BFLOAT16 ? new Float32Array(count) : new (storageOf(dtype))(count);
}

/**
 * Values from their little-endian bytes: a view of them where they lie aligned, else a copy.
 * @throws RangeError where there are more or fewer bytes than the shape has elements.
 */
export function valuesFromBytes(dtype: number, shape: readonly number[], bytes: Uint8Array): TfTensor {
  const Values = storageOf(dtype);
  const count = countOf(shape);
  if (count * Values.BYTES_PER_ELEMENT !== bytes.length) {
    throw new RangeError(
      `${bytes.length} bytes for the shape [${shape.join(', ')}] of ${dataTypeName(dtype)}, which takes ${count * Values.BYTES_PER_ELEMENT}`,
    );
  }
  const aligned = bytes.byteOffset % Values.BYTES_PER_ELEMENT === 0 ? bytes : Uint8Array.from(bytes);
  const data = new Values(aligned.buffer as ArrayBuffer, aligned.byteOffset, count);
  return { dtype, shape, data: dtype === DT.BFLOAT16 ? widenBfloat16(data as Uint16Array) : data };
}

/** bfloat16 is the upper half of a float32. */
export function widenBfloat16(bits: ArrayLike<number>): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer);
}

function storageOf(dtype: number): Storage {
  const storage = STORAGE.get(dtype);
  if (!storage) throw new RangeError(`values of ${dataTypeName(dtype)} cannot be read`);
  return storage;
}
