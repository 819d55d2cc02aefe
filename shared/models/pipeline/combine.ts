import { PermanentError } from '../../errors.ts';
import { newData, newTensor } from '../../tensor.ts';
import type { StringElement, Tensor } from '../../tensor.ts';
import { floatFor, toFloats } from '../processing/value.ts';
import { describeType, mergeShapes } from '../spec.ts';
import type { RowShape, RowType } from '../spec.ts';
import type { OutputSpec } from './pipeline-schema.ts';

/** How an ensemble makes one output of several. */
export interface Combination {
  /** @throws PermanentError INVALID_ARGUMENT where these make none. */
  type(who: string, types: readonly RowType[]): RowType;
  /** Element by element. @throws Error where their shapes differ. */
  run(tensors: readonly Tensor[]): Tensor;
}

/** `mean`: weighted where there are weights. `vote`: the most frequent value; of equally frequent ones, the first's. */
export function combination(spec: Exclude<OutputSpec, string>): Combination {
  return 'mean' in spec ? mean(spec.weights ?? spec.mean.map(() => 1)) : { type: voteType, run: vote };
}

function mean(weights: readonly number[]): Combination {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const dtypeOf = (values: readonly Pick<RowType, 'dtype'>[]) =>
    values.some(({ dtype }) => floatFor(dtype) === 'float64') ? 'float64' : 'float32';
  return {
    type: (who, types) => {
      const text = types.find(({ dtype }) => dtype === 'string');
      if (text !== undefined) throw invalid(`${who}: there is no mean of strings: write vote`);
      return { dtype: dtypeOf(types), shape: commonShape(who, types) };
    },
    run: (tensors) => {
      const first = sameShapes(tensors);
      const dtype = dtypeOf(tensors);
      const sums = new Float64Array(first.data.length);
      for (const [index, tensor] of tensors.entries()) {
        const weight = (weights[index] ?? 0) / total;
        // Nothing times infinity is no number.
        if (weight > 0) toFloats(tensor, 'float64').forEach((value, i) => (sums[i] = (sums[i] ?? 0) + weight * value));
      }
      const data = newData(dtype, sums.length);
      data.set(sums);
      return newTensor(dtype, first.shape, data);
    },
  };
}

function voteType(who: string, types: readonly RowType[]): RowType {
  const dtypes = new Set(types.map(({ dtype }) => dtype));
  const [dtype] = dtypes;
  if (dtype === undefined || dtypes.size > 1)
    throw invalid(`${who}: found ${[...dtypes].join(' and ')}, expected one dtype`);
  return { dtype, shape: commonShape(who, types) };
}

function vote(tensors: readonly Tensor[]): Tensor {
  const first = sameShapes(tensors);
  const data = newData(first.dtype, first.data.length);
  for (let i = 0; i < data.length; i++) {
    const counts = new Map<unknown, number>();
    let winner = first.data[i];
    let most = 0;
    for (const tensor of tensors) {
      const key = keyOf(tensor.data[i] as StringElement | number | bigint);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    for (const tensor of tensors) {
      const count = counts.get(keyOf(tensor.data[i] as StringElement | number | bigint)) ?? 0;
      if (count > most) [winner, most] = [tensor.data[i], count];
    }
    data[i] = winner as never;
  }
  return newTensor(first.dtype, first.shape, data);
}

/** Text and its bytes are the same value; other bytes are none of any text. */
function keyOf(element: StringElement | number | bigint): unknown {
  const isText = typeof element === 'string' || element instanceof Uint8Array;
  return isText ? Buffer.from(element as string).toString('latin1') : element;
}

function commonShape(who: string, types: readonly RowType[]): RowShape {
  let shape: RowShape = null;
  for (const type of types) {
    const merged: RowShape | undefined = mergeShapes(shape, type.shape);
    if (merged === undefined) {
      throw invalid(`${who}: found ${types.map(describeType).join(' and ')}, expected rows of one shape`);
    }
    shape = merged;
  }
  return shape;
}

function sameShapes(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (first === undefined) throw new Error('nothing to combine');
  for (const { shape } of tensors) {
    if (shape.join() !== first.shape.join()) {
      throw new Error(`found the shapes [${first.shape.join(', ')}] and [${shape.join(', ')}], expected the same`);
    }
  }
  return first;
}

function invalid(message: string): PermanentError {
  return new PermanentError('INVALID_ARGUMENT', message);
}
