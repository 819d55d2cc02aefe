import { axisOf, sizeOf } from '../op-shape.ts';
import { graphError, ints, numbersOf } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import { takeAlong } from './take.ts';
import { latin1 } from '../op-text.ts';
import type { Op, Ops } from '../op.ts';

/** Outputs: what differs, in the order of first appearance, and for each element which of those it is; `…WithCounts` also how often. */
const unique: Op = ([input, axis]) => uniqueAlong(input, axis).slice(0, 2);
const uniqueWithCounts: Op = ([input, axis]) => uniqueAlong(input, axis);

/** tf.sets.difference of vectors: what of x is not in y, and where it stands. */
const listDiff: Op = ([x, y]) => {
  if (!x || !y) throw graphError('ListDiff expects two inputs');
  const [keyX, keyY] = [keys(x), keys(y)];
  const without = new Set(Array.from({ length: y.data.length }, (_, i) => keyY(i)));
  const kept = Array.from({ length: x.data.length }, (_, i) => i).filter((i) => !without.has(keyX(i)));
  return [takeAlong(x, 0, kept), ints([kept.length], Int32Array.from(kept))];
};

const invertPermutation: Op = ([x]) => {
  const order = numbersOf(x, 'x');
  const inverse = new Int32Array(order.length).fill(-1);
  order.forEach((to, i) => {
    if (!(to >= 0 && to < order.length)) throw graphError(`${to} is not between 0 and ${order.length}`);
    if (inverse[to] !== -1) throw graphError(`${to} is duplicated in the input.`);
    inverse[to] = i;
  });
  return [ints(x?.shape ?? [], inverse)];
};

/** Of strings TensorFlow.js compares text, not bytes, and it has no counts. */
export const uniqueOps: Ops = {
  Unique: unique,
  UniqueV2: unique,
  UniqueWithCounts: uniqueWithCounts,
  UniqueWithCountsV2: uniqueWithCounts,
  ListDiff: listDiff,
  InvertPermutation: invertPermutation,
};

/** Without an axis (none, or an empty one) the input is a vector; else the slices along the axis are compared. */
function uniqueAlong(input: OpTensor | undefined, axisTensor: OpTensor | undefined): OpTensor[] {
  if (!input) throw graphError('unique expects an input');
  const [given] = axisTensor && axisTensor.dtype !== 'string' ? axisTensor.data : [];
  if (given === undefined && input.shape.length !== 1) throw graphError('unique expects a 1D vector.');
  const axis = axisOf(given ?? 0, input.shape.length, 'axis');
  const outer = sizeOf(input.shape.slice(0, axis));
  const count = input.shape[axis] as number;
  const inner = sizeOf(input.shape.slice(axis + 1));
  const keyOf = keys(input);
  const seen = new Map<string | number, number>();
  const first: number[] = [];
  const counts: number[] = [];
  const places = Int32Array.from({ length: count }, (_, i) => {
    const key = outer * inner === 1 ? keyOf(i) : sliceKey(keyOf, i, outer, count, inner);
    const place = seen.get(key) ?? seen.size;
    if (place === seen.size) {
      seen.set(key, place);
      first.push(i);
      counts.push(0);
    }
    counts[place] = (counts[place] as number) + 1;
    return place;
  });
  return [takeAlong(input, axis, first), ints([count], places), ints([counts.length], Int32Array.from(counts))];
}

function keys(input: OpTensor): (at: number) => string | number {
  if (input.dtype === 'string') return (at) => latin1(input.data[at] as Uint8Array);
  return (at) => input.data[at] as number;
}

function sliceKey(
  keyOf: (at: number) => string | number,
  i: number,
  outer: number,
  count: number,
  inner: number,
): string {
  const parts: (string | number)[] = [];
  for (let o = 0; o < outer; o++) for (let n = 0; n < inner; n++) parts.push(keyOf((o * count + i) * inner + n));
  return JSON.stringify(parts);
}
