import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Model } from '../../../../shared/models/model.ts';
import { newData, newTensor } from '../../../../shared/tensor.ts';
import type { DType, StringElement, Tensor } from '../../../../shared/tensor.ts';

/** TensorFlow's own outputs, as `golden.json` of the fixtures holds them. */

interface GoldenTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly (number | string | boolean | { readonly b64: string })[];
}

export interface GoldenCall {
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly outputs: Readonly<Record<string, GoldenTensor>>;
}

/** Relative difference that arithmetic in another order may make. */
const TOLERANCE = 1e-5;
/** Below this a value is nothing but rounding: the tolerance is then of this, not of the value. */
const TINY = 1e-2;

export async function readGolden(folder: string): Promise<ReadonlyMap<string, GoldenCall>> {
  const text = await readFile(join(folder, 'golden.json'), 'utf8');
  const { signatures } = JSON.parse(text) as { signatures: Record<string, GoldenCall> };
  return new Map(Object.entries(signatures));
}

export function toTensor({ dtype, shape, data }: GoldenTensor): Tensor {
  if (dtype === 'string') {
    const strings = data.map((value) => new Uint8Array(Buffer.from((value as { b64: string }).b64, 'base64')));
    return { dtype, shape, data: strings };
  }
  const numbers = data as readonly (number | string | boolean)[];
  if (dtype === 'int64') return { dtype, shape, data: BigInt64Array.from(numbers, BigInt) };
  if (dtype === 'uint64') return { dtype, shape, data: BigUint64Array.from(numbers, BigInt) };
  const values = newData(dtype, numbers.length) as Float32Array;
  values.set(numbers.map(Number));
  return newTensor(dtype, shape, values);
}

/** Strings and integers equal; floats within 1e-5 of the value, or of 0.01 where it is smaller; or within `tolerance`, absolutely. */
export async function expectGolden(model: Model, name: string, call: GoldenCall, tolerance?: number): Promise<void> {
  const inputs = Object.fromEntries(Object.entries(call.inputs).map(([input, tensor]) => [input, toTensor(tensor)]));
  const outputs = await model.predict(name, inputs);
  for (const [output, golden] of Object.entries(call.outputs)) {
    const expected = toTensor(golden);
    const found = outputs[output];
    expect(found?.dtype, output).toBe(expected.dtype);
    expect(found?.shape, output).toEqual(expected.shape);
    if (expected.dtype === 'string') {
      expect(Array.from(found?.data as StringElement[], bytesOf), output).toEqual(expected.data.map(bytesOf));
    } else if (!expected.dtype.startsWith('float')) expect(found?.data, output).toEqual(expected.data);
    else expectClose(output, found?.data as Float32Array, expected.data as Float32Array, tolerance);
  }
}

function expectClose(output: string, found: Float32Array, expected: Float32Array, tolerance: number | undefined): void {
  expected.forEach((value, i) => {
    const allowed = tolerance ?? TOLERANCE * Math.max(Math.abs(value), TINY);
    const difference = Object.is(found[i], value) ? 0 : Math.abs((found[i] ?? NaN) - value);
    expect(difference, `${output}[${i}]: ${found[i] ?? 'nothing'} for ${value}`).toBeLessThanOrEqual(allowed);
  });
}

function bytesOf(element: StringElement): string {
  return Buffer.from(element as Uint8Array).toString('hex');
}

/** The place of the largest value in each row. */
export function argmaxOf({
  shape,
  data,
}: {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}): number[] {
  const [rows = 0, width = 0] = shape;
  return Array.from({ length: rows }, (_, row) => {
    const values = Array.from({ length: width }, (__, i) => data[row * width + i] ?? 0);
    return values.indexOf(Math.max(...values));
  });
}
