import { WHOLE } from './bundle-key.ts';
import type { Extent } from './bundle-key.ts';
import { DT } from './graph-def.ts';
import { countOf, newValues } from './tensor-bytes.ts';
import type { TfData, TfTensor } from './tensor-bytes.ts';

/** What a slice takes of a tensor: its first index and its size in each dimension, all known. */
export interface Box {
  readonly start: readonly number[];
  readonly shape: readonly number[];
}

/** Every two slices are compared. */
const MAX_SLICES = 10_000;

/** @throws RangeError where the slice has another rank than the tensor, or goes beyond it. */
export function boxOf(extents: readonly Extent[], shape: readonly number[]): Box {
  if (extents.length !== shape.length) {
    throw new RangeError(`a slice of ${extents.length} dimensions in the shape [${shape.join(', ')}]`);
  }
  const box = {
    start: extents.map(({ start, length }) => (length === WHOLE ? 0 : start)),
    shape: extents.map(({ length }, d) => (length === WHOLE ? (shape[d] as number) : length)),
  };
  const fits = shape.every((size, d) => {
    const [start, length] = [box.start[d] as number, box.shape[d] as number];
    return (
      Number.isSafeInteger(start) && Number.isSafeInteger(length) && start >= 0 && length >= 0 && start + length <= size
    );
  });
  if (!fits) {
    throw new RangeError(
      `a slice from [${box.start.join(', ')}] of size [${box.shape.join(', ')}] goes beyond the shape [${shape.join(', ')}]`,
    );
  }
  return box;
}

/** @throws RangeError where the boxes leave a part of the shape out, or hold one twice: then they cannot make a tensor of it. */
export function checkCover(boxes: readonly Box[], shape: readonly number[]): void {
  if (boxes.length > MAX_SLICES) throw new RangeError(`${boxes.length} slices; at most ${MAX_SLICES} are put together`);
  const held = boxes.reduce((sum, box) => sum + countOf(box.shape), 0);
  const count = countOf(shape);
  if (held !== count)
    throw new RangeError(`its slices hold ${held} elements of the ${count} in the shape [${shape.join(', ')}]`);
  boxes.forEach((box, i) => {
    const other = boxes.slice(0, i).find((earlier) => overlap(earlier, box));
    if (other) throw new RangeError(`two of its slices hold the element at [${box.start.join(', ')}] or near it`);
  });
}

function overlap(a: Box, b: Box): boolean {
  return a.start.every((start, d) => {
    const [sizeA, startB, sizeB] = [a.shape[d] as number, b.start[d] as number, b.shape[d] as number];
    return sizeA > 0 && sizeB > 0 && start < startB + sizeB && startB < start + sizeA;
  });
}

/** A tensor out of slices that `checkCover` has found whole. */
export function joinSlices(
  dtype: number,
  shape: readonly number[],
  slices: readonly (readonly [Box, TfTensor])[],
): TfTensor {
  const data = emptyData(dtype, countOf(shape));
  for (const [box, { data: from }] of slices) {
    forEachRun(box, shape, (whole, part, length) => {
      copyRun(data, whole, from, part, length);
    });
  }
  return { dtype, shape, data };
}

/** The part of a tensor that a box takes. */
export function cutSlice(tensor: TfTensor, box: Box): TfTensor {
  const data = emptyData(tensor.dtype, countOf(box.shape));
  forEachRun(box, tensor.shape, (whole, part, length) => {
    copyRun(data, part, tensor.data, whole, length);
  });
  return { dtype: tensor.dtype, shape: box.shape, data };
}

function emptyData(dtype: number, count: number): TfData {
  return dtype === DT.STRING ? Array.from({ length: count }, () => new Uint8Array(0)) : newValues(dtype, count);
}

/** Both are of the same dtype, so of the same storage. */
function copyRun(to: TfData, toAt: number, from: TfData, fromAt: number, length: number): void {
  const [target, source] = [to as Uint8Array, from as Uint8Array];
  if (Array.isArray(to)) for (let i = 0; i < length; i++) target[toAt + i] = source[fromAt + i] as number;
  else target.set(source.subarray(fromAt, fromAt + length), toAt);
}

/** Calls with the runs that lie together in both: their place in the whole tensor, in the box, and their length. */
function forEachRun(
  box: Box,
  shape: readonly number[],
  copy: (whole: number, part: number, length: number) => void,
): void {
  const count = countOf(box.shape);
  if (count === 0) return;
  const last = shape.length - 1;
  const run = box.shape[last] ?? 1;
  const index = [...box.start];
  for (let part = 0; part < count; part += run) {
    copy(
      index.reduce((at, i, d) => at * (shape[d] as number) + i, 0),
      part,
      run,
    );
    // Counts up over all dimensions but the last.
    for (let d = last - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (box.start[d] as number) + (box.shape[d] as number)) break;
      index[d] = box.start[d] as number;
    }
  }
}
