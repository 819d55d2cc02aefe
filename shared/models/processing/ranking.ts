import { elementCount, newData, newTensor } from '../../tensor.ts';
import type { Tensor } from '../../tensor.ts';

/** Largest values of the last dimension. Of equal ones the first comes first, as in TensorFlow; NaN is smaller than everything. */

type Numbers = ArrayLike<number | bigint>;

/** The place of the largest value: int32, without the last dimension. */
export function argmax(tensor: Tensor): Tensor {
  const { indices } = topK(tensor, 1);
  return newTensor('int32', tensor.shape.slice(0, -1), indices.data);
}

/**
 * The `k` largest values, in descending order, and their places: `[..., k]` each, int32 the places.
 * @throws Error where there are fewer than k.
 */
export function topK(tensor: Tensor, k: number): { readonly values: Tensor; readonly indices: Tensor } {
  const size = tensor.shape.at(-1) ?? 0;
  if (size < k) throw new Error(`found ${size} values, expected at least ${k}`);
  const outer = tensor.shape.slice(0, -1);
  const groups = elementCount(outer);
  const data = tensor.data as Numbers;
  const values = newData(tensor.dtype, groups * k);
  const indices = new Int32Array(groups * k);
  for (let group = 0; group < groups; group++) {
    for (const [rank, place] of best(data, group * size, size, k).entries()) {
      indices[group * k + rank] = place;
      values[group * k + rank] = data[group * size + place] as never;
    }
  }
  const shape = [...outer, k];
  return { values: newTensor(tensor.dtype, shape, values), indices: newTensor('int32', shape, indices) };
}

function best(data: Numbers, from: number, size: number, k: number): readonly number[] {
  const places: number[] = [];
  // Inserting costs k steps at worst, and mostly none: where k is not small, sorting is cheaper.
  if (k > 32) {
    const all = Array.from({ length: size }, (_, place) => place);
    return all.sort((a, b) => order(data, from, a, b)).slice(0, k);
  }
  for (let place = 0; place < size; place++) {
    if (places.length === k && order(data, from, place, places[k - 1] as number) > 0) continue;
    let at = places.length;
    while (at > 0 && order(data, from, place, places[at - 1] as number) < 0) at--;
    places.splice(at, 0, place);
    if (places.length > k) places.pop();
  }
  return places;
}

/** Negative where the value at place `a` comes first. */
function order(data: Numbers, from: number, a: number, b: number): number {
  const [left, right] = [data[from + a] as number | bigint, data[from + b] as number | bigint];
  if (left > right) return -1;
  if (left < right) return 1;
  const [leftIsNumber, rightIsNumber] = [left === left, right === right];
  if (leftIsNumber !== rightIsNumber) return leftIsNumber ? -1 : 1;
  return a - b;
}
