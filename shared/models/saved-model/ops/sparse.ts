import { floats, graphError, ints, numbersOf } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';
import { sparseCrossOps } from './sparse-cross.ts';
import { takeAt } from './take.ts';

/** Sorted by index, row-major. Inputs: indices, values, shape. */
const reorder: Op = ([indices, values]) => {
  if (!indices || !values) throw graphError('SparseReorder lacks an input');
  const rank = indices.shape[1] ?? 1;
  const places = numbersOf(indices, 'input_indices');
  const before = (a: number, b: number): number => {
    for (let d = 0; d < rank; d++) {
      const difference = (places[a * rank + d] as number) - (places[b * rank + d] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  };
  const order = Array.from({ length: values.data.length }, (_, i) => i).sort(before);
  const sorted = order.flatMap((i) => Array.from({ length: rank }, (_, d) => i * rank + d));
  return [takeAt(indices, indices.shape, sorted), takeAt(values, values.shape, order)];
};

/**
 * tf.sparse.sparse_dense_matmul. Inputs: a's indices [values, 2], values and shape, the matrix b; either may be meant transposed.
 * Output: [rows of a, columns of b].
 */
const matMul: Op = ([indices, values, shape, matrix], attrs) => {
  const [across, down] = [attrs.bool('adjoint_a', false), attrs.bool('adjoint_b', false)];
  const dims = numbersOf(shape, 'a_shape');
  const [rows, inner] = (across ? [dims[1], dims[0]] : [dims[0], dims[1]]) as [number, number];
  const [high, wide] = (matrix?.shape ?? []) as [number, number];
  const [depth, columns] = down ? [wide, high] : [high, wide];
  if (depth !== inner)
    throw graphError(`Cannot multiply A and B because inner dimension does not match: ${inner} vs. ${depth}`);
  const [places, weights, cells] = [
    numbersOf(indices, 'a_indices'),
    numbersOf(values, 'a_values'),
    numbersOf(matrix, 'b'),
  ];
  const sums = new Float64Array(rows * columns);
  weights.forEach((weight, i) => {
    const [row, k] = (across ? [places[2 * i + 1], places[2 * i]] : [places[2 * i], places[2 * i + 1]]) as [
      number,
      number,
    ];
    if (!(row >= 0 && row < rows && k >= 0 && k < inner))
      throw graphError(`k (${k}) from index[${i}] out of bounds (>=${inner})`);
    for (let c = 0; c < columns; c++) {
      const cell = cells[down ? c * wide + k : k * wide + c] as number;
      sums[row * columns + c] = (sums[row * columns + c] as number) + weight * cell;
    }
  });
  const out = [rows, columns];
  return [values?.dtype === 'int32' ? ints(out, Int32Array.from(sums)) : floats(out, Float32Array.from(sums))];
};

/** A ragged tensor of one ragged dimension to a sparse one. Inputs: its splits, its values. Outputs: indices, values, shape. */
const fromRagged: Op = (inputs) => {
  const [splits, values, ...more] = inputs;
  if (!values || more.length > 0) throw graphError('RaggedTensorToSparse of several ragged dimensions; expected one');
  const starts = numbersOf(splits, 'rt_nested_splits');
  const inner = values.shape.slice(1);
  if (inner.length > 0) throw graphError('RaggedTensorToSparse of values with inner dimensions; expected a vector');
  const indices: number[] = [];
  let longest = 0;
  for (let row = 0; row + 1 < starts.length; row++) {
    const length = (starts[row + 1] as number) - (starts[row] as number);
    longest = Math.max(longest, length);
    for (let place = 0; place < length; place++) indices.push(row, place);
  }
  if (indices.length !== 2 * values.data.length)
    throw graphError(`rt_nested_splits end at ${starts.at(-1) ?? 0} of ${values.data.length} values`);
  return [
    ints([values.data.length, 2], Int32Array.from(indices)),
    values,
    ints([2], Int32Array.of(starts.length - 1, longest)),
  ];
};

/** What TensorFlow.js lacks of sparse tensors. */
export const sparseOps: Ops = {
  ...sparseCrossOps,
  RaggedTensorToSparse: fromRagged,
  SparseReorder: reorder,
  SparseTensorDenseMatMul: matMul,
};
