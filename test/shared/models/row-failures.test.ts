import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { predictBatch } from '../../../functions/score/predict.ts';
import { errorInfo } from '../../../shared/errors.ts';
import { DEFAULT_SIGNATURE } from '../../../shared/models/model.ts';
import type { Model } from '../../../shared/models/model.ts';
import { scoreInChunks, takeRows } from '../../../shared/models/row-chunks.ts';
import { RowFailures } from '../../../shared/models/row-failures.ts';
import type { Tensor, Tensors } from '../../../shared/tensor.ts';
import { float32 } from './model-files.ts';

const NEGATIVE = errorInfo('INVALID_ARGUMENT', 'found a negative number');
const numbers = (tensors: Tensors, name: string): number[] => [...((tensors[name] as Tensor).data as Float32Array)];
const failuresOf = (values: readonly number[]) =>
  new Map(values.flatMap((value, row) => (value < 0 ? [[row, NEGATIVE] as const] : [])));

/** y = 2x, and knows which rows it cannot score: the negative ones. */
class Doubling implements Model {
  readonly runtime = 'test';
  readonly byteSize = 0;
  readonly signatures;
  readonly calls: number[] = [];
  readonly #keepsScores: boolean;

  constructor(batch: number | null = null, keepsScores = false) {
    const shape = [batch];
    this.#keepsScores = keepsScores;
    this.signatures = {
      [DEFAULT_SIGNATURE]: {
        name: DEFAULT_SIGNATURE,
        inputs: [{ name: 'x', dtype: 'float32', shape }],
        outputs: [{ name: 'y', dtype: 'float32', shape }],
      },
    } as const;
  }

  predict(_signature: string, inputs: Tensors): Promise<Tensors> {
    const values = numbers(inputs, 'x');
    this.calls.push(values.length);
    const failures = failuresOf(values);
    const good = values.filter((value) => value >= 0).map((value) => 2 * value);
    if (failures.size === 0) return Promise.resolve({ y: float32([good.length], good) });
    return Promise.reject(
      this.#keepsScores
        ? new RowFailures(failures, good.length === 0 ? undefined : { y: float32([good.length], good) })
        : new RowFailures(failures),
    );
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

async function score(model: Doubling, values: readonly number[]): Promise<Map<number, number | string>> {
  const rows = Int32Array.from(values, (_, index) => 10 + index);
  const groups = [{ rows, inputs: { x: float32([values.length], values) } }];
  const { scored, errors } = await predictBatch(model, model.signatures[DEFAULT_SIGNATURE], groups);
  const results = new Map<number, number | string>();
  for (const { rows: indexes, outputs } of scored) {
    const y = numbers(outputs, 'y');
    indexes.forEach((row, at) => results.set(row, y[at] ?? NaN));
  }
  for (const [row, { message }] of errors) results.set(row, message);
  return results;
}

describe('rows that a model names as failed', () => {
  const values = fc.array(fc.integer({ min: -3, max: 9 }), { minLength: 1, maxLength: 40 });

  it.each([
    { name: 'of a free batch', batch: null, keepsScores: false },
    { name: 'of a fixed batch, filled up', batch: 4, keepsScores: false },
    { name: 'of a model that keeps what it scored', batch: null, keepsScores: true },
  ])('become errors, and the others are scored: $name', async ({ batch, keepsScores }) => {
    await fc.assert(
      fc.asyncProperty(values, async (xs) => {
        const results = await score(new Doubling(batch, keepsScores), xs);
        const expected = xs.map((x, index) => [10 + index, x < 0 ? NEGATIVE.message : 2 * x] as const);
        expect([...results].sort(([a], [b]) => a - b)).toEqual(expected);
      }),
    );
  });

  it('cost one more call, not a halving', async () => {
    const model = new Doubling();
    await score(model, [1, -1, 2, -1, 3, 4, 5, -1]);
    expect(model.calls).toEqual([8, 5]);
  });

  it('cost none where the model keeps what it scored', async () => {
    const model = new Doubling(null, true);
    await score(model, [1, -1, 2]);
    expect(model.calls).toEqual([3]);
  });

  it('that are none of the batch: it is halved, as after any failure', async () => {
    const model = new Doubling();
    model.predict = (_signature, inputs) =>
      numbers(inputs, 'x').includes(7)
        ? Promise.reject(new RowFailures(new Map([[99, NEGATIVE]])))
        : Promise.resolve({ y: inputs['x'] as Tensor });
    const results = await score(model, [1, 7, 3]);
    expect(results.get(10)).toBe(1);
    expect(results.get(11)).toMatch(/cannot score this instance: found a negative number/);
    expect(results.get(12)).toBe(3);
  });
});

describe('a batch taken apart', () => {
  const values = fc.array(fc.integer({ min: -3, max: 99 }), { minLength: 1, maxLength: 30 });

  it('is put together again, or fails of the same rows', async () => {
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 1, max: 9 }), async (xs, size) => {
        const model = new Doubling();
        const run = scoreInChunks({ x: float32([xs.length], xs) }, xs.length, size, (chunk) =>
          model.predict(DEFAULT_SIGNATURE, chunk),
        );
        const result = await run.catch((error: unknown) => error);
        const failures = failuresOf(xs);
        if (failures.size === 0)
          expect(result).toEqual({
            y: float32(
              [xs.length],
              xs.map((x) => 2 * x),
            ),
          });
        else expect((result as RowFailures).failures).toEqual(failures);
        expect(Math.max(...model.calls)).toBeLessThanOrEqual(size);
      }),
    );
  });

  it('takes the rows that it is told', () => {
    const tensors: Tensors = {
      a: float32([3, 2], [1, 2, 3, 4, 5, 6]),
      b: { dtype: 'string', shape: [3], data: ['x', 'y', 'z'] },
      c: { dtype: 'int64', shape: [3], data: BigInt64Array.of(1n, 2n, 3n) },
      d: float32([], [7]),
    };
    expect(takeRows(tensors, [2, 0])).toEqual({
      a: float32([2, 2], [5, 6, 1, 2]),
      b: { dtype: 'string', shape: [2], data: ['z', 'x'] },
      c: { dtype: 'int64', shape: [2], data: BigInt64Array.of(3n, 1n) },
      d: float32([], [7]),
    });
  });
});
