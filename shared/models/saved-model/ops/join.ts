import { axisOf, broadcastIndex, broadcastShape, sizeOf, stridesOf } from '../op-shape.ts';
import { graphError, numbersOf, strings, stringsOf } from '../op-tensor.ts';
import { fromLatin1, latin1 } from '../op-text.ts';
import type { Ops } from '../op.ts';

/** Strings out of strings. */
export const joinOps: Ops = {
  /**
   * tf.strings.reduce_join: inputs the strings and the axes to join along, the first one's index running fastest. Output: the shape
   * without those axes, or with ones in their place.
   */
  ReduceJoin: ([input, indices], attrs) => {
    const data = stringsOf(input, 'inputs').map(latin1);
    const shape = input?.shape ?? [];
    const given = [...numbersOf(indices, 'reduction_indices')].map((axis) =>
      axisOf(axis, shape.length, 'reduction dimension'),
    );
    if (new Set(given).size !== given.length) throw graphError('Duplicate reduction dimension');
    // An empty list leaves everything as it is.
    const kept = shape.map((_, d) => d).filter((d) => !given.includes(d));
    const strides = stridesOf(shape);
    const outer = placesOf(kept, shape, strides);
    const inner = placesOf(given.toReversed(), shape, strides);
    const separator = attrs.text('separator', '');
    const joined = outer.map((from) => fromLatin1(inner.map((at) => data[from + at]).join(toLatin1(separator))));
    const dims = attrs.bool('keep_dims', false)
      ? shape.map((size, d) => (given.includes(d) ? 1 : size))
      : kept.map((d) => shape[d] as number);
    return [strings(dims, joined)];
  },
  /** tf.strings.join: element by element; a scalar joins every element. */
  StringJoin: (inputs, attrs) => {
    const separator = toLatin1(attrs.text('separator', ''));
    const shape = inputs.reduce<readonly number[]>((sum, { shape }) => broadcastShape(sum, shape), []);
    const parts = inputs.map((input) => {
      if (input.shape.length > 0 && sizeOf(input.shape) !== sizeOf(shape)) {
        throw graphError(
          `Input shapes do not match. Inputs have shapes [${input.shape.join(',')}] and [${shape.join(',')}]`,
        );
      }
      return { data: stringsOf(input, 'inputs').map(latin1), place: broadcastIndex(input.shape, shape) };
    });
    const joined = Array.from({ length: sizeOf(shape) }, (_, i) =>
      fromLatin1(parts.map(({ data, place }) => data[place(i)]).join(separator)),
    );
    return [strings(shape, joined)];
  },
};

/** The places of all elements along these dimensions, the last one fastest. */
function placesOf(dims: readonly number[], shape: readonly number[], strides: readonly number[]): number[] {
  return dims.reduce<number[]>(
    (places, d) =>
      places.flatMap((at) => Array.from({ length: shape[d] as number }, (_, i) => at + i * (strides[d] as number))),
    [0],
  );
}

function toLatin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}
