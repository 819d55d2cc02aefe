import { expect, it } from 'vitest';
import type { RawAttr } from '../../../../../shared/models/saved-model/op-attrs.ts';
import type { OpTensor } from '../../../../../shared/models/saved-model/op-tensor.ts';
import { call, values } from './op-maker.ts';

/** What an operation makes of these inputs, by TensorFlow 2.21. */
interface Row {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly OpTensor[];
  readonly attrs?: Readonly<Record<string, RawAttr>>;
  readonly expected: readonly OpTensor[];
}

/** Relative to the larger of the expected value's size and `SMALL`. */
const TOLERANCE = 1e-5;
const SMALL = 0.01;

/** A test for each row: shapes, dtypes and values, floats within 1e-5. */
export function itComputes(rows: readonly Row[]): void {
  it.each(rows)('$name', async ({ op, inputs, attrs = {}, expected }) => {
    const made = await call(op, inputs, attrs);
    expect(made.map(({ dtype, shape }) => ({ dtype, shape }))).toEqual(
      expected.map(({ dtype, shape }) => ({ dtype, shape })),
    );
    made.forEach((tensor, i) => {
      const wanted = expected[i] as OpTensor;
      if (tensor.dtype === 'float32') expectNear(tensor.data, wanted.data as Float32Array);
      else expect(values(tensor)).toEqual(values(wanted));
    });
  });
}

function expectNear(made: Float32Array, wanted: Float32Array): void {
  const far = Array.from(wanted).flatMap((value, i) => {
    const found = made[i] ?? NaN;
    const near =
      Object.is(found, value) ||
      found === value ||
      Math.abs(found - value) <= TOLERANCE * Math.max(Math.abs(value), SMALL);
    return near ? [] : [{ place: i, found, value }];
  });
  expect(far).toEqual([]);
}
