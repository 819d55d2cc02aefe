import { WHOLE } from './bundle-key.ts';
import type { Extent } from './bundle-key.ts';
import { boxOf } from './bundle-slices.ts';
import type { Box } from './bundle-slices.ts';

/**
 * What RestoreV2's `shape_and_slices` takes of a tensor: the whole's shape, then one `start,length` or `-` (all of it) per
 * dimension, joined by colons. Source: `ParseShapeAndSlice` of
 * https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/saved_tensor_slice_util.cc
 * @param text `4 20 0,2:-`
 * @throws RangeError where it is malformed, or not of a tensor of this shape.
 */
export function parseShapeAndSlice(text: string, shape: readonly number[]): Box {
  const words = text.split(' ');
  const slice = words.pop() ?? '';
  if (words.length !== shape.length || words.some((word, d) => word !== String(shape[d]))) {
    throw new RangeError(`it asks for a tensor of shape [${words.join(', ')}]; this one has [${shape.join(', ')}]`);
  }
  return boxOf(slice === '' ? [] : slice.split(':').map(extentOf), shape);
}

function extentOf(text: string): Extent {
  if (text === '-') return { start: 0, length: WHOLE };
  const [, start, length] = /^(\d+),(\d+)$/.exec(text) ?? [];
  if (length === undefined) throw new RangeError(`${JSON.stringify(text)} is no extent; expected start,length or -`);
  return { start: Number(start), length: Number(length) };
}
