import { stridesOf } from '../op-shape.ts';
import { graphError, numbersOf } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';
import { takeAt } from '../ops/take.ts';

/** What one dimension of the input gives. */
interface Span {
  readonly start: number;
  readonly step: number;
  readonly count: number;
  readonly shrinks: boolean;
}

/**
 * A slice with steps, as Python writes it: `x[1:-1, ::2, tf.newaxis, ..., 3]`. WebAssembly's is right for floats only.
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/strided_slice_op.cc
 */
const stridedSlice: Op = ([input, begin, end, strides], attrs) => {
  if (!input) throw graphError('nothing to slice');
  const [from, to, by] = [numbersOf(begin, 'begin'), numbersOf(end, 'end'), numbersOf(strides, 'strides')];
  const masks = ['begin_mask', 'end_mask', 'ellipsis_mask', 'new_axis_mask', 'shrink_axis_mask'];
  const [beginMask = 0, endMask = 0, ellipsisMask = 0, newMask = 0, shrinkMask = 0] = masks.map((name) =>
    attrs.int(name, 0),
  );
  const rank = input.shape.length;
  const named = Array.from(from, (_: number, i: number) => i).filter(
    (i) => !(((ellipsisMask | newMask) >> i) & 1),
  ).length;
  const spans: (Span | 'new')[] = [];
  let axis = 0;
  const whole = (): void => {
    spans.push({ start: 0, step: 1, count: input.shape[axis] ?? 0, shrinks: false });
    axis++;
  };
  for (let i = 0; i < from.length; i++) {
    if ((ellipsisMask >> i) & 1) for (let missing = rank - named; missing > 0; missing--) whole();
    else if ((newMask >> i) & 1) spans.push('new');
    else {
      const size = input.shape[axis] ?? 0;
      const step = by[i] ?? 1;
      if (step === 0) throw graphError(`strides[${i}] must be non-zero`);
      spans.push(
        span(size, from[i] ?? 0, to[i] ?? 0, step, (beginMask >> i) & 1, (endMask >> i) & 1, (shrinkMask >> i) & 1),
      );
      axis++;
    }
  }
  while (axis < rank) whole();
  const kept = spans.filter((part) => part !== 'new');
  const inputStrides = stridesOf(input.shape);
  let places = [kept.reduce((sum, { start }, d) => sum + start * (inputStrides[d] ?? 1), 0)];
  kept.forEach(({ step, count }, d) => {
    const stride = step * (inputStrides[d] ?? 1);
    places = places.flatMap((place) => Array.from({ length: count }, (_, i) => place + i * stride));
  });
  const shape = spans.flatMap((part) => (part === 'new' ? [1] : part.shrinks ? [] : [part.count]));
  return [takeAt(input, shape, places)];
};

function span(
  size: number,
  begin: number,
  end: number,
  step: number,
  noBegin: number,
  noEnd: number,
  shrinks: number,
): Span {
  if (shrinks) {
    const start = begin < 0 ? begin + size : begin;
    if (start < 0 || start >= size) throw graphError(`slice index ${begin} of dimension of size ${size} out of bounds`);
    return { start, step: 1, count: 1, shrinks: true };
  }
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const inside = (place: number): number => Math.min(Math.max(place < 0 ? place + size : place, low), high);
  const start = noBegin ? (step > 0 ? low : high) : inside(begin);
  const stop = noEnd ? (step > 0 ? high : low) : inside(end);
  return { start, step, count: Math.max(0, Math.ceil((stop - start) / step)), shrinks: false };
}

export const stridedSliceOps: Ops = { StridedSlice: stridedSlice };
