import type * as tfc from '@tensorflow/tfjs-core';
import { PermanentError } from '../errors.ts';
import { elementCount, type Tensor, type TensorSpec } from '../tensor.ts';
import { toElement, toText } from './text.ts';
import type { Tfjs } from './tfjs-backend.ts';

/** Our tensors as TensorFlow.js's and back. */

/** What is given for an input. @throws PermanentError INVALID_ARGUMENT where it is missing or its dtype is not the spec's. */
export function givenTensor(spec: TensorSpec, tensor: Tensor | undefined): Tensor {
  if (tensor?.dtype === spec.dtype) return tensor;
  const found = tensor === undefined ? 'is missing' : `is ${tensor.dtype}`;
  throw new PermanentError('INVALID_ARGUMENT', `input ${spec.name} ${found}; expected ${spec.dtype}`);
}

/**
 * Small integers are computed in int32.
 * @throws as `givenTensor`.
 */
export function toTfjs(tf: Tfjs, spec: TensorSpec, given: Tensor | undefined): tfc.Tensor {
  const tensor = givenTensor(spec, given);
  const shape = [...tensor.shape];
  switch (tensor.dtype) {
    case 'float32':
      return tf.tensor(tensor.data, shape, 'float32');
    case 'int32':
      return tf.tensor(tensor.data, shape, 'int32');
    case 'int8':
    case 'uint8':
    case 'int16':
    case 'uint16':
      return tf.tensor(Int32Array.from(tensor.data), shape, 'int32');
    case 'bool':
      return tf.tensor(tensor.data, shape, 'bool');
    case 'string':
      // TensorFlow.js's string kernels decode and encode again.
      return tf.tensor(
        tensor.data.map((element) => toText('TensorFlow.js', spec.name, element)),
        shape,
        'string',
      );
    default:
      throw new PermanentError('INVALID_ARGUMENT', `input ${spec.name}: TensorFlow.js has no ${tensor.dtype}`);
  }
}

/** Copies the tensor out: on the cpu backend its data may be that of an input or a weight. */
export async function fromTfjs(value: tfc.Tensor): Promise<Tensor> {
  const shape = [...value.shape];
  switch (value.dtype) {
    case 'float32':
      return { dtype: 'float32', shape, data: Float32Array.from(value.dataSync()) };
    case 'int32':
      return { dtype: 'int32', shape, data: Int32Array.from(value.dataSync()) };
    case 'bool':
      return { dtype: 'bool', shape, data: Uint8Array.from(value.dataSync()) };
    case 'string':
      return { dtype: 'string', shape, data: ((await value.bytes()) as Uint8Array[]).map(toElement) };
    default:
      throw new PermanentError('UNIMPLEMENTED', `the model returns ${value.dtype}, which is not supported`);
  }
}

/** Elements of an input that is tried. */
const MAX_TRIED = 2 ** 26;

/** A batch of one row of zeros (or empty strings), and 1 for every dimension of any size; undefined for an unknown rank, and for too many. */
export function zeroInput(tf: Tfjs, spec: TensorSpec): tfc.Tensor | undefined {
  if (spec.shape === null) return undefined;
  const shape = spec.shape.map((size) => size ?? 1);
  if (elementCount(shape) > MAX_TRIED) return undefined;
  if (spec.dtype === 'string') return tf.fill(shape, '', 'string');
  return tf.zeros(shape, spec.dtype === 'float32' || spec.dtype === 'bool' ? spec.dtype : 'int32');
}
