import type * as tfc from '@tensorflow/tfjs-core';
import { errorInfo, type ErrorInfo } from '../../errors.ts';
import type { DType, Tensor, TensorSpec } from '../../tensor.ts';
import { RowFailures } from '../row-failures.ts';
import type { Tfjs } from '../tfjs-backend.ts';
import { givenTensor } from '../tfjs-tensor.ts';
import type { StringPool } from './run-strings.ts';

/** Our tensors as those of a graph and back: integers are computed as int32, floats as float32, strings by their numbers in the pool. */

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

/** @throws as `givenTensor`, and RowFailures where rows hold integers that are not computed with. */
export function toGraph(tf: Tfjs, strings: StringPool, spec: TensorSpec, given: Tensor | undefined): tfc.Tensor {
  const tensor = givenTensor(spec, given);
  const shape = [...tensor.shape];
  switch (tensor.dtype) {
    case 'float32':
      return tf.tensor(tensor.data, shape, 'float32');
    case 'float16':
    case 'float64':
      return tf.tensor(Float32Array.from(tensor.data), shape, 'float32');
    case 'bool':
      return tf.tensor(tensor.data, shape, 'bool');
    case 'string':
      return tf.tensor(strings.addAll(tensor.data), shape, 'int32');
    case 'int64':
    case 'uint64':
    case 'uint32':
      return tf.tensor(toInt32(spec, tensor), shape, 'int32');
    case 'int32':
      return tf.tensor(tensor.data, shape, 'int32');
    case 'int8':
    case 'uint8':
    case 'int16':
    case 'uint16':
      return tf.tensor(Int32Array.from(tensor.data), shape, 'int32');
  }
}

/** An integer tensor as floats: what a graph that casts it at once computes with. */
export function toFloats(tf: Tfjs, spec: TensorSpec, given: Tensor | undefined): tfc.Tensor {
  const { shape, data } = givenTensor(spec, given);
  return tf.tensor(Float32Array.from<unknown>(data, Number), [...shape], 'float32');
}

type Wide = Extract<Tensor, { dtype: 'int64' | 'uint64' | 'uint32' }>;

function toInt32(spec: TensorSpec, { dtype, shape, data }: Wide): Int32Array {
  const values = new Int32Array(data.length);
  const perRow = shape.length === 0 ? data.length : data.length / (shape[0] ?? 1);
  const failures = new Map<number, ErrorInfo>();
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? 0;
    if (value >= INT32_MIN && value <= INT32_MAX) values[i] = Number(value);
    else {
      const row = Math.floor(i / perRow);
      const range = `from ${INT32_MIN} to ${INT32_MAX}`;
      const message = `input ${spec.name}: found ${value}; TensorFlow.js computes ${dtype} as int32, ${range}`;
      if (!failures.has(row)) failures.set(row, errorInfo('INVALID_ARGUMENT', message));
    }
  }
  if (failures.size > 0) throw new RowFailures(failures);
  return values;
}

/** Copies the tensor out: on the cpu backend its data may be that of an input or a weight. */
export function fromGraph(strings: StringPool, dtype: DType, value: tfc.Tensor): Tensor {
  const shape = [...value.shape];
  const data = value.dataSync<'float32'>();
  switch (dtype) {
    case 'float16':
      return { dtype, shape, data: Float16Array.from(data) };
    case 'float32':
      return { dtype, shape, data: Float32Array.from(data) };
    case 'float64':
      return { dtype, shape, data: Float64Array.from(data) };
    case 'int8':
      return { dtype, shape, data: Int8Array.from(data) };
    case 'uint8':
      return { dtype, shape, data: Uint8Array.from(data) };
    case 'int16':
      return { dtype, shape, data: Int16Array.from(data) };
    case 'uint16':
      return { dtype, shape, data: Uint16Array.from(data) };
    case 'int32':
      return { dtype, shape, data: Int32Array.from(data) };
    case 'uint32':
      return { dtype, shape, data: Uint32Array.from(data) };
    case 'int64':
      return { dtype, shape, data: BigInt64Array.from(data, BigInt) };
    case 'uint64':
      return { dtype, shape, data: BigUint64Array.from(data, BigInt) };
    case 'bool':
      return { dtype, shape, data: Uint8Array.from(data) };
    case 'string':
      return { dtype, shape, data: strings.elements(data) };
  }
}
