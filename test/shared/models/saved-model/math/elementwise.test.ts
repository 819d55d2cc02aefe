import { describe } from 'vitest';
import { itComputes } from '../ops/op-table.ts';
import { float, int } from '../ops/op-maker.ts';

describe('element by element', () => {
  itComputes([
    {
      name: 'Erfc',
      op: 'Erfc',
      inputs: [float([-2.5, -1.5, -0.5, 0.30000001, 1, 2.5, 7.5])],
      expected: [float([1.999593, 1.9661051, 1.5204999, 0.67137319, 0.15729922, 0.00040695202, 2.7766496e-26])],
    },
    {
      name: 'Lgamma',
      op: 'Lgamma',
      inputs: [float([-2.5, -1.5, -0.5, 0.30000001, 1, 2.5, 7.5])],
      expected: [float([-0.056243714, 0.86004704, 1.2655121, 1.095798, 0, 0.28468287, 7.5343642])],
    },
    {
      name: 'Digamma',
      op: 'Digamma',
      inputs: [float([-2.5, -1.5, -0.5, 0.30000001, 1, 2.5, 7.5])],
      expected: [float([1.1031568, 0.70315683, 0.036489964, -3.5025239, -0.57721591, 0.70315683, 1.9467576])],
    },
    {
      name: 'Rint',
      op: 'Rint',
      inputs: [float([-2.5, -1.5, -0.5, 0.30000001, 1, 2.5, 7.5])],
      expected: [float([-2, -2, -0, 0, 1, 2, 8])],
    },
    {
      name: 'Softsign',
      op: 'Softsign',
      inputs: [float([-2.5, -1.5, -0.5, 0.30000001, 1, 2.5, 7.5])],
      expected: [float([-0.71428573, -0.60000002, -0.33333334, 0.23076925, 0.5, 0.71428573, 0.88235295])],
    },
    { name: 'Inv', op: 'Inv', inputs: [float([0.5, -4])], expected: [float([2, -0.25])] },
    { name: 'Invert', op: 'Invert', inputs: [int([0, -1, 5])], expected: [int([-1, 0, -6])] },
    {
      name: 'Erfinv',
      op: 'Erfinv',
      inputs: [float([-0.99000001, -0.5, 0, 0.30000001, 0.99989998, 1])],
      expected: [float([-1.8213865, -0.47693631, 0, 0.27246267, 2.751035, Infinity])],
    },
    {
      name: 'Ndtri',
      op: 'Ndtri',
      inputs: [float([0.0099999998, 0.2, 0.5, 0.75, 0.99900001])],
      expected: [float([-2.3263478, -0.84162122, 0, 0.6744898, 3.0902362])],
    },
    { name: 'Ndtri far out', op: 'Ndtri', inputs: [float([1e-6, 0.001])], expected: [float([-4.7534242, -3.0902326])] },
    {
      name: 'Igamma',
      op: 'Igamma',
      inputs: [float([0.5, 2, 9]), float([0.2, 5, 9.5])],
      expected: [float([0.47291067, 0.95957232, 0.60817695])],
    },
    {
      name: 'Igammac',
      op: 'Igammac',
      inputs: [float([0.5, 2, 9]), float([0.2, 5, 9.5])],
      expected: [float([0.52708936, 0.040427685, 0.39182308])],
    },
    {
      name: 'Betainc',
      op: 'Betainc',
      inputs: [float([0.5, 2, 9]), float([1.5, 2, 0.69999999]), float([0.2, 0.5, 0.94999999])],
      expected: [float([0.54981518, 0.5, 0.46989411])],
    },
    {
      name: 'TruncateDiv',
      op: 'TruncateDiv',
      inputs: [int([-7, 7, -6, 5]), int([2])],
      expected: [int([-3, 3, -3, 2])],
    },
    { name: 'TruncateMod', op: 'TruncateMod', inputs: [int([-7, 7, -6, 5]), int([2])], expected: [int([-1, 1, 0, 1])] },
    { name: 'BitwiseAnd', op: 'BitwiseAnd', inputs: [int([-7, 12, 255]), int([3])], expected: [int([1, 0, 3])] },
    { name: 'BitwiseOr', op: 'BitwiseOr', inputs: [int([-7, 12, 255]), int([3])], expected: [int([-5, 15, 255])] },
    { name: 'BitwiseXor', op: 'BitwiseXor', inputs: [int([-7, 12, 255]), int([3])], expected: [int([-6, 15, 252])] },
    { name: 'LeftShift', op: 'LeftShift', inputs: [int([-7, 12, 255]), int([3])], expected: [int([-56, 96, 2040])] },
    { name: 'RightShift', op: 'RightShift', inputs: [int([-7, 12, 255]), int([3])], expected: [int([-1, 1, 31])] },
    {
      name: 'Xlogy of zero and infinity',
      op: 'Xlogy',
      inputs: [float([0, 2], [1, 2]), float([0.5, Infinity], [2, 1])],
      expected: [float([0, -1.3862944, 0, Infinity], [2, 2])],
    },
    {
      name: 'Xlog1py of zero and infinity',
      op: 'Xlog1py',
      inputs: [float([0, 2], [1, 2]), float([0.5, Infinity], [2, 1])],
      expected: [float([0, 0.81093019, 0, Infinity], [2, 2])],
    },
    {
      name: 'Xdivy of zero and infinity',
      op: 'Xdivy',
      inputs: [float([0, 2], [1, 2]), float([0.5, Infinity], [2, 1])],
      expected: [float([0, 4, 0, 0], [2, 2])],
    },
    {
      name: 'MulNoNan of zero and infinity',
      op: 'MulNoNan',
      inputs: [float([0, 2], [1, 2]), float([0.5, Infinity], [2, 1])],
      expected: [float([0, 1, NaN, Infinity], [2, 2])],
    },
    {
      name: 'L2Loss',
      op: 'L2Loss',
      inputs: [float([0, 0.25, -0.25, -1, -0.5, -1], [2, 3])],
      expected: [float([1.1875], [])],
    },
  ]);
});
