import { axisOf, sizeOf, stridesOf } from '../op-shape.ts';
import { graphError, numbersOf, type OpTensor } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';
import { takeAlong, takeAt } from '../ops/take.ts';
import { joined } from './join-data.ts';

/** Rows that go to other places. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/data_flow_ops.cc and array_ops.cc */

/** Inputs: data, and for each of its rows the number of the output that it goes to. */
const partition: Op = ([data, partitions], attrs) => {
  if (!data || !partitions) throw graphError('nothing to partition');
  const count = attrs.int('num_partitions', 1);
  const rows: number[][] = Array.from({ length: count }, () => []);
  numbersOf(partitions, 'partitions').forEach((place: number, row: number) => {
    const into = rows[place];
    if (into === undefined) throw graphError(`partitions[${row}] = ${place} is not in [0, ${count})`);
    into.push(row);
  });
  const inner = data.shape.slice(partitions.shape.length);
  const flat = { ...data, shape: [partitions.data.length, ...inner] } as OpTensor;
  return rows.map((chosen) => takeAlong(flat, 0, chosen));
};

/** Inputs: N lists of places, N of rows; a later row takes the place of an earlier one. What nobody names is zeros (nothing is, in legal graphs). */
const stitch: Op = (inputs) => {
  const half = inputs.length / 2;
  const [places, data] = [inputs.slice(0, half), inputs.slice(half)];
  const first = data[0];
  if (first === undefined) throw graphError('nothing to stitch');
  const inner = first.shape.slice(places[0]?.shape.length ?? 1);
  const block = sizeOf(inner);
  const all = data.reduce((sum: OpTensor, part) => joined(sum, part), takeAt(first, [0], []));
  const rows = places.flatMap((tensor) => Array.from(numbersOf(tensor, 'indices')));
  const count = rows.reduce((most, row) => Math.max(most, row + 1), 0);
  if (count > all.data.length + rows.length + 1 && count > 2 ** 24) throw graphError(`stitched to ${count} rows`);
  const from = new Int32Array(count);
  rows.forEach((row, i) => {
    if (row < 0) throw graphError(`indices[${i}] = ${row} is negative`);
    from[row] = i;
  });
  const flat = Int32Array.from(
    { length: count * block },
    (_, i) => (from[Math.floor(i / block)] ?? 0) * block + (i % block),
  );
  return [takeAt(all, [count, ...inner], flat)];
};

type Combine = (old: number, update: number) => number;

/** Inputs: a tensor, indices into its first dimensions, and what to combine with what is there. */
const scatter =
  (combine: Combine): Op =>
  ([tensor, indices, updates]) => {
    if (!tensor || !indices || tensor.dtype === 'string') throw graphError('nothing to scatter into');
    const depth = indices.shape.at(-1) ?? 0;
    const strides = stridesOf(tensor.shape);
    const block = sizeOf(tensor.shape.slice(depth));
    const data = tensor.data.slice();
    const [at, values] = [numbersOf(indices, 'indices'), numbersOf(updates, 'updates')];
    for (let i = 0; i < at.length / depth; i++) {
      let start = 0;
      for (let d = 0; d < depth; d++) {
        const index = at[i * depth + d] ?? 0;
        if (index < 0 || index >= (tensor.shape[d] ?? 0))
          throw graphError(`indices[${i}] = ${index} does not index into shape [${tensor.shape.join(',')}]`);
        start += index * (strides[d] ?? 1);
      }
      for (let b = 0; b < block; b++) data[start + b] = combine(data[start + b] ?? 0, values[i * block + b] ?? 0);
    }
    return [{ ...tensor, data } as OpTensor];
  };

/** Inputs: a tensor, and for each row of the batch axis how many elements of the sequence axis to turn round. */
const reverseSequence: Op = ([input, lengths], attrs) => {
  if (!input) throw graphError('nothing to reverse');
  const [sequence, batch] = [attrs.int('seq_dim', 1), attrs.int('batch_dim', 0)];
  const strides = stridesOf(input.shape);
  const [size, step] = [input.shape[sequence] ?? 0, strides[sequence] ?? 1];
  const counts = numbersOf(lengths, 'seq_lengths');
  const places = Int32Array.from({ length: input.data.length }, (_, i) => {
    const at = Math.floor(i / step) % size;
    const count = counts[Math.floor(i / (strides[batch] ?? 1)) % (input.shape[batch] ?? 1)] ?? 0;
    return at < count ? i + (count - 1 - 2 * at) * step : i;
  });
  return [takeAt(input, input.shape, places)];
};

/** Inputs: a tensor, how far to roll and along which axes. */
const roll: Op = ([input, shifts, axes]) => {
  if (!input) throw graphError('nothing to roll');
  const strides = stridesOf(input.shape);
  const moves = numbersOf(shifts, 'shift');
  const along = Array.from(numbersOf(axes, 'axis'), (axis) => axisOf(axis, input.shape.length, 'axis'));
  const places = Int32Array.from({ length: input.data.length }, (_, i) =>
    along.reduce((place, axis, n) => {
      const [size, step] = [input.shape[axis] ?? 1, strides[axis] ?? 1];
      const at = Math.floor(place / step) % size;
      return place + (((((at - (moves[n] ?? 0)) % size) + size) % size) - at) * step;
    }, i),
  );
  return [takeAt(input, input.shape, places)];
};

export const scatterOps: Ops = {
  DynamicPartition: partition,
  DynamicStitch: stitch,
  ParallelDynamicStitch: stitch,
  TensorScatterAdd: scatter((old, update) => old + update),
  TensorScatterSub: scatter((old, update) => old - update),
  TensorScatterMax: scatter(Math.max),
  TensorScatterMin: scatter(Math.min),
  ReverseSequence: reverseSequence,
  Roll: roll,
};
