import { describe } from 'vitest';
import { itComputes } from '../ops/op-table.ts';
import { bool, float, int, s } from '../ops/op-maker.ts';

describe('quantization and scores', () => {
  itComputes([
    {
      name: 'FakeQuantWithMinMaxArgs',
      op: 'FakeQuantWithMinMaxArgs',
      inputs: [float([-9, -1.26, -0.0099999998, 0, 0.30000001, 1.1, 7])],
      attrs: { min: { f: -1.0 }, max: { f: 2.0 } },
      expected: [float([-1, -1, -0.011764706, 0, 0.29411766, 1.0941176, 2])],
    },
    {
      name: 'FakeQuantWithMinMaxVars, narrow, 4 bits',
      op: 'FakeQuantWithMinMaxVars',
      inputs: [float([-9, -1.26, -0.0099999998, 0, 0.30000001, 1.1, 7]), float([-1], []), float([3], [])],
      attrs: { num_bits: { i: 4 }, narrow_range: { b: true } },
      expected: [float([-1.1428572, -1.1428572, 0, 0, 0.2857143, 1.1428572, 2.8571429])],
    },
    {
      name: 'FakeQuantWithMinMaxVarsPerChannel',
      op: 'FakeQuantWithMinMaxVarsPerChannel',
      inputs: [float([-3.25, -0.5, 1.25, 0, -1.25, -1], [3, 2]), float([-1, 0]), float([1, 2])],
      expected: [float([-0.99607849, 0, 1.0039216, 0, -0.99607849, 0], [3, 2])],
    },
    {
      name: 'QuantizeAndDequantizeV2',
      op: 'QuantizeAndDequantizeV2',
      inputs: [float([-9, -1.26, -0.0099999998, 0, 0.30000001, 1.1, 7]), float([-1], []), float([2], [])],
      attrs: { range_given: { b: true } },
      expected: [float([-2.015748, -1.2598425, -0.015748031, 0, 0.2992126, 1.1023622, 2])],
    },
    {
      name: 'QuantizeAndDequantizeV4, unsigned, its own range',
      op: 'QuantizeAndDequantizeV4',
      inputs: [float([-9, -1.26, -0.0099999998, 0, 0.30000001, 1.1, 7]), float([0], []), float([0], [])],
      attrs: { signed_input: { b: false }, num_bits: { i: 6 } },
      expected: [float([-9, -1.2222222, -0, 0, 0.33333334, 1.1111112, 7])],
    },
    {
      name: 'QuantizeAndDequantizeV3, half up',
      op: 'QuantizeAndDequantizeV4',
      inputs: [float([-9, -1.26, -0.0099999998, 0, 0.30000001, 1.1, 7]), float([-1], []), float([1], [])],
      attrs: { range_given: { b: true }, round_mode: s('HALF_UP'), narrow_range: { b: true } },
      expected: [float([-1, -1, -0.0078740157, 0, 0.2992126, 1, 1])],
    },
    {
      name: 'InTopKV2',
      op: 'InTopKV2',
      inputs: [
        float([0.1, 0.30000001, 0.30000001, 0.2, 0.40000001, NaN, 0.1, 0, 0.40000001, 0.30000001, 0.2, 0.1], [3, 4]),
        int([2, 0, 3]),
        int([2], []),
      ],
      expected: [bool([1, 0, 0])],
    },
    {
      name: 'HistogramFixedWidth',
      op: 'HistogramFixedWidth',
      inputs: [float([-9, -1.26, -0.0099999998, 0, 0.30000001, 1.1, 7]), float([-1, 1]), int([4], [])],
      expected: [int([2, 1, 2, 2])],
    },
    {
      name: 'CTCGreedyDecoder',
      op: 'CTCGreedyDecoder',
      inputs: [
        float(
          [
            1.25, 0.25, 0, -0, 0, 0.75, 0.5, 0.25, -1, 0.5, -0.75, 1, -1.25, -0.25, -0, -1.25, 1.75, 1.5, -0.5, 0.75,
            0.5, -2.5, 0.25, -0, 0, -1, -0.25, -0.25, 1.25, 0.25,
          ],
          [5, 2, 3],
        ),
        int([5, 3]),
      ],
      attrs: { merge_repeated: { b: true } },
      expected: [int([0, 0, 0, 1, 0, 2, 1, 0], [4, 2]), int([0, 1, 0, 1]), int([2, 3]), float([-2.5, -3.5], [2, 1])],
    },
    {
      name: 'CTCGreedyDecoder, another blank',
      op: 'CTCGreedyDecoder',
      inputs: [float([-0, 1.5, -0.5, -0.5, -1.75, 1.5, 1, 1, 0.75, 0, 0.25, -0.25], [4, 1, 3]), int([4])],
      attrs: { merge_repeated: { b: false }, blank_index: { i: 0 } },
      expected: [int([0, 0, 0, 1, 0, 2], [3, 2]), int([1, 2, 1]), int([1, 3]), float([-4.25], [1, 1])],
    },
  ]);
});
