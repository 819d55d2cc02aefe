import { describe } from 'vitest';
import { itComputes } from '../ops/op-table.ts';
import { bool, float, int, text } from '../ops/op-maker.ts';

describe('sparse tensors', () => {
  itComputes([
    {
      name: 'SparseSlice',
      op: 'SparseSlice',
      inputs: [int([0, 1, 1, 0, 1, 2], [3, 2]), float([1, -2, 3]), int([2, 3]), int([1, 0]), int([5, 2])],
      expected: [int([0, 0], [1, 2]), float([-2]), int([1, 2])],
    },
    {
      name: 'SparseConcat',
      op: 'SparseConcat',
      inputs: [
        int([0, 1, 1, 0, 1, 2], [3, 2]),
        int([0, 1, 1, 1], [2, 2]),
        float([1, -2, 3]),
        float([4, 5]),
        int([2, 3]),
        int([2, 3]),
      ],
      attrs: { concat_dim: { i: 1 }, N: { i: 2 } },
      expected: [int([0, 1, 0, 4, 1, 0, 1, 2, 1, 4], [5, 2]), float([1, 4, -2, 3, 5]), int([2, 6])],
    },
    {
      name: 'SparseReduceSum',
      op: 'SparseReduceSum',
      inputs: [int([0, 1, 1, 0, 1, 2], [3, 2]), float([1, -2, 3]), int([2, 3]), int([1])],
      expected: [float([1, 1])],
    },
    {
      name: 'SparseReduceMax, kept',
      op: 'SparseReduceMax',
      inputs: [int([0, 1, 1, 0, 1, 2], [3, 2]), float([1, -2, 3]), int([2, 3]), int([-1])],
      attrs: { keep_dims: { b: true } },
      expected: [float([1, 3], [2, 1])],
    },
    {
      name: 'SparseAdd',
      op: 'SparseAdd',
      inputs: [
        int([0, 1, 1, 0, 1, 2], [3, 2]),
        float([1, -2, 3]),
        int([2, 3]),
        int([0, 1, 1, 1], [2, 2]),
        float([4, 5]),
        int([2, 3]),
        float([3], []),
      ],
      expected: [int([0, 1, 1, 0, 1, 1, 1, 2], [4, 2]), float([5, -2, 5, 3]), int([2, 3])],
    },
    {
      name: 'SparseTensorDenseAdd',
      op: 'SparseTensorDenseAdd',
      inputs: [
        int([0, 1, 1, 0, 1, 2], [3, 2]),
        float([1, -2, 3]),
        int([2, 3]),
        float([1, 1, -0.25, 0.5, 0.75, 0.75], [2, 3]),
      ],
      expected: [float([1, 2, -0.25, -1.5, 0.75, 3.75], [2, 3])],
    },
    {
      name: 'SparseDenseCwiseMul',
      op: 'SparseDenseCwiseMul',
      inputs: [int([0, 1, 1, 0, 1, 2], [3, 2]), float([1, -2, 3]), int([2, 3]), float([2, 4], [2, 1])],
      expected: [float([2, -8, 12])],
    },
    {
      name: 'SparseDenseCwiseAdd',
      op: 'SparseDenseCwiseAdd',
      inputs: [int([0, 1, 1, 0, 1, 2], [3, 2]), float([1, -2, 3]), int([2, 3]), float([2, 4], [2, 1])],
      expected: [float([3, 2, 7])],
    },
    {
      name: 'SparseDenseCwiseDiv',
      op: 'SparseDenseCwiseDiv',
      inputs: [int([0, 1, 1, 0, 1, 2], [3, 2]), float([1, -2, 3]), int([2, 3]), float([2, 4], [2, 1])],
      expected: [float([0.5, -0.5, 0.75])],
    },
    {
      name: 'SparseSparseMaximum',
      op: 'SparseSparseMaximum',
      inputs: [
        int([0, 1, 1, 0, 1, 2], [3, 2]),
        float([1, -2, 3]),
        int([2, 3]),
        int([0, 1, 1, 1], [2, 2]),
        float([4, 5]),
        int([2, 3]),
      ],
      expected: [int([0, 1, 1, 0, 1, 1, 1, 2], [4, 2]), float([4, 0, 5, 3])],
    },
    {
      name: 'SparseSparseMinimum',
      op: 'SparseSparseMinimum',
      inputs: [
        int([0, 1, 1, 0, 1, 2], [3, 2]),
        float([1, -2, 3]),
        int([2, 3]),
        int([0, 1, 1, 1], [2, 2]),
        float([4, 5]),
        int([2, 3]),
      ],
      expected: [int([0, 1, 1, 0, 1, 1, 1, 2], [4, 2]), float([1, -2, 0, 0])],
    },
    {
      name: 'SparseSoftmax',
      op: 'SparseSoftmax',
      inputs: [int([0, 1, 1, 0, 1, 2], [3, 2]), float([1, -2, 3]), int([2, 3])],
      expected: [float([1, 0.006692851, 0.99330717])],
    },
    {
      name: 'SparseSplit of three by two',
      op: 'SparseSplit',
      inputs: [int([1], []), int([0, 1, 1, 0, 1, 2], [3, 2]), float([1, -2, 3]), int([2, 3])],
      attrs: { num_split: { i: 2 } },
      expected: [int([0, 1, 1, 0], [2, 2]), int([1, 0], [1, 2]), float([1, -2]), float([3]), int([2, 2]), int([2, 1])],
    },
    {
      name: 'DenseCountSparseOutput',
      op: 'DenseCountSparseOutput',
      inputs: [int([1, 1, 4, 0, 2, 2], [2, 3]), float([])],
      attrs: { binary_output: { b: false }, maxlength: { i: 3 } },
      expected: [int([0, 1, 1, 0, 1, 2], [3, 2]), float([2, 1, 2]), int([2, 3])],
    },
    {
      name: 'DenseCountSparseOutput, weighed',
      op: 'DenseCountSparseOutput',
      inputs: [int([1, 1, 4]), float([0.5, 2, 1])],
      attrs: { binary_output: { b: false }, minlength: { i: 8 } },
      expected: [int([1, 4], [2, 1]), float([2.5, 1]), int([8])],
    },
    {
      name: 'SparseCrossV2',
      op: 'SparseCrossV2',
      inputs: [
        int([0, 1, 1, 0, 1, 2], [3, 2]),
        text(['a', 'b', 'c']),
        int([2, 3]),
        int([7, 8], [2, 1]),
        text(['+'], []),
      ],
      attrs: { N: { i: 1 } },
      expected: [int([0, 0, 1, 0, 1, 1], [3, 2]), text(['a+7', 'b+8', 'c+8']), int([2, 2])],
    },
    {
      name: 'SparseCrossHashed',
      op: 'SparseCrossHashed',
      inputs: [text(['a', 'b'], [2, 1]), int([7, -8], [2, 1]), int([1000], []), bool([0], []), int([0, 0])],
      attrs: { N: { i: 0 } },
      expected: [int([0, 0, 1, 0], [2, 2]), int([501, 319]), int([2, 1])],
    },
    {
      name: 'SparseCrossHashed by SipHash',
      op: 'SparseCrossHashed',
      inputs: [text(['a', 'b'], [2, 1]), int([1000], []), bool([1], []), int([3, 9])],
      attrs: { N: { i: 0 } },
      expected: [int([0, 0, 1, 0], [2, 2]), int([446, 530]), int([2, 1])],
    },
  ]);
});
