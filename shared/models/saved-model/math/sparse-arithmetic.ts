import { broadcastIndex, stridesOf } from '../op-shape.ts';
import { graphError, ints, numberOf, numbersOf, type OpTensor } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';
import { takeAt } from '../ops/take.ts';

/** Sparse tensors computed with. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/sparse_ops.cc */

type Step = (a: number, b: number) => number;

interface Sparse {
  readonly shape: readonly number[];
  /** By place in the dense tensor. */
  readonly entries: ReadonlyMap<number, number>;
}

function sparseOf(indices: OpTensor | undefined, values: OpTensor | undefined, shape: OpTensor | undefined): Sparse {
  const dims = Array.from(numbersOf(shape, 'shape'));
  const [at, data, strides] = [numbersOf(indices, 'indices'), numbersOf(values, 'values'), stridesOf(dims)];
  const entries = new Map<number, number>();
  for (let i = 0; i < data.length; i++) entries.set(placeOf(at, i, strides), data[i] ?? 0);
  return { shape: dims, entries };
}

function placeOf(indices: ArrayLike<number>, entry: number, strides: readonly number[]): number {
  return strides.reduce((sum, stride, d) => sum + (indices[entry * strides.length + d] ?? 0) * stride, 0);
}

function sparseTensors({ shape, entries }: Sparse, dtype: OpTensor['dtype']): [OpTensor, OpTensor, OpTensor] {
  const strides = stridesOf(shape);
  const sorted = [...entries].sort(([a], [b]) => a - b);
  const indices = sorted.flatMap(([place]) => strides.map((stride, d) => Math.floor(place / stride) % (shape[d] ?? 1)));
  const data = sorted.map(([, value]) => value);
  return [
    ints([sorted.length, shape.length], Int32Array.from(indices)),
    {
      dtype,
      shape: [data.length],
      data: dtype === 'float32' ? Float32Array.from(data) : Int32Array.from(data),
    } as OpTensor,
    ints([shape.length], Int32Array.from(shape)),
  ];
}

/** Of two sparse tensors of one shape; where one has nothing it counts as 0. */
function merged(inputs: readonly OpTensor[], step: Step): Sparse {
  const [a, b] = [sparseOf(inputs[0], inputs[1], inputs[2]), sparseOf(inputs[3], inputs[4], inputs[5])];
  if (a.shape.join() !== b.shape.join()) throw graphError('Operands do not have the same shapes');
  const places = new Set([...a.entries.keys(), ...b.entries.keys()]);
  const entries = [...places].map(
    (place) => [place, step(a.entries.get(place) ?? 0, b.entries.get(place) ?? 0)] as const,
  );
  return { shape: a.shape, entries: new Map(entries) };
}

/** Of what both have, a sum that is nearer to 0 than the threshold is left out. */
const add: Op = (inputs) => {
  const least = numberOf(inputs[6], 'thresh');
  const [a, b] = [sparseOf(inputs[0], inputs[1], inputs[2]), sparseOf(inputs[3], inputs[4], inputs[5])];
  const { shape, entries } = merged(inputs, (x, y) => x + y);
  const kept = [...entries].filter(
    ([place, sum]) => Math.abs(sum) >= least || !a.entries.has(place) || !b.entries.has(place),
  );
  return sparseTensors({ shape, entries: new Map(kept) }, inputs[1]?.dtype ?? 'float32');
};

const choose =
  (step: Step): Op =>
  (inputs) =>
    sparseTensors(merged(inputs, step), inputs[1]?.dtype ?? 'float32').slice(0, 2);

const addToDense: Op = ([indices, values, shape, dense]) => {
  const out = numbersOf(dense, 'b').slice();
  for (const [place, value] of sparseOf(indices, values, shape).entries) out[place] = (out[place] ?? 0) + value;
  return [{ ...(dense as OpTensor), data: out } as OpTensor];
};

/** The dense tensor is broadcast; the result has the sparse one's indices. */
const withDense =
  (step: Step): Op =>
  ([indices, values, shape, dense]) => {
    const dims = Array.from(numbersOf(shape, 'shape'));
    const [at, strides] = [numbersOf(indices, 'indices'), stridesOf(dims)];
    const [other, from] = [numbersOf(dense, 'dense'), broadcastIndex(dense?.shape ?? [], dims)];
    const out = numbersOf(values, 'values').slice();
    for (let i = 0; i < out.length; i++) out[i] = step(out[i] ?? 0, other[from(placeOf(at, i, strides))] ?? 0);
    return [{ ...(values as OpTensor), data: out } as OpTensor];
  };

/** Along the last dimension, over what is there. */
const softmax: Op = ([indices, values, shape]) => {
  const dims = Array.from(numbersOf(shape, 'sp_shape'));
  const [at, data, strides] = [numbersOf(indices, 'sp_indices'), numbersOf(values, 'sp_values'), stridesOf(dims)];
  const rows = new Map<number, number[]>();
  for (let i = 0; i < data.length; i++) {
    const row = Math.floor(placeOf(at, i, strides) / (dims.at(-1) ?? 1));
    rows.set(row, [...(rows.get(row) ?? []), i]);
  }
  const out = new Float32Array(data.length);
  for (const entries of rows.values()) {
    const most = Math.max(...entries.map((i) => data[i] ?? 0));
    const sum = entries.reduce((total, i) => total + Math.exp((data[i] ?? 0) - most), 0);
    for (const i of entries) out[i] = Math.exp((data[i] ?? 0) - most) / sum;
  }
  return [{ dtype: 'float32', shape: [out.length], data: out }];
};

/** Inputs: the dimension, a sparse tensor. The first parts are one longer where it does not divide. */
const split: Op = ([dim, indices, values, shape], attrs) => {
  const count = attrs.int('num_split', 1);
  const dims = Array.from(numbersOf(shape, 'shape'));
  const given = numberOf(dim, 'split_dim');
  const axis = given < 0 ? given + dims.length : given;
  const size = dims[axis] ?? 0;
  if (!(count >= 1 && count <= size)) throw graphError(`num_split is ${count}; expected 1 to the size ${size}`);
  const at = numbersOf(indices, 'indices');
  const [short, longer] = [Math.floor(size / count), size % count];
  const startOf = (part: number): number => part * short + Math.min(part, longer);
  const parts = Array.from({ length: count }, (_, part) => {
    const [start, end] = [startOf(part), startOf(part + 1)];
    const kept = Array.from({ length: values?.data.length ?? 0 }, (__, i) => i).filter((i) => {
      const place = at[i * dims.length + axis] ?? 0;
      return place >= start && place < end;
    });
    const moved = kept.flatMap((i) =>
      dims.map((_size, d) => (at[i * dims.length + d] ?? 0) - (d === axis ? start : 0)),
    );
    return {
      indices: ints([kept.length, dims.length], Int32Array.from(moved)),
      values: takeAt(values as OpTensor, [kept.length], kept),
      shape: ints(
        [dims.length],
        Int32Array.from(dims, (full, d) => (d === axis ? end - start : full)),
      ),
    };
  });
  return [...parts.map((p) => p.indices), ...parts.map((p) => p.values), ...parts.map((p) => p.shape)];
};

/** Of integers [rows, values] (or a vector): how often, or with what weight, each stands in its row. Output: sparse. */
const count: Op = ([values, weights], attrs) => {
  const [data, own] = [numbersOf(values, 'values'), numbersOf(weights, 'weights')];
  const [least, most] = [attrs.int('minlength', -1), attrs.int('maxlength', -1)];
  const isVector = values?.shape.length === 1;
  const [rows, width] = isVector ? [1, data.length] : [values?.shape[0] ?? 0, values?.shape[1] ?? 0];
  const isBinary = attrs.bool('binary_output', false);
  const counts = Array.from({ length: rows }, (_, row) => {
    const found = new Map<number, number>();
    for (let i = row * width; i < (row + 1) * width; i++) {
      const value = data[i] ?? 0;
      if (value < 0) throw graphError('Input values must all be non-negative');
      if (most >= 0 && value >= most) continue;
      found.set(value, isBinary ? 1 : (found.get(value) ?? 0) + (own.length > 0 ? (own[i] ?? 0) : 1));
    }
    return [...found].sort(([a], [b]) => a - b);
  });
  const greatest = counts.flat().reduce((top, [value]) => Math.max(top, value + 1), 0);
  const size = most >= 0 ? most : Math.max(greatest, least);
  const indices = counts.flatMap((found, row) => found.flatMap(([value]) => (isVector ? [value] : [row, value])));
  const totals = counts.flat().map(([, total]) => total);
  const sums = weights?.dtype === 'float32' ? Float32Array.from(totals) : Int32Array.from(totals);
  const rank = isVector ? 1 : 2;
  return [
    ints([totals.length, rank], Int32Array.from(indices)),
    { dtype: weights?.dtype === 'float32' ? 'float32' : 'int32', shape: [totals.length], data: sums } as OpTensor,
    ints([rank], Int32Array.from(isVector ? [size] : [rows, size])),
  ];
};

export const sparseArithmeticOps: Ops = {
  DenseCountSparseOutput: count,
  SparseAdd: add,
  SparseDenseCwiseAdd: withDense((a, b) => a + b),
  SparseDenseCwiseDiv: withDense((a, b) => a / b),
  SparseDenseCwiseMul: withDense((a, b) => a * b),
  SparseSoftmax: softmax,
  SparseSparseMaximum: choose(Math.max),
  SparseSparseMinimum: choose(Math.min),
  SparseSplit: split,
  SparseTensorDenseAdd: addToDense,
};
