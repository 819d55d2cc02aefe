import { describe, expect, it } from 'vitest';

import type { Tensor } from '@tensorflow/tfjs-core';

import { onBackend } from '../../../shared/models/tfjs-backend.ts';
import type { Tfjs, TfjsBackendName } from '../../../shared/models/tfjs-backend.ts';

/** What TensorFlow 2.21 answers. */
const CASES: readonly { name: string; compute: (tf: Tfjs) => Tensor; expected: readonly number[] }[] = [
  { name: 'Sum', compute: (tf) => tf.sum(tf.zeros([2, 0]), 1), expected: [0, 0] },
  { name: 'Sum over an empty first axis', compute: (tf) => tf.sum(tf.zeros([0, 2]), 0), expected: [0, 0] },
  { name: 'Sum of int32', compute: (tf) => tf.sum(tf.zeros([2, 0], 'int32'), 1), expected: [0, 0] },
  { name: 'Prod', compute: (tf) => tf.prod(tf.zeros([2, 0]), 1), expected: [1, 1] },
  { name: 'Mean', compute: (tf) => tf.mean(tf.zeros([2, 0]), 1), expected: [NaN, NaN] },
  { name: 'Max', compute: (tf) => tf.max(tf.zeros([2, 0]), 1), expected: [-Infinity, -Infinity] },
  { name: 'Max of int32', compute: (tf) => tf.max(tf.zeros([1, 0], 'int32'), 1), expected: [-2147483648] },
  { name: 'Min', compute: (tf) => tf.min(tf.zeros([2, 0]), 1), expected: [Infinity, Infinity] },
  { name: 'Min of int32', compute: (tf) => tf.min(tf.zeros([1, 0], 'int32'), 1), expected: [2147483647] },
  { name: 'All', compute: (tf) => tf.all(tf.zeros([2, 0], 'bool'), 1), expected: [1, 1] },
  { name: 'Any', compute: (tf) => tf.any(tf.zeros([2, 0], 'bool'), 1), expected: [0, 0] },
  { name: 'LogSumExp', compute: (tf) => tf.logSumExp(tf.zeros([1, 0]), 1), expected: [-Infinity] },
  { name: 'BatchMatMul', compute: (tf) => tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 1])), expected: [0, 0] },
  {
    name: 'BatchMatMul, transposed',
    compute: (tf) => tf.matMul(tf.zeros([0, 2]), tf.zeros([1, 0]), true, true),
    expected: [0, 0],
  },
  { name: 'Sum of some', compute: (tf) => tf.sum(tf.ones([2, 3]), 1), expected: [3, 3] },
];

describe.each<TfjsBackendName>(['wasm', 'cpu'])('over nothing, on %s', (backend) => {
  it.each(CASES)('$name answers what TensorFlow does, whatever the memory held', async ({ compute, expected }) => {
    expect(await onBackend(backend, (tf) => tf.tidy(() => values(tf, compute)))).toEqual(expected);
  });

  it('ArgMax is refused', async () => {
    const refused = onBackend(backend, (tf) => tf.tidy(() => values(tf, () => tf.argMax(tf.zeros([2, 0]), 1))));
    await expect(refused).rejects.toThrow('ArgMax of an input without elements: shapes [2, 0]');
  });
});

/** Fills memory that is free then, so that what is not written shows. */
function values(tf: Tfjs, compute: (tf: Tfjs) => Tensor): number[] {
  tf.dispose(Array.from({ length: 100 }, (_, index) => tf.fill([1 + (index % 9)], 42.5)));
  return [...compute(tf).dataSync()];
}
