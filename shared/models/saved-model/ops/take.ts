import { sizeOf } from '../op-shape.ts';
import { graphError } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';

/** The elements of a tensor at these places of its data, in a new shape. */
export function takeAt(input: OpTensor, shape: readonly number[], places: ArrayLike<number>): OpTensor {
  const take =
    <T>(data: ArrayLike<T>) =>
    (_: unknown, i: number): T =>
      data[places[i] as number] as T;
  const length = places.length;
  switch (input.dtype) {
    case 'string':
      return { ...input, shape, data: Array.from({ length }, take(input.data)) };
    case 'float32':
      return { ...input, shape, data: Float32Array.from({ length }, take(input.data)) };
    case 'int32':
      return { ...input, shape, data: Int32Array.from({ length }, take(input.data)) };
    case 'bool':
      return { ...input, shape, data: Uint8Array.from({ length }, take(input.data)) };
  }
}

/** The slices of one axis at these indices, which take its place; `shape` is theirs where they are no vector. */
export function takeAlong(
  input: OpTensor,
  axis: number,
  indices: ArrayLike<number>,
  shape: readonly number[] = [indices.length],
): OpTensor {
  const outer = sizeOf(input.shape.slice(0, axis));
  const count = input.shape[axis] as number;
  const inner = sizeOf(input.shape.slice(axis + 1));
  const places = new Int32Array(outer * indices.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i] as number;
      if (!(index >= 0 && index < count)) throw graphError(`indices[${i}] = ${index} is not in [0, ${count})`);
      for (let n = 0; n < inner; n++) places[at++] = (o * count + index) * inner + n;
    }
  }
  return takeAt(input, [...input.shape.slice(0, axis), ...shape, ...input.shape.slice(axis + 1)], places);
}
