import { describe } from 'vitest';
import { itComputes } from '../ops/op-table.ts';
import { float, int, text } from '../ops/op-maker.ts';

describe('slices and rows', () => {
  itComputes([
    {
      name: 'TensorScatterAdd',
      op: 'TensorScatterAdd',
      inputs: [
        float([0.75, -0.75, 0.75, 0.25, -1.5, 1.25], [3, 2]),
        int([0, 2, 0], [3, 1]),
        float([1.5, -0, -0.25, -0.25, -1, 1], [3, 2]),
      ],
      expected: [float([1.25, 0.25, 0.75, 0.25, -1.75, 1], [3, 2])],
    },
    {
      name: 'TensorScatterSub',
      op: 'TensorScatterSub',
      inputs: [
        float([0.75, -0.75, 0.75, 0.25, -1.5, 1.25], [3, 2]),
        int([0, 2, 0], [3, 1]),
        float([-0.5, -0, -0.75, -0.75, -1.25, 1.25], [3, 2]),
      ],
      expected: [float([2.5, -2, 0.75, 0.25, -0.75, 2], [3, 2])],
    },
    {
      name: 'TensorScatterMax',
      op: 'TensorScatterMax',
      inputs: [
        float([0.75, -0.75, 0.75, 0.25, -1.5, 1.25], [3, 2]),
        int([0, 2, 0], [3, 1]),
        float([-0.25, 1, 0, -0.75, -0.25, -0.5], [3, 2]),
      ],
      expected: [float([0.75, 1, 0.75, 0.25, 0, 1.25], [3, 2])],
    },
    {
      name: 'TensorScatterMin',
      op: 'TensorScatterMin',
      inputs: [
        float([0.75, -0.75, 0.75, 0.25, -1.5, 1.25], [3, 2]),
        int([0, 2, 0], [3, 1]),
        float([0, -0.5, -0.25, -1.5, -0.75, 1.75], [3, 2]),
      ],
      expected: [float([-0.75, -0.75, 0.75, 0.25, -1.5, -1.5], [3, 2])],
    },
    {
      name: 'DynamicPartition',
      op: 'DynamicPartition',
      inputs: [float([0.75, -0.75, 0.75, 0.25, -1.5, 1.25], [3, 2]), int([1, 0, 1])],
      attrs: { num_partitions: { i: 3 } },
      expected: [float([0.75, 0.25], [1, 2]), float([0.75, -0.75, -1.5, 1.25], [2, 2]), float([], [0, 2])],
    },
    {
      name: 'DynamicStitch, the last wins',
      op: 'DynamicStitch',
      inputs: [
        int([0, 2]),
        int([1, 0], [1, 2]),
        float([-0.75, -1, 0.25, 1.5], [2, 2]),
        float([-1.5, -0.25, -0.75, -1.75], [1, 2, 2]),
      ],
      attrs: { N: { i: 2 } },
      expected: [float([-0.75, -1.75, -1.5, -0.25, 0.25, 1.5], [3, 2])],
    },
    {
      name: 'ReverseSequence',
      op: 'ReverseSequence',
      inputs: [float([0.75, -0, 0, -0.75, 0.5, -0.5, -0.25, -1], [2, 4]), int([3, 1])],
      attrs: { seq_dim: { i: 1 }, batch_dim: { i: 0 } },
      expected: [float([0, -0, 0.75, -0.75, 0.5, -0.5, -0.25, -1], [2, 4])],
    },
    {
      name: 'Roll',
      op: 'Roll',
      inputs: [float([-1.25, 1.25, -0.5, 0.25, -0, -0.5], [2, 3]), int([1, -1]), int([0, 1])],
      expected: [float([-0, -0.5, 0.25, 1.25, -0.5, -1.25], [2, 3])],
    },
    {
      name: 'Roll of strings',
      op: 'Roll',
      inputs: [text(['a', 'b', 'c']), int([1], []), int([0], [])],
      expected: [text(['c', 'a', 'b'])],
    },
    {
      name: 'Cast to uint8',
      op: 'Cast',
      inputs: [int([-1, 256, 300])],
      attrs: { DstT: { type: 4 } },
      expected: [int([255, 0, 44])],
    },
    {
      name: 'Cast to int16',
      op: 'Cast',
      inputs: [int([40000, -40000, 5])],
      attrs: { DstT: { type: 5 } },
      expected: [int([-25536, 25536, 5])],
    },
    {
      name: 'OneHot in between',
      op: 'OneHot',
      inputs: [int([0, 2, -1, 1], [2, 2]), int([3], []), float([2], []), float([-1], [])],
      attrs: { axis: { i: 1 } },
      expected: [float([2, -1, -1, -1, -1, 2, -1, -1, -1, 2, -1, -1], [2, 3, 2])],
    },
    {
      name: 'StridedSlice by steps',
      op: 'StridedSlice',
      inputs: [int([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [3, 4]), int([0, -1]), int([3, -5]), int([2, -2])],
      expected: [int([3, 1, 11, 9], [2, 2])],
    },
    {
      name: 'StridedSlice with masks',
      op: 'StridedSlice',
      inputs: [int([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [3, 4]), int([1, 0, 0]), int([2, 0, 0]), int([1, 1, 1])],
      attrs: { shrink_axis_mask: { i: 1 }, new_axis_mask: { i: 2 }, begin_mask: { i: 4 }, end_mask: { i: 4 } },
      expected: [int([4, 5, 6, 7], [1, 4])],
    },
    {
      name: 'RaggedRange',
      op: 'RaggedRange',
      inputs: [int([0, 5, 8]), int([3, 5, 2]), int([1, 1, -3])],
      expected: [int([0, 3, 3, 5]), int([0, 1, 2, 8, 5])],
    },
    {
      name: 'RaggedGather',
      op: 'RaggedGather',
      inputs: [int([0, 2, 2, 5]), float([-0.5, 0.75, -0.25, -0.25, 0]), int([2, 0, 1, 2])],
      attrs: { PARAMS_RAGGED_RANK: { i: 1 } },
      expected: [int([0, 3, 5, 5, 8]), float([-0.25, -0.25, 0, -0.5, 0.75, -0.25, -0.25, 0])],
    },
    {
      name: 'RaggedTensorToTensor',
      op: 'RaggedTensorToTensor',
      inputs: [int([-1, 2]), float([1.25, 0.75, 0.5, -0.5, -1.5]), float([9], []), int([0, 1, 1, 5])],
      attrs: { row_partition_types: { list: { s: ['Uk9XX1NQTElUUw=='] } } },
      expected: [float([1.25, 9, 9, 9, 0.75, 0.5], [3, 2])],
    },
    {
      name: 'RaggedTensorToTensor of row ids',
      op: 'RaggedTensorToTensor',
      inputs: [int([4, -1]), int([1, 2, 3]), int([0], []), int([4], []), int([0, 2, 2])],
      attrs: { row_partition_types: { list: { s: ['RklSU1RfRElNX1NJWkU=', 'VkFMVUVfUk9XSURT'] } } },
      expected: [int([1, 0, 0, 0, 2, 3, 0, 0], [4, 2])],
    },
  ]);
});
