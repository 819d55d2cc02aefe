import type * as tfc from '@tensorflow/tfjs-core';
import { PermanentError } from '../../errors.ts';
import type { Tfjs } from '../tfjs-backend.ts';

/**
 * What an operation of ours takes and gives: TensorFlow.js's tensors as plain values, so that operations are functions that need no library.
 * TensorFlow's int64 and smaller integers are int32 here, double and half float32. Data is not to be written to: it may be a weight's.
 */
export type OpTensor =
  | { readonly dtype: 'float32'; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: 'int32'; readonly shape: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: 'bool'; readonly shape: readonly number[]; readonly data: Uint8Array }
  | { readonly dtype: 'string'; readonly shape: readonly number[]; readonly data: readonly Uint8Array[] };

/** Copies nothing: on the cpu backend the values are in memory. */
export function readTensor(tf: Tfjs, tensor: tfc.Tensor): OpTensor {
  const data: unknown = tf.engine().readSync(tensor.dataId);
  return { dtype: tensor.dtype, shape: tensor.shape, data } as OpTensor;
}

export function writeTensor(tf: Tfjs, { dtype, shape, data }: OpTensor): tfc.Tensor {
  const tensor = tf.engine().makeTensor(data as tfc.DataValues, [...shape], dtype);
  return tensor;
}

export function floats(shape: readonly number[], data: Float32Array): OpTensor {
  return { dtype: 'float32', shape, data };
}

export function ints(shape: readonly number[], data: Int32Array): OpTensor {
  return { dtype: 'int32', shape, data };
}

export function bools(shape: readonly number[], data: Uint8Array): OpTensor {
  return { dtype: 'bool', shape, data };
}

export function strings(shape: readonly number[], data: readonly Uint8Array[]): OpTensor {
  return { dtype: 'string', shape, data };
}

/** The bytes of each element. @throws Error where the tensor is none of strings: the graph is at fault. */
export function stringsOf(tensor: OpTensor | undefined, what: string): readonly Uint8Array[] {
  if (tensor?.dtype !== 'string') throw graphError(`${what} is ${tensor?.dtype ?? 'missing'}; expected string`);
  return tensor.data;
}

export function numbersOf(tensor: OpTensor | undefined, what: string): Float32Array | Int32Array | Uint8Array {
  if (!tensor || tensor.dtype === 'string')
    throw graphError(`${what} is ${tensor?.dtype ?? 'missing'}; expected numbers`);
  return tensor.data;
}

/** The only (or first) element. */
export function numberOf(tensor: OpTensor | undefined, what: string): number {
  const [value] = numbersOf(tensor, what);
  if (value === undefined) throw graphError(`${what} is empty; expected a number`);
  return value;
}

export function stringOf(tensor: OpTensor | undefined, what: string): Uint8Array {
  const [value] = stringsOf(tensor, what);
  if (value === undefined) throw graphError(`${what} is empty; expected a string`);
  return value;
}

/** What the graph gives an operation cannot be computed with: the batch's error, in TensorFlow's words where it has some. */
export function graphError(message: string, options?: ErrorOptions): PermanentError {
  return new PermanentError('INVALID_ARGUMENT', message, options);
}

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

/**
 * An int64 as what TensorFlow.js computes with.
 * @param what for the message: `feature clicks`.
 * @throws PermanentError INVALID_ARGUMENT beyond int32: never a silent wrap.
 */
export function toInt32(value: bigint | number, what: string): number {
  if (value < INT32_MIN || value > INT32_MAX) {
    throw graphError(`${what} is ${value}; TensorFlow.js computes int64 as int32, from ${INT32_MIN} to ${INT32_MAX}`);
  }
  return Number(value);
}
