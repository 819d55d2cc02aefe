/**
 * Tensors as they flow from decoder to model to encoder: one typed array per tensor, row-major.
 * In a batch the first dimension is the rows: shape `[rows, ...rowShape]`.
 */

export const DTYPES = [
  'float16',
  'float32',
  'float64',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
  'string',
] as const;

export type DType = (typeof DTYPES)[number];

/** An element of a string tensor: text, or bytes where they came as (or are not) UTF-8. */
export type StringElement = string | Uint8Array;

/** The storage of each dtype: `bool` is 0/1 bytes, `string` a plain array. */
export interface TensorDataByDType {
  float16: Float16Array;
  float32: Float32Array;
  float64: Float64Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
  string: StringElement[];
}

export type TensorData = TensorDataByDType[DType];

/** A dtype with its storage, so that a switch on `dtype` narrows `data`. */
export type Tensor = {
  [D in DType]: { readonly dtype: D; readonly shape: readonly number[]; readonly data: TensorDataByDType[D] };
}[DType];

export type Tensors = Readonly<Record<string, Tensor>>;

/**
 * What a signature says of one input or output.
 * `shape` is the whole tensor's, batch dimension first; `null` stands for a dimension of any size, a `null` shape for
 * any rank. An empty shape is a scalar without a batch dimension: such a model scores one row a call.
 */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | null)[] | null;
}

/** The number of elements of a tensor of this shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

const STORAGE = {
  float16: Float16Array,
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

/** Storage for so many elements: zeros, or empty strings. */
export function newData<D extends DType>(dtype: D, length: number): TensorDataByDType[D] {
  const wanted: DType = dtype;
  const data = wanted === 'string' ? new Array<string>(length).fill('') : new STORAGE[wanted](length);
  return data as TensorDataByDType[D];
}

/** @param data of the dtype's own storage. */
export function newTensor(dtype: DType, shape: readonly number[], data: TensorData): Tensor {
  return { dtype, shape, data } as Tensor;
}
