import { floats, graphError, ints, numberOf, numbersOf } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import type { Ops } from '../op.ts';

/** How often each value from 0 to `size` comes, by row; TensorFlow.js has it for dense tensors only. */
export const bincountOps: Ops = {
  /** Inputs: indices [values, rank], values, dense_shape, size, weights (empty: all one). Output: [size], or [rows, size] for rank 2. */
  SparseBincount: ([indices, values, shape, size, weights], attrs) => {
    const places = numbersOf(indices, 'indices');
    const [rows] = numbersOf(shape, 'dense_shape');
    const flat = (shape?.data.length ?? 0) === 1;
    const rank = indices?.shape[1] ?? 1;
    const rowOf = (i: number): number => (flat ? 0 : (places[i * rank] as number));
    const counts = count(
      numbersOf(values, 'values'),
      rowOf,
      flat ? 1 : (rows ?? 0),
      numberOf(size, 'size'),
      weights,
      attrs.bool('binary_output', false),
    );
    return [flat ? { ...counts, shape: counts.shape.slice(1) } : counts];
  },
  /** Inputs: splits [rows + 1], values, size, weights. Output: [rows, size]. */
  RaggedBincount: ([splits, values, size, weights], attrs) => {
    const starts = numbersOf(splits, 'splits');
    let row = 0;
    const rowOf = (i: number): number => {
      while (i >= (starts[row + 1] ?? Infinity)) row++;
      return row;
    };
    return [
      count(
        numbersOf(values, 'values'),
        rowOf,
        starts.length - 1,
        numberOf(size, 'size'),
        weights,
        attrs.bool('binary_output', false),
      ),
    ];
  },
};

function count(
  values: ArrayLike<number>,
  rowOf: (i: number) => number,
  rows: number,
  size: number,
  weights: OpTensor | undefined,
  binary: boolean,
): OpTensor {
  if (size < 0) throw graphError(`size (${size}) must be non-negative`);
  const weight = weights && weights.data.length > 0 ? numbersOf(weights, 'weights') : undefined;
  const counts = weights?.dtype === 'float32' ? new Float32Array(rows * size) : new Int32Array(rows * size);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value < 0) throw graphError('Input must be non-negative');
    if (value >= size) continue;
    const at = rowOf(i) * size + value;
    counts[at] = binary ? 1 : (counts[at] as number) + (weight?.[i] ?? 1);
  }
  return counts instanceof Float32Array ? floats([rows, size], counts) : ints([rows, size], counts);
}
