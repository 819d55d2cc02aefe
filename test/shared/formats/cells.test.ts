import { describe, expect, it } from 'vitest';

import { formatOf } from '../../../shared/formats/registry.ts';
import type { RowBatch } from '../../../shared/formats/format.ts';
import type { Signature } from '../../../shared/models/model.ts';

/** As scikit-learn's and Keras' models of named columns have it: each input is a column of one value a row. */
const COLUMNS: Signature = {
  name: 'serving_default',
  inputs: [
    { name: 'age', dtype: 'float32', shape: [null, 1] },
    { name: 'city', dtype: 'string', shape: [null, 1] },
    { name: 'id', dtype: 'int64', shape: [null, 1, 1] },
  ],
  outputs: [],
};

describe('columns of inputs that take one element a row', () => {
  it.each([
    {
      name: 'CSV',
      format: 'csv',
      text: '31.5,Bern,9007199254740993\n4,"a ""b""",-1\n',
      columns: ['age', 'city', 'id'],
    },
    {
      name: 'JSON lines',
      format: 'jsonl',
      text: '{"age":31.5,"city":"Bern","id":9007199254740993}\n{"age":[4],"city":["a \\"b\\""],"id":[[-1]]}\n',
    },
  ] as const)('$name: a cell is the element', ({ format, text, ...rest }) => {
    const { groups, errors } = decode(format, text, rest);
    expect([...errors.values()]).toEqual([]);
    const { age, city, id } = groups[0]?.inputs ?? {};
    expect(age).toEqual({ dtype: 'float32', shape: [2, 1], data: Float32Array.of(31.5, 4) });
    expect(city?.shape).toEqual([2, 1]);
    expect(id).toEqual({ dtype: 'int64', shape: [2, 1, 1], data: BigInt64Array.of(9007199254740993n, -1n) });
  });

  it('what holds more elements says its shape itself', () => {
    const inputs = [{ name: 'x', dtype: 'float32', shape: [null, 2] }] as const;
    const { errors } = decode('jsonl', '{"x":31.5}\n', { signature: { ...COLUMNS, inputs } });
    expect(errors.get(0)?.message).toBe('field "x": found 31.5, expected shape [2]');
  });

  it('many alike are read as one by one', () => {
    const lines = Array.from({ length: 500 }, (_, row) => `{"x":${row}.25,"y":${row}}\n`).join('');
    const inputs = ['x', 'y'].map((name) => ({ name, dtype: 'float32', shape: [null, 1] }) as const);
    const { groups, errors } = decode('jsonl', lines, { signature: { ...COLUMNS, inputs } });
    expect(errors.size).toBe(0);
    expect(groups[0]?.inputs['x']).toEqual({
      dtype: 'float32',
      shape: [500, 1],
      data: Float32Array.from({ length: 500 }, (_, row) => row + 0.25),
    });
  });

  it('bytes are an element too: bare, by the input’s name, or in lists', () => {
    const inputs = [{ name: 'image', dtype: 'string', shape: [null, 1] }] as const;
    const text = '{"b64":"/w=="}\n{"image":{"b64":"/w=="}}\n[{"b64":"/w=="}]\n';
    const { groups, errors } = decode('jsonl', text, { signature: { ...COLUMNS, inputs } });
    expect([...errors.values()]).toEqual([]);
    expect(groups[0]?.inputs['image']?.shape).toEqual([3, 1]);
    const found = Array.from(groups[0]?.inputs['image']?.data as Uint8Array[], (bytes) => bytes[0]);
    expect(found).toEqual([255, 255, 255]);
  });

  it('an element of the wrong type is still its row’s error', () => {
    const { errors } = decode('csv', 'x,Bern,1\n', { columns: ['age', 'city', 'id'] });
    expect(errors.get(0)?.message).toBe('field "age": found "x", expected a number');
  });
});

function decode(
  format: 'csv' | 'jsonl',
  text: string,
  options: { readonly columns?: readonly string[]; readonly signature?: Signature },
): RowBatch {
  const decoder = formatOf(format).decoder(Buffer.from(text), {
    signature: COLUMNS,
    instanceConfig: { rowKeys: true },
    maxRowBytes: 1_000,
    ...options,
  });
  const batch = decoder.next(1_000);
  if (batch === undefined) throw new Error('no row was decoded');
  return batch;
}
