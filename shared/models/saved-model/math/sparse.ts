import { sizeOf, stridesOf } from '../op-shape.ts';
import { graphError, ints, numbersOf, type OpTensor } from '../op-tensor.ts';
import type { OpAttrs } from '../op-attrs.ts';
import type { Op, Ops } from '../op.ts';
import { takeAt } from '../ops/take.ts';
import { joined } from './join-data.ts';

/** Sparse tensors as triples of indices, values and shape. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/sparse_ops.cc */

const MAX_ELEMENTS = 2 ** 28;

/** Inputs: a sparse tensor, where to start, how much of each dimension. */
const slice: Op = ([indices, values, shape, starts, sizes]) => {
  if (!values) throw graphError('nothing to slice');
  const [dims, start, size] = [numbersOf(shape, 'shape'), numbersOf(starts, 'start'), numbersOf(sizes, 'size')];
  const rank = dims.length;
  const at = numbersOf(indices, 'indices');
  const out = Array.from(dims, (dim: number, d) => Math.max(0, Math.min(size[d] ?? 0, dim - (start[d] ?? 0))));
  const kept: number[] = [];
  const moved: number[] = [];
  for (let i = 0; i < values.data.length; i++) {
    const index = Array.from({ length: rank }, (_, d) => (at[i * rank + d] ?? 0) - (start[d] ?? 0));
    if (!index.every((place, d) => place >= 0 && place < (out[d] ?? 0))) continue;
    kept.push(i);
    moved.push(...index);
  }
  return [
    ints([kept.length, rank], Int32Array.from(moved)),
    takeAt(values, [kept.length], kept),
    ints([rank], Int32Array.from(out)),
  ];
};

type Step = (a: number, b: number) => number;

/** Inputs: a sparse tensor, the axes to reduce. Output: dense, zeros where nothing stands. */
const reduce =
  (step: Step): Op =>
  ([indices, values, shape, axes], attrs) => {
    const dims = Array.from(numbersOf(shape, 'shape'));
    const along = new Set(Array.from(numbersOf(axes, 'axes'), (axis) => (axis < 0 ? axis + dims.length : axis)));
    const all = along.size === 0 && axes?.data.length === 0;
    const kept = dims.map((size, d) => (all || along.has(d) ? 1 : size));
    const count = sizeOf(kept);
    if (count > MAX_ELEMENTS) throw graphError(`a dense tensor of the shape [${kept.join(', ')}]`);
    const [at, data] = [numbersOf(indices, 'indices'), numbersOf(values, 'values')];
    const strides = stridesOf(kept);
    const out = values?.dtype === 'float32' ? new Float32Array(count) : new Int32Array(count);
    const seen = new Uint8Array(count);
    for (let i = 0; i < data.length; i++) {
      const place = kept.reduce(
        (sum, size, d) => sum + (size === 1 ? 0 : (at[i * dims.length + d] ?? 0) * (strides[d] ?? 1)),
        0,
      );
      out[place] = seen[place] ? step(out[place] ?? 0, data[i] ?? 0) : (data[i] ?? 0);
      seen[place] = 1;
    }
    const outShape = attrs.bool('keep_dims', false) ? kept : kept.filter((_, d) => !(all || along.has(d)));
    return [{ dtype: values?.dtype, shape: outShape, data: out } as OpTensor];
  };

/** Inputs: N indices, N values, N shapes, joined along one dimension. Entries stay in row-major order. */
const concat: Op = (inputs, attrs: OpAttrs) => {
  const count = attrs.int('N', inputs.length / 3);
  const shapes = inputs.slice(2 * count).map((tensor) => Array.from(numbersOf(tensor, 'shapes')));
  const rank = shapes[0]?.length ?? 0;
  const dim = attrs.int('concat_dim', 0);
  const axis = dim < 0 ? dim + rank : dim;
  const entries: { index: number[]; from: number }[] = [];
  let start = 0;
  let values = inputs[count] as OpTensor;
  shapes.forEach((shape, n) => {
    const at = numbersOf(inputs[n], 'indices');
    const base = entries.length;
    if (n > 0) values = joined(values, inputs[count + n] as OpTensor);
    for (let i = 0; i < at.length / rank; i++) {
      entries.push({
        index: Array.from({ length: rank }, (_, d) => (at[i * rank + d] ?? 0) + (d === axis ? start : 0)),
        from: base + i,
      });
    }
    start += shape[axis] ?? 0;
  });
  entries.sort((a, b) => {
    const d = a.index.findIndex((place, i) => place !== b.index[i]);
    return d < 0 ? 0 : (a.index[d] ?? 0) - (b.index[d] ?? 0);
  });
  const shape = (shapes[0] ?? []).map((size, d) => (d === axis ? start : size));
  return [
    ints([entries.length, rank], Int32Array.from(entries.flatMap(({ index }) => index))),
    takeAt(
      values,
      [entries.length],
      entries.map(({ from }) => from),
    ),
    ints([rank], Int32Array.from(shape)),
  ];
};

export const sparseTensorOps: Ops = {
  SparseSlice: slice,
  SparseReduceSum: reduce((a, b) => a + b),
  SparseReduceMax: reduce(Math.max),
  SparseConcat: concat,
};
