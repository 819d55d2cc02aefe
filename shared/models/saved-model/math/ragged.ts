import { floats, graphError, ints, numberOf, numbersOf, type OpTensor } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';
import { takeAt } from '../ops/take.ts';
import { joined } from './join-data.ts';

/** Ragged tensors. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/ragged_array_ops.cc */

const MAX_ELEMENTS = 2 ** 28;

const range: Op = ([starts, limits, deltas]) => {
  const [from, to, by] = [numbersOf(starts, 'starts'), numbersOf(limits, 'limits'), numbersOf(deltas, 'deltas')];
  const rows = Math.max(
    ...[starts, limits, deltas].map((tensor) => (tensor?.shape.length === 0 ? 1 : (tensor?.shape[0] ?? 0))),
  );
  const at = (values: ArrayLike<number>, row: number): number => values[values.length === 1 ? 0 : row] ?? 0;
  const splits = new Int32Array(rows + 1);
  const values: number[] = [];
  for (let row = 0; row < rows; row++) {
    const [start, limit, delta] = [at(from, row), at(to, row), at(by, row)];
    if (delta === 0) throw graphError('Requires delta != 0');
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    if (values.length + count > MAX_ELEMENTS) throw graphError(`ranges of more than ${MAX_ELEMENTS} elements`);
    for (let i = 0; i < count; i++) values.push(start + i * delta);
    splits[row + 1] = values.length;
  }
  const flat =
    starts?.dtype === 'float32'
      ? floats([values.length], Float32Array.from(values))
      : ints([values.length], Int32Array.from(values));
  return [ints([rows + 1], splits), flat];
};

/** Rows of a ragged tensor of any depth, chosen by indices of any shape. */
const gather: Op = (inputs, attrs) => {
  const depth = attrs.int('PARAMS_RAGGED_RANK', 1);
  const splits = inputs.slice(0, depth).map((tensor) => numbersOf(tensor, 'params_nested_splits'));
  const [values, indices] = [inputs[depth] as OpTensor, inputs[depth + 1] as OpTensor];
  const rows = (splits[0]?.length ?? 1) - 1;
  let chosen: { start: number; end: number }[] = Array.from(numbersOf(indices, 'indices'), (index) => {
    if (index < 0 || index >= rows) throw graphError(`indices[${index}] = ${index} is not in [0, ${rows})`);
    return { start: index, end: index + 1 };
  });
  const made: Int32Array[] = [];
  // The indices' own inner dimensions become ragged ones of equal rows.
  for (let axis = indices.shape.length - 1; axis > 0; axis--) {
    const size = indices.shape[axis] ?? 0;
    const outer = indices.shape.slice(0, axis).reduce((product, part) => product * part, 1);
    made.unshift(Int32Array.from({ length: outer + 1 }, (_, i) => i * size));
  }
  for (const split of splits) {
    const next = chosen.map(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)).flat();
    const lengths = next.map((row) => ({ start: split[row] ?? 0, end: split[row + 1] ?? 0 }));
    const out = new Int32Array(lengths.length + 1);
    lengths.forEach(({ start, end }, i) => (out[i + 1] = (out[i] ?? 0) + end - start));
    made.push(out);
    chosen = lengths;
  }
  const places = chosen.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i));
  return [...made.map((split) => ints([split.length], split)), takeRows(values, places)];
};

/** Of each row in `places`, all its elements. */
function takeRows(values: OpTensor, places: readonly number[]): OpTensor {
  const inner = values.shape.slice(1);
  const size = inner.reduce((product, part) => product * part, 1);
  const flat = Int32Array.from(
    { length: places.length * size },
    (_, i) => (places[Math.floor(i / size)] ?? 0) * size + (i % size),
  );
  return takeAt(values, [places.length, ...inner], flat);
}

/** To a dense tensor: rows are cut or filled with the default. */
const toTensor: Op = ([shape, values, fallback, ...partitions], attrs) => {
  if (!values || !fallback) throw graphError('a ragged tensor without values or default');
  const types = attrs.texts('row_partition_types');
  const splits = rowSplits(types, partitions);
  const rows = (splits[0]?.length ?? 1) - 1;
  const wanted = shape?.shape.length === 0 ? [] : Array.from(numbersOf(shape, 'shape'));
  const inner = values.shape.slice(1);
  const widths = splits.map((split) =>
    split.reduce((widest, end, i) => Math.max(widest, i === 0 ? 0 : end - (split[i - 1] ?? 0)), 0),
  );
  const natural = [rows, ...widths, ...inner];
  const sizes = natural.map((size, axis) => ((wanted[axis] ?? -1) >= 0 ? (wanted[axis] ?? 0) : size));
  const count = sizes.reduce((product, size) => product * size, 1);
  if (count > MAX_ELEMENTS) throw graphError(`a dense tensor of the shape [${sizes.join(', ')}]`);
  const block = inner.reduce((product, size) => product * size, 1);
  const places = new Int32Array(count).fill(-1);
  const fill = (depth: number, row: number, at: number, size: number): void => {
    const split = splits[depth];
    if (split === undefined) {
      for (let i = 0; i < block; i++) places[at + i] = row * block + i;
      return;
    }
    const width = sizes[depth + 1] ?? 0;
    const part = width === 0 ? 0 : size / width;
    const [start, end] = [split[row] ?? 0, split[row + 1] ?? 0];
    for (let i = 0; i < Math.min(end - start, width); i++) fill(depth + 1, start + i, at + i * part, part);
  };
  const outer = sizes[0] ?? 0;
  for (let row = 0; row < Math.min(rows, outer); row++) fill(0, row, (row * count) / outer, count / outer);
  return [withDefault(values, fallback, sizes, places)];
};

/** Row splits of each dimension, from splits or from the rows that values are of. */
function rowSplits(types: readonly string[], partitions: readonly OpTensor[]): Int32Array[] {
  const splits: Int32Array[] = [];
  let rows: number | undefined;
  partitions.forEach((tensor, i) => {
    const type = types[i] ?? 'ROW_SPLITS';
    if (type === 'FIRST_DIM_SIZE') rows = numberOf(tensor, 'the number of rows');
    else if (type === 'ROW_SPLITS') splits.push(Int32Array.from(numbersOf(tensor, 'row splits')));
    else if (type === 'VALUE_ROWIDS') {
      const last = splits.at(-1);
      const split = new Int32Array((last === undefined ? (rows ?? 0) : (last.at(-1) ?? 0)) + 1);
      for (const row of numbersOf(tensor, 'row ids'))
        if (row + 1 < split.length) split[row + 1] = (split[row + 1] ?? 0) + 1;
      for (let row = 1; row < split.length; row++) split[row] = (split[row] ?? 0) + (split[row - 1] ?? 0);
      splits.push(split);
    } else throw graphError(`row partition ${type} is not supported`);
  });
  return splits;
}

/** The values in these places; −1 for the default, which is a scalar or as large as what it fills. */
function withDefault(values: OpTensor, fallback: OpTensor, shape: readonly number[], places: Int32Array): OpTensor {
  const size = fallback.data.length;
  const count = values.data.length;
  const all = joined(values, fallback);
  return takeAt(
    all,
    shape,
    places.map((place, i) => (place >= 0 ? place : count + (size === 1 ? 0 : i % size))),
  );
}

export const raggedOps: Ops = { RaggedRange: range, RaggedGather: gather, RaggedTensorToTensor: toTensor };
