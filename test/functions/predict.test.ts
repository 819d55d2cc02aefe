import { describe, expect, it } from 'vitest';

import { predictBatch } from '../../functions/score/predict.ts';
import type { BatchGroup } from '../../shared/formats/format.ts';
import { ModelLostError } from '../../shared/models/model-lost-error.ts';
import { DEFAULT_SIGNATURE } from '../../shared/models/model.ts';
import type { Model, Signature } from '../../shared/models/model.ts';
import { FakeModel, float32, floats, numbersOf, signatureOf, timesFive } from './fake-model.ts';

/** A group of rows of one number each; row i of the group is row `first + i` of the batch. */
function groupOf(values: readonly number[], first = 0): BatchGroup {
  return {
    rows: Int32Array.from(values, (_, index) => first + index),
    inputs: { x: float32([values.length], values) },
  };
}

function defaultSignature(model: Model): Signature {
  const signature = model.signatures[DEFAULT_SIGNATURE];
  if (signature === undefined) throw new Error('no signature');
  return signature;
}

async function predict(
  model: Model,
  groups: readonly BatchGroup[],
): Promise<{ rows: [number, unknown][]; failed: [number, string][] }> {
  const { scored, errors } = await predictBatch(model, defaultSignature(model), groups);
  const rows = scored.flatMap(({ rows: indexes, outputs }) => {
    const y = outputs['y'];
    if (y?.dtype !== 'float32') throw new Error('no float32 output y');
    const size = y.data.length / indexes.length;
    return Array.from(indexes, (row, at): [number, unknown] => {
      const values = Array.from(y.data.subarray(at * size, (at + 1) * size));
      return [row, y.shape.length === 1 ? values[0] : values];
    });
  });
  return { rows: rows.sort(([a], [b]) => a - b), failed: [...errors].map(([row, { message }]) => [row, message]) };
}

describe('predictBatch', () => {
  it('gives a batch that succeeds to the model at once', async () => {
    const model = timesFive();
    expect(await predict(model, [groupOf([1, 2, 3])])).toEqual({
      rows: [
        [0, 5],
        [1, 10],
        [2, 15],
      ],
      failed: [],
    });
    expect(model.calls).toEqual([[3]]);
  });

  it.each([[[0]], [[6]], [[2, 3]], [[0, 3, 6]], [[0, 1, 2, 3, 4, 5, 6]]])(
    'halves a batch that fails, so that of seven rows exactly the bad ones, %j, become errors',
    async (bad) => {
      const model = timesFive((x) => bad.includes(x));
      const { rows, failed } = await predict(model, [groupOf([0, 1, 2, 3, 4, 5, 6])]);
      const good = [0, 1, 2, 3, 4, 5, 6].filter((row) => !bad.includes(row));
      expect(rows).toEqual(good.map((row) => [row, 5 * row]));
      expect(failed.map(([row]) => row)).toEqual(bad);
      expect(failed[0]?.[1]).toBe(
        `the model (signature serving_default) cannot score this instance: ${bad[0] ?? ''} is bad luck`,
      );
    },
  );

  it('halves down to what the memory holds', async () => {
    const model = new FakeModel(signatureOf([floats('x', [null])], [floats('y', [null])]), (inputs) => {
      const x = numbersOf(inputs);
      if (x.length > 3) throw new Error('out of memory');
      return { y: float32([x.length], x) };
    });
    const { rows, failed } = await predict(model, [groupOf(Array.from({ length: 10 }, (_, row) => row))]);
    expect(rows).toHaveLength(10);
    expect(failed).toEqual([]);
  });

  it('scores rows of one shape together and keeps each where it was', async () => {
    const model = new FakeModel(signatureOf([floats('x', [null, null])], [floats('y', [null])]), (inputs) => {
      const [rows = 0, width = 0] = inputs['x']?.shape ?? [];
      const x = numbersOf(inputs);
      return {
        y: float32(
          [rows],
          Array.from({ length: rows }, (_, row) =>
            x.subarray(row * width, (row + 1) * width).reduce((a, b) => a + b, 0),
          ),
        ),
      };
    });
    const groups: BatchGroup[] = [
      { rows: Int32Array.of(0, 2), inputs: { x: float32([2, 1], [1, 3]) } },
      { rows: Int32Array.of(1, 3), inputs: { x: float32([2, 2], [10, 10, 20, 20]) } },
    ];
    expect((await predict(model, groups)).rows).toEqual([
      [0, 1],
      [1, 20],
      [2, 3],
      [3, 40],
    ]);
    expect(model.calls).toEqual([
      [2, 1],
      [2, 2],
    ]);
  });

  it('fills up a batch dimension of fixed size with the last row, and cuts the surplus off', async () => {
    const given: number[][] = [];
    const model = new FakeModel(signatureOf([floats('x', [4])], [floats('y', [4])]), (inputs) => {
      given.push([...numbersOf(inputs)]);
      return { y: float32([4], numbersOf(inputs)) };
    });
    const { rows } = await predict(model, [groupOf([1, 2, 3, 4, 5, 6])]);
    expect(rows.map(([, y]) => y)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(given).toEqual([
      [1, 2, 3, 4],
      [5, 6, 6, 6],
    ]);
  });

  it('finds the bad row also in a batch of fixed size', async () => {
    const model = new FakeModel(signatureOf([floats('x', [4])], [floats('y', [4])]), (inputs) => {
      if (numbersOf(inputs).includes(2)) throw new Error('two');
      return { y: float32([4], numbersOf(inputs)) };
    });
    const { rows, failed } = await predict(model, [groupOf([1, 2, 3, 4, 5])]);
    expect(rows.map(([row]) => row)).toEqual([0, 2, 3, 4]);
    expect(failed.map(([row]) => row)).toEqual([1]);
  });

  it('gives an input without a batch dimension one row a call, as a scalar', async () => {
    const model = new FakeModel(signatureOf([floats('x', [])], [floats('y', [])]), (inputs) => ({
      y: float32([], numbersOf(inputs)),
    }));
    const { rows } = await predict(model, [groupOf([7, 8])]);
    expect(rows).toEqual([
      [0, 7],
      [1, 8],
    ]);
    expect(model.calls).toEqual([[], []]);
  });

  it('an output whose first dimension is not the batch is scored row by row, where it means that row', async () => {
    const model = new FakeModel(signatureOf([floats('x', [null])], [floats('y', [3])]), (inputs) => {
      const [first = 0] = numbersOf(inputs);
      return { y: float32([3], [first, first, first]) };
    });
    const { rows, failed } = await predict(model, [groupOf([1, 2])]);
    expect(rows).toEqual([
      [0, [1, 1, 1]],
      [1, [2, 2, 2]],
    ]);
    expect(failed).toEqual([]);
  });

  it('an output of the wrong first dimension in a batch of fixed size is every row’s error, which names it', async () => {
    const model = new FakeModel(signatureOf([floats('x', [4])], [floats('y', [3])]), () => ({
      y: float32([3], [1, 2, 3]),
    }));
    const { rows, failed } = await predict(model, [groupOf([1, 2])]);
    expect(rows).toEqual([]);
    expect(failed.map(([row]) => row)).toEqual([0, 1]);
    expect(failed[0]?.[1]).toContain('output "y": found shape [3], expected its first dimension to be the batch of 4');
  });

  it('says what the runtime said in one line, cut to what a line can hold', async () => {
    const model = new FakeModel(signatureOf([floats('x', [null])], [floats('y', [null])]), () => {
      throw new Error(`node Add:\n\t${'long '.repeat(400)}`);
    });
    const { failed } = await predict(model, [groupOf([1])]);
    expect(failed[0]?.[1]).toMatch(/cannot score this instance: node Add: long long/);
    expect(failed[0]?.[1].length).toBeLessThan(600);
  });

  it('throws on what no smaller batch can mend: the runtime is gone', async () => {
    const model = new FakeModel(signatureOf([floats('x', [null])], [floats('y', [null])]), () => {
      throw new ModelLostError('aborted');
    });
    await expect(predict(model, [groupOf([1, 2, 3, 4])])).rejects.toThrow(ModelLostError);
    expect(model.calls).toHaveLength(1);
  });
});
