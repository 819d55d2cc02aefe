import { graphError } from './op-tensor.ts';

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** From 0, where negative ones count from the end. @throws PermanentError of one that the rank has not. */
export function axisOf(axis: number, rank: number, what: string): number {
  if (axis < -rank || axis >= rank) throw graphError(`${what} is ${axis}; expected -${rank} to ${rank - 1}`);
  return axis < 0 ? axis + rank : axis;
}

/** The step in row-major data from one index of each dimension to the next. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let d = shape.length - 2; d >= 0; d--) strides[d] = (strides[d + 1] as number) * (shape[d + 1] as number);
  return strides;
}

/** The shape of two tensors computed element by element: dimensions of 1 stretch, missing ones in front are 1. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, d) => {
    const [sizeA, sizeB] = [a[d - rank + a.length] ?? 1, b[d - rank + b.length] ?? 1];
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) {
      throw graphError(`Incompatible shapes: [${a.join(',')}] vs. [${b.join(',')}]`);
    }
    return sizeA === 1 ? sizeB : sizeA;
  });
}

/** For each element of the broadcast shape the place of the one that stands there. */
export function broadcastIndex(from: readonly number[], to: readonly number[]): (at: number) => number {
  if (from.length === to.length && from.every((size, d) => size === to[d])) return (at) => at;
  if (sizeOf(from) === 1) return () => 0;
  const source = stridesOf(from);
  const steps = stridesOf(to).map((stride, d) => {
    const own = d - to.length + from.length;
    const size = to[d] as number;
    return { stride, size, step: own < 0 || from[own] === 1 ? 0 : (source[own] as number) };
  });
  return (at) => steps.reduce((sum, { stride, size, step }) => sum + (Math.floor(at / stride) % size) * step, 0);
}
