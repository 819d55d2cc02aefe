import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { tfRecord } from '../../../shared/formats/tf-record/tf-record.ts';
import type { Signature } from '../../../shared/models/model.ts';
import type { DType, TensorSpec } from '../../../shared/tensor.ts';
import { decodeAll, decodeRows, signature, spec } from './helpers.ts';
import type { PlainRow } from './helpers.ts';
import { bytes, example, floats, framed, ints } from './tf-records.ts';

describe('a tf.Example whose features feed the inputs', () => {
  test.each<{
    name: string;
    input: Parameters<typeof spec>;
    feature: ReturnType<typeof ints>;
    label: string;
    shape: number[];
    data: unknown[];
  }>([
    {
      name: 'a list of one for a scalar',
      input: ['x', 'float32', [null]],
      feature: floats(0.5),
      label: '0.5',
      shape: [],
      data: [0.5],
    },
    {
      name: 'a list',
      input: ['x', 'float32', [null, 2]],
      feature: floats(1, 2),
      label: '[1,2]',
      shape: [2],
      data: [1, 2],
    },
    {
      name: 'a list of one',
      input: ['x', 'float32', [null, 1]],
      feature: floats(1),
      label: '[1]',
      shape: [1],
      data: [1],
    },
    {
      name: 'a matrix',
      input: ['x', 'int64', [null, 2, 2]],
      feature: ints(1n, 2n, 3n, 4n),
      label: '[[1,2],[3,4]]',
      shape: [2, 2],
      data: [1n, 2n, 3n, 4n],
    },
    {
      name: 'one open dimension',
      input: ['x', 'int32', [null, null, 2]],
      feature: ints(1n, 2n, 3n, 4n),
      label: '[[1,2],[3,4]]',
      shape: [2, 2],
      data: [1, 2, 3, 4],
    },
    {
      name: 'an open list of nothing',
      input: ['x', 'float32', [null, null]],
      feature: floats(),
      label: '[]',
      shape: [0],
      data: [],
    },
    {
      name: 'any shape',
      input: ['x', 'float32', null],
      feature: floats(1, 2),
      label: '[1,2]',
      shape: [2],
      data: [1, 2],
    },
    {
      name: 'int64 with all digits',
      input: ['x', 'int64', [null]],
      feature: ints(2n ** 63n - 1n),
      label: '9223372036854775807',
      shape: [],
      data: [2n ** 63n - 1n],
    },
    {
      name: 'int64 to floats',
      input: ['x', 'float32', [null, 2]],
      feature: ints(1n, -2n),
      label: '[1,-2]',
      shape: [2],
      data: [1, -2],
    },
    {
      name: 'int64 to bytes of a tensor',
      input: ['x', 'uint8', [null, 2]],
      feature: ints(0n, 255n),
      label: '[0,255]',
      shape: [2],
      data: [0, 255],
    },
    {
      name: 'int64 to booleans',
      input: ['x', 'bool', [null, 2]],
      feature: ints(0n, 1n),
      label: '[false,true]',
      shape: [2],
      data: [0, 1],
    },
    {
      name: 'floats that are whole to integers',
      input: ['x', 'int32', [null]],
      feature: floats(3),
      label: '3',
      shape: [],
      data: [3],
    },
    {
      name: 'floats to doubles',
      input: ['x', 'float64', [null]],
      feature: floats(0.1),
      label: '0.1',
      shape: [],
      data: [Math.fround(0.1)],
    },
    {
      name: 'NaN and infinities',
      input: ['x', 'float32', [null, 2]],
      feature: floats(NaN, -Infinity),
      label: '["NaN","-Infinity"]',
      shape: [2],
      data: [NaN, -Infinity],
    },
  ])('$name', ({ input, feature, label, shape, data }) => {
    // A second input keeps a string input from taking the record.
    const chosen = signature(spec(...input), spec('other', 'float32', [null]));
    const [row] = decodeRows(tfRecord, framed(example({ x: feature, other: floats(0) })), { signature: chosen });
    expect(row?.error).toBeUndefined();
    expect(row?.label).toBe(`{"other":0,"x":${label}}`);
    expect(row?.inputs?.['x']).toEqual({ shape, data });
  });

  test.each<{ name: string; input: Parameters<typeof spec>; feature: ReturnType<typeof ints>; error: string }>([
    {
      name: 'too few values',
      input: ['x', 'float32', [null, 3]],
      feature: floats(1, 2),
      error: 'found shape [2], expected shape [3]',
    },
    {
      name: 'too few for a matrix',
      input: ['x', 'float32', [null, 2, 3]],
      feature: floats(1, 2),
      error: 'found shape [2], expected shape [2, 3]',
    },
    {
      name: 'two for a scalar',
      input: ['x', 'float32', [null]],
      feature: floats(1, 2),
      error: 'found shape [2], expected a scalar',
    },
    {
      name: 'none for a scalar',
      input: ['x', 'float32', [null]],
      feature: floats(),
      error: 'found shape [0], expected a scalar',
    },
    {
      name: 'text for numbers',
      input: ['x', 'float32', [null]],
      feature: bytes('a'),
      error: 'found "a", expected a number',
    },
    {
      name: 'a number for text',
      input: ['x', 'string', [null]],
      feature: ints(1n),
      error: 'found 1, expected a string',
    },
    {
      name: 'a fraction for integers',
      input: ['x', 'int32', [null]],
      feature: floats(0.5),
      error: 'found 0.5, expected an integer from -2147483648 to 2147483647',
    },
    {
      name: 'what is out of range',
      input: ['x', 'int32', [null]],
      feature: ints(2n ** 31n),
      error: 'found 2147483648, expected an integer from -2147483648 to 2147483647',
    },
  ])('is an error with $name', ({ input, feature, error }) => {
    const chosen = signature(spec(...input), spec('other', 'float32', [null]));
    const [row] = decodeRows(tfRecord, framed(example({ x: feature, other: floats(0) })), { signature: chosen });
    expect(row?.error).toBe(`field "x": ${error}`);
  });

  const pair = signature(spec('a', 'float32', [null]), spec('b', 'string', [null]));

  test.each([
    {
      name: 'a feature is missing',
      record: example({ a: floats(1) }),
      config: {},
      error: 'field "b": found no such field, expected a string',
    },
    {
      name: 'a feature is no input',
      record: example({ a: floats(1), b: bytes('x'), c: ints(1n) }),
      config: {},
      error:
        'field "c": found a field that is no input, expected only the inputs "a", "b": rename it, or leave it out (excludedFields)',
    },
    {
      name: 'the key is missing',
      record: example({ a: floats(1), b: bytes('x') }),
      config: { keyField: 'id' },
      error: 'field "id": found no such field, expected the instance key',
    },
    {
      name: 'it is none',
      record: Buffer.from('no'),
      config: {},
      error: 'instance: no tf.Example: found the wire type 6 at byte 0 of it, expected a field',
    },
  ])('is an error where $name', ({ record, config, error }) => {
    expect(decodeRows(tfRecord, framed(record), { signature: pair, instanceConfig: config })[0]?.error).toBe(error);
  });

  test('loses its key, and what is left out', () => {
    const record = example({ a: floats(1), b: bytes('x'), id: ints(5n), c: ints(1n) });
    const [row] = decodeRows(tfRecord, framed(record), {
      signature: pair,
      instanceConfig: { keyField: 'id', excludedFields: ['c'] },
    });
    expect(row).toEqual({
      label: '5',
      inputs: { a: { shape: [], data: [1] }, b: { shape: [], data: [new Uint8Array(Buffer.from('x'))] } },
    });
  });

  test('gives its key to the input of that name too', () => {
    const keyed = signature(spec('x', 'float32', [null]), spec('key', 'int64', [null]));
    const record = example({ x: floats(1), key: ints(2n ** 60n + 1n) });
    const [row] = decodeRows(tfRecord, framed(record), { signature: keyed, instanceConfig: { keyField: 'key' } });
    expect(row).toEqual({
      label: '1152921504606846977',
      inputs: { x: { shape: [], data: [1] }, key: { shape: [], data: [2n ** 60n + 1n] } },
    });
  });

  test('becomes a list in the order of includedFields', () => {
    const list = signature(spec('x', 'float32', [null, 2]));
    const record = example({ a: floats(1), b: ints(2n), c: floats(3) });
    const config = { instanceType: 'array' as const, includedFields: ['c', 'b'] };
    const [row] = decodeRows(tfRecord, framed(record), { signature: list, instanceConfig: config });
    expect(row).toEqual({ label: '{"a":1,"b":2,"c":3}', inputs: { x: { shape: [2], data: [3, 2] } } });
  });

  test('leaves nothing of a row that failed', () => {
    const good = example({ a: floats(1), b: bytes('x') });
    const bad = example({ a: floats(2), b: floats(2) });
    const [batch] = decodeAll(tfRecord, framed(good, bad, good), { signature: pair });
    expect(Array.from(batch?.groups[0]?.rows ?? [])).toEqual([0, 2]);
    expect(batch?.groups[0]?.inputs['a']?.data).toEqual(Float32Array.of(1, 1));
  });
});

describe('any tf.Example', () => {
  const float = fc.float().map(Math.fround);
  const feature = fc.oneof(
    fc.array(float, { maxLength: 4 }).map((values) => floats(...values)),
    fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 4 }).map((values) => ints(...values)),
    fc.array(fc.constantFrom(0n, 1n), { maxLength: 4 }).map((values) => ints(...values)),
    fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 4 }).map((values) => bytes(...values)),
  );
  const shape = fc.constantFrom([null], [null, 1], [null, 2], [null, null], [null, 2, 2], [null, null, 2], null);
  const dtype = fc.constantFrom(
    'float32' as const,
    'int64' as const,
    'int32' as const,
    'bool' as const,
    'string' as const,
  );
  const inputs = fc.tuple(dtype, shape, dtype, shape);
  const record = fc.record({ a: feature, b: feature }, { requiredKeys: ['a'] });
  const typed = ([aType, aShape, bType, bShape]: [DType, TensorSpec['shape'], DType, TensorSpec['shape']]): Signature =>
    signature(spec('a', aType, aShape), spec('b', bType, bShape));

  /** Bytes that are UTF-8 come as text from JSON. */
  const textual = (rows: readonly PlainRow[]): unknown =>
    rows.map(({ inputs: tensors, ...row }) => ({
      ...row,
      inputs: Object.entries(tensors ?? {}).map(([name, { shape: size, data }]) => [
        name,
        size,
        data.map((element) =>
          element instanceof Uint8Array
            ? Buffer.from(element).toString('hex')
            : typeof element === 'string'
              ? Buffer.from(element).toString('hex')
              : element,
        ),
      ]),
    }));

  test('gives the same inputs, or the same error, as the JSON line that it is echoed as', () => {
    fc.assert(
      fc.property(inputs, fc.array(record, { minLength: 1, maxLength: 5 }), (types, records) => {
        const options = { signature: typed(types) };
        const rows = decodeRows(tfRecord, framed(...records.map(example)), options);
        const lines = rows.map(({ label }) => label).join('\n');
        expect(textual(rows)).toEqual(textual(decodeRows('jsonl', lines, options)));
      }),
      { numRuns: 1000 },
    );
  });

  test('is a row or an error, however it is damaged', () => {
    const noise = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(
        inputs,
        fc.array(fc.tuple(record, noise), { maxLength: 5 }),
        fc.boolean(),
        (types, records, keyed) => {
          const damaged = records.map(([features, changes]) => {
            const data = Buffer.from(example(features));
            for (const [at, value] of changes) if (data.length > 0) data[at % data.length] = value;
            return data;
          });
          const instanceConfig = keyed ? { keyField: 'b' } : {};
          const rows = decodeRows(tfRecord, framed(...damaged), { signature: typed(types), instanceConfig });
          expect(rows).toHaveLength(records.length);
          for (const { label, inputs: tensors, error } of rows) {
            expect(() => JSON.parse(label) as unknown).not.toThrow();
            expect(tensors === undefined).toBe(error !== undefined);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
