import { sizeOf } from '../op-shape.ts';
import { floats, graphError, ints, numberOf, numbersOf } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';

/** How the rows of a segment become one: from the start, step by step, and what the number of rows then does. */
interface Reduction {
  readonly start: number;
  readonly step: (sum: number, value: number) => number;
  readonly end?: (sum: number, rows: number) => number;
  /** What an empty segment is, where it is not `start`. */
  readonly empty?: number;
}

const SUM: Reduction = { start: 0, step: (sum, value) => sum + value };
const MEAN: Reduction = { ...SUM, end: (sum, rows) => sum / rows };
const SQRT_N: Reduction = { ...SUM, end: (sum, rows) => sum / Math.sqrt(rows) };
const PRODUCT: Reduction = { start: 1, step: (product, value) => product * value };
const MAX: Reduction = { start: -Infinity, step: Math.max };
const MIN: Reduction = { start: Infinity, step: Math.min };

/** Inputs: data, segment_ids that ascend. Output: one row per segment up to the last id; an empty one is zeros (a product: ones). */
const sorted =
  (reduction: Reduction): Op =>
  ([data, ids]) => {
    const segments = numbersOf(ids, 'segment_ids');
    return [
      reduce(data, rowsOf(data), segments, lastOf(segments), { empty: reduction.start === 1 ? 1 : 0, ...reduction }),
    ];
  };

/** Inputs: data, segment_ids in any order and shape (negative ones are left out), num_segments. Empty ones are the lowest or highest value. */
const unsorted =
  (reduction: Reduction): Op =>
  ([data, ids, count]) => {
    const limit = (reduction.start === Infinity ? 1 : -1) * (data?.dtype === 'int32' ? 2 ** 31 : 3.4028234663852886e38);
    const empty = Number.isFinite(reduction.start)
      ? reduction.start
      : data?.dtype === 'int32' && limit > 0
        ? limit - 1
        : limit;
    const shape = ids?.shape ?? [];
    const segments = numbersOf(ids, 'segment_ids');
    // Ids of a higher rank stand for as many dimensions of the data.
    const flat = data && { ...data, shape: [segments.length, ...data.shape.slice(shape.length)] };
    return [reduce(flat, rowsOf(flat), segments, numberOf(count, 'num_segments'), { ...reduction, empty })];
  };

/** Inputs: data, the indices of its rows, their segment_ids, and num_segments where there is such. Rows of zeros for empty segments. */
const sparse =
  (reduction: Reduction): Op =>
  ([data, indices, ids, count]) => {
    const segments = numbersOf(ids, 'segment_ids');
    const total = count ? numberOf(count, 'num_segments') : lastOf(segments);
    return [reduce(data, numbersOf(indices, 'indices'), segments, total, { ...reduction, empty: 0 })];
  };

export const segmentOps: Ops = {
  SegmentSum: sorted(SUM),
  SegmentMean: sorted(MEAN),
  SegmentMax: sorted(MAX),
  SegmentMin: sorted(MIN),
  SegmentProd: sorted(PRODUCT),
  UnsortedSegmentSum: unsorted(SUM),
  UnsortedSegmentMax: unsorted(MAX),
  UnsortedSegmentMin: unsorted(MIN),
  UnsortedSegmentProd: unsorted(PRODUCT),
  SparseSegmentSumWithNumSegments: sparse(SUM),
  SparseSegmentMeanWithNumSegments: sparse(MEAN),
  SparseSegmentSqrtN: sparse(SQRT_N),
  SparseSegmentSqrtNWithNumSegments: sparse(SQRT_N),
};

function rowsOf(data: OpTensor | undefined): ArrayLike<number> {
  return Array.from({ length: data?.shape[0] ?? 0 }, (_, row) => row);
}

function lastOf(segments: ArrayLike<number>): number {
  return segments.length === 0 ? 0 : (segments[segments.length - 1] as number) + 1;
}

function reduce(
  data: OpTensor | undefined,
  rows: ArrayLike<number>,
  ids: ArrayLike<number>,
  count: number,
  reduction: Reduction,
): OpTensor {
  const { start, step, end, empty = start } = reduction;
  if (ids.length !== rows.length)
    throw graphError(`segment_ids and indices should have same size: ${ids.length} vs. ${rows.length}`);
  const values = numbersOf(data, 'data');
  const inner = data?.shape.slice(1) ?? [];
  const size = sizeOf(inner);
  // In double precision: the order of additions is TensorFlow's own affair.
  const sums = new Float64Array(count * size).fill(start);
  const seen = new Int32Array(count);
  for (let i = 0; i < ids.length; i++) {
    const [segment, row] = [ids[i] as number, rows[i] as number];
    if (segment < 0) continue;
    if (segment >= count) throw graphError(`segment_ids[${i}] = ${segment} is out of range [0, ${count})`);
    if (!(row >= 0 && row < (data?.shape[0] ?? 0)))
      throw graphError(`indices[${i}] = ${row} is out of range [0, ${data?.shape[0] ?? 0})`);
    seen[segment] = (seen[segment] as number) + 1;
    for (let n = 0; n < size; n++)
      sums[segment * size + n] = step(sums[segment * size + n] as number, values[row * size + n] as number);
  }
  seen.forEach((found, segment) => {
    const part = sums.subarray(segment * size, (segment + 1) * size);
    if (found === 0) part.fill(empty);
    else if (end) part.forEach((sum, n) => (part[n] = end(sum, found)));
  });
  const shape = [count, ...inner];
  return data?.dtype === 'int32' ? ints(shape, Int32Array.from(sums)) : floats(shape, Float32Array.from(sums));
}
