import { ints, graphError, numbersOf } from '../op-tensor.ts';
import type { Ops } from '../op.ts';

/** Numbers to the place of their bucket among ascending boundaries. */
export const bucketizeOps: Ops = {
  /** tf.raw_ops.Bucketize: an upper bound. A value on a boundary is in the bucket that begins there. */
  Bucketize: ([input], attrs) => {
    const boundaries = attrs.floats('boundaries');
    if (boundaries.some((value, i) => i > 0 && value < (boundaries[i - 1] as number))) {
      throw graphError('Expected sorted boundaries');
    }
    return [
      ints(
        input?.shape ?? [],
        Int32Array.from(numbersOf(input, 'input'), (value) => upperBound(boundaries, value)),
      ),
    ];
  },
  /**
   * Inputs: num_features tensors of values [batch], then their boundaries. A lower bound, clamped to the last one: so it is computed, though the
   * documentation says otherwise.
   */
  BoostedTreesBucketize: (inputs, attrs) => {
    const count = attrs.int('num_features', inputs.length / 2);
    return inputs.slice(0, count).map((values, i) => {
      const boundaries = numbersOf(inputs[count + i], 'bucket_boundaries');
      const last = Math.max(0, boundaries.length - 1);
      const buckets = Int32Array.from(numbersOf(values, 'float_values'), (value) =>
        Math.min(lowerBound(boundaries, value), last),
      );
      return ints(values.shape, buckets);
    });
  },
};

/** The number of elements before the first that is greater. */
function upperBound(sorted: ArrayLike<number>, value: number): number {
  return firstWhere(sorted, (element) => value < element);
}

/** The number of elements before the first that is not less. */
function lowerBound(sorted: ArrayLike<number>, value: number): number {
  return firstWhere(sorted, (element) => !(element < value));
}

function firstWhere(sorted: ArrayLike<number>, is: (element: number) => boolean): number {
  let low = 0;
  for (let high = sorted.length; low < high;) {
    const middle = (low + high) >> 1;
    if (is(sorted[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}
