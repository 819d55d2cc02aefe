import { DT } from '../graph-def.ts';
import { sizeOf } from '../op-shape.ts';
import { graphError, ints, numberOf, numbersOf, type OpTensor } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';

/** To a small integer: the low bits, as C does. Its values are int32 here. */
const cast: Op = ([input], attrs) => {
  const type = attrs.type('DstT', DT.INT32);
  const values = Int32Array.from(numbersOf(input, 'x'), narrowerTo(type));
  return [ints(input?.shape ?? [], values)];
};

function narrowerTo(type: number): (value: number) => number {
  switch (type) {
    case DT.INT8:
      return (value) => (value << 24) >> 24;
    case DT.UINT8:
      return (value) => value & 0xff;
    case DT.INT16:
      return (value) => (value << 16) >> 16;
    case DT.UINT16:
      return (value) => value & 0xffff;
    default:
      throw graphError(`a cast to DataType ${type} is not one to a small integer`);
  }
}

/** Inputs: indices, depth, the value at the index and elsewhere. The new dimension is `axis`, from −1 (the last). */
const oneHot: Op = ([indices, depthInput, on, off], attrs) => {
  const places = numbersOf(indices, 'indices');
  const shape = indices?.shape ?? [];
  const depth = numberOf(depthInput, 'depth');
  const axis = attrs.int('axis', -1) < 0 ? shape.length : attrs.int('axis', -1);
  const inner = sizeOf(shape.slice(axis));
  const count = places.length * depth;
  const data = on?.dtype === 'float32' ? new Float32Array(count) : new Int32Array(count);
  data.fill(numberOf(off, 'off_value'));
  const value = numberOf(on, 'on_value');
  places.forEach((place: number, i: number) => {
    if (place >= 0 && place < depth) data[(Math.floor(i / inner) * depth + place) * inner + (i % inner)] = value;
  });
  return [{ dtype: on?.dtype, shape: [...shape.slice(0, axis), depth, ...shape.slice(axis)], data } as OpTensor];
};

export const castOps: Ops = { Cast: cast, OneHot: oneHot };
