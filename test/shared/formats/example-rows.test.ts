import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';

import { decodeExample, encodeExample } from '../../../shared/formats/example/example.ts';
import type { InstanceConfig } from '../../../shared/formats/format.ts';
import type { FeatureSpec, Signature } from '../../../shared/models/model.ts';
import { FIXTURES, describeFixtures } from '../models/model-files.ts';
import { decodeRows, errorOf, signature, spec } from './helpers.ts';
import type { PlainRow } from './helpers.ts';

const FEATURES: readonly FeatureSpec[] = [
  { name: 'x', dtype: 'float32', shape: [], optional: false },
  { name: 'n', dtype: 'int64', shape: [2], optional: true },
  { name: 's', dtype: 'string', shape: null, optional: true },
  { name: 'm', dtype: 'float32', shape: [2, 2], optional: true },
];
const input = spec('examples', 'string', [null]);
const known: Signature = { ...signature(input), examples: { input: 'examples', features: FEATURES } };
const unknown: Signature = { ...signature(input), examples: { input: 'examples' } };

/** The features of the tf.Example that a row became, in plain lists; its error where it became none. */
function featuresOf(row: PlainRow | undefined): unknown {
  if (row?.inputs === undefined) return row?.error;
  const example = decodeExample(row.inputs['examples']?.data[0] as Uint8Array);
  return Object.fromEntries(
    [...example].map(([name, { kind, values }]) => [
      name,
      [
        kind,
        ...Array.from<unknown>(values).map((value) =>
          value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
        ),
      ],
    ]),
  );
}

function json(text: string, chosen: Signature, instanceConfig: InstanceConfig = {}): unknown {
  return featuresOf(decodeRows('jsonl', text, { signature: chosen, instanceConfig })[0]);
}

describe('an object of fields becomes a tf.Example of the features that the model parses', () => {
  test.each([
    { name: 'values', input: '{"x": 1.5}', expected: { x: ['float', 1.5] } },
    {
      name: 'lists',
      input: '{"x": [1], "n": [1, 9007199254740993]}',
      expected: { x: ['float', 1], n: ['int64', 1n, 9007199254740993n] },
    },
    {
      name: 'lists of any length',
      input: '{"x": 1, "s": ["a", {"b64": "/w=="}, "é"]}',
      expected: { x: ['float', 1], s: ['bytes', 'a', 'ÿ', 'Ã©'] },
    },
    {
      name: 'a value for a list of any length',
      input: '{"x": 1, "s": "a"}',
      expected: { x: ['float', 1], s: ['bytes', 'a'] },
    },
    { name: 'an empty list', input: '{"x": 1, "s": []}', expected: { x: ['float', 1], s: ['bytes'] } },
    {
      name: 'a nested list',
      input: '{"x": 1, "m": [[1, 2], [3, 4]]}',
      expected: { x: ['float', 1], m: ['float', 1, 2, 3, 4] },
    },
    {
      name: 'a flat list for a nested one',
      input: '{"x": 1, "m": [1, 2, 3, 4]}',
      expected: { x: ['float', 1], m: ['float', 1, 2, 3, 4] },
    },
    { name: 'null for what may be missing', input: '{"x": 1, "s": null, "n": null}', expected: { x: ['float', 1] } },
    { name: 'booleans', input: '{"x": 1, "n": [true, false]}', expected: { x: ['float', 1], n: ['int64', 1n, 0n] } },
    { name: 'NaN', input: '{"x": "NaN"}', expected: { x: ['float', NaN] } },
  ])('$name', ({ input: text, expected }) => {
    expect(json(text, known)).toEqual(expected);
  });

  test.each([
    { name: 'a missing feature', input: '{"s": "a"}', error: 'field "x": found no such field, expected a number' },
    { name: 'no field at all', input: '{}', error: 'field "x": found no such field, expected a number' },
    { name: 'null for what the model needs', input: '{"x": null}', error: 'field "x": found null, expected a number' },
    {
      name: 'an unknown field',
      input: '{"x": 1, "y": 2}',
      error:
        'field "y": found a field that is no feature, expected only the features "x", "n", "s", "m": rename it, or leave it out (excludedFields)',
    },
    { name: 'a field twice', input: '{"x": 1, "x": 2}', error: 'field "x": found the field twice, expected it once' },
    { name: 'another dtype', input: '{"x": "a"}', error: 'field "x": found "a", expected a number' },
    { name: 'too many values', input: '{"x": [1, 2]}', error: 'field "x": found shape [2], expected shape [1]' },
    { name: 'too few values', input: '{"x": 1, "n": [1]}', error: 'field "n": found shape [1], expected shape [2]' },
    { name: 'a value for two', input: '{"x": 1, "n": 1}', error: 'field "n": found 1, expected shape [2]' },
    {
      name: 'another nesting',
      input: '{"x": 1, "m": [[1, 2, 3, 4]]}',
      error: 'field "m": found shape [1, 4], expected shape [2, 2]',
    },
    {
      name: 'a nested list for a flat one',
      input: '{"x": 1, "s": [["a"]]}',
      error: 'field "s": found shape [1, 1], expected shape [?]',
    },
    {
      name: 'an integer of 65 bits',
      input: '{"x": 1, "n": [1, 9223372036854775808]}',
      error:
        'field "n": found 9223372036854775808, expected an integer from -9223372036854775808 to 9223372036854775807',
    },
    {
      name: 'a feature beside a whole tf.Example',
      input: '{"x": 1, "examples": "a"}',
      error:
        'field "x": found the field beside "examples", expected the features, or "examples": a serialized tf.Example',
    },
  ])('is an error with $name', ({ input: text, error }) => {
    expect(json(text, known)).toBe(error);
  });

  test.each([
    { name: 'text', input: '"a"' },
    { name: 'bytes', input: '{"b64": "YQ=="}' },
    { name: 'the input', input: '{"examples": {"b64": "YQ=="}}' },
    { name: 'text of the input', input: '{"examples": "a"}' },
  ])('a serialized tf.Example goes in as it is: $name', ({ input: text }) => {
    for (const chosen of [known, unknown]) {
      const [element] = decodeRows('jsonl', text, { signature: chosen })[0]?.inputs?.['examples']?.data ?? [];
      expect(typeof element === 'string' ? element : Buffer.from(element as Uint8Array).toString()).toBe('a');
    }
  });

  test('an input of strings that is said to take no tf.Examples takes no fields', () => {
    expect(errorOf('jsonl', '{"x": 1}', { signature: signature(input) })).toContain('found a field that is no input');
  });

  test('a failed row leaves nothing to the next', () => {
    const text = '{"x": 1, "s": "a"}\n{"s": "b", "n": [1, 2]}\n{"x": 2}\n';
    expect(decodeRows('jsonl', text, { signature: known }).map(featuresOf)).toEqual([
      { x: ['float', 1], s: ['bytes', 'a'] },
      'field "x": found no such field, expected a number',
      { x: ['float', 2] },
    ]);
  });

  test('a feature may have the name of the input', () => {
    const features = [{ name: 'examples', dtype: 'float32' as const, shape: [], optional: false }];
    expect(json('{"examples": 1}', { ...signature(input), examples: { input: 'examples', features } })).toEqual({
      examples: ['float', 1],
    });
  });

  test('other inputs are fed beside it', () => {
    const both: Signature = {
      ...signature(input, spec('id', 'int64', [null])),
      examples: { input: 'examples', features: FEATURES },
    };
    const [row] = decodeRows('jsonl', '{"id": 7, "x": 1}', { signature: both });
    expect(featuresOf(row)).toEqual({ x: ['float', 1] });
    expect(row?.inputs?.['id']).toEqual({ shape: [], data: [7n] });
  });
});

describe('the key and the selection', () => {
  test.each<{
    name: string;
    config: InstanceConfig;
    input: string;
    chosen: Signature;
    label: string;
    expected: unknown;
  }>([
    {
      name: 'the key is taken out',
      config: { keyField: 'id' },
      input: '{"id": 7, "x": 1}',
      chosen: known,
      label: '7',
      expected: { x: ['float', 1] },
    },
    {
      name: 'also where nobody tells the features',
      config: { keyField: 'id' },
      input: '{"x": 1, "id": 7}',
      chosen: unknown,
      label: '7',
      expected: { x: ['int64', 1n] },
    },
    {
      name: 'a key that is a feature goes in',
      config: { keyField: 'x' },
      input: '{"x": 1.0}',
      chosen: known,
      label: '1.0',
      expected: { x: ['float', 1] },
    },
    {
      name: 'a key that is included goes in',
      config: { keyField: 'id', includedFields: ['id', 'x'] },
      input: '{"id": 7, "x": 1, "y": 2}',
      chosen: unknown,
      label: '7',
      expected: { id: ['int64', 7n], x: ['int64', 1n] },
    },
    {
      name: 'what is excluded stays out',
      config: { excludedFields: ['y'] },
      input: '{"x":1,"y":2}',
      chosen: known,
      label: '{"x":1,"y":2}',
      expected: { x: ['float', 1] },
    },
    {
      name: 'an included feature may be missing where the model allows it',
      config: { includedFields: ['x', 's'] },
      input: '{"x":1}',
      chosen: known,
      label: '{"x":1}',
      expected: { x: ['float', 1] },
    },
    {
      name: 'what the model needs cannot be left out',
      config: { excludedFields: ['x'] },
      input: '{"x":1}',
      chosen: known,
      label: '{"x":1}',
      expected: 'field "x": found the field left out by instanceConfig, expected the feature',
    },
    {
      name: 'a serialized tf.Example may have a key beside it',
      config: { keyField: 'id' },
      input: '{"id":7,"examples":{"b64":""}}',
      chosen: known,
      label: '7',
      expected: {},
    },
  ])('$name', ({ config, input: text, chosen, label, expected }) => {
    const [row] = decodeRows('jsonl', text, { signature: chosen, instanceConfig: config });
    expect(row?.label).toBe(label);
    expect(featuresOf(row)).toEqual(expected);
  });
});

describe('where nobody tells the features, the values do', () => {
  test.each([
    { input: '{"a": 1, "b": -9223372036854775808}', expected: { a: ['int64', 1n], b: ['int64', -(2n ** 63n)] } },
    { input: '{"a": 1.0, "b": 1e2, "c": 0.5}', expected: { a: ['float', 1], b: ['float', 100], c: ['float', 0.5] } },
    { input: '{"a": [1, 2], "b": [1, 2.5]}', expected: { a: ['int64', 1n, 2n], b: ['float', 1, 2.5] } },
    {
      input: '{"a": "x", "b": ["x", ""], "c": {"b64": "/w=="}}',
      expected: { a: ['bytes', 'x'], b: ['bytes', 'x', ''], c: ['bytes', 'ÿ'] },
    },
    { input: '{"a": true, "b": [false, 2]}', expected: { a: ['int64', 1n], b: ['int64', 0n, 2n] } },
    { input: '{"a": null, "b": [], "c": 1}', expected: { c: ['int64', 1n] } },
    { input: '{}', expected: {} },
    { input: '{"a": [[1]]}', expected: 'field "a": found shape [1, 1], expected shape [?]' },
    {
      input: '{"a": [1, "x"]}',
      expected: 'field "a": found "x", expected an integer from -9223372036854775808 to 9223372036854775807',
    },
    { input: '{"a": ["x", 1]}', expected: 'field "a": found 1, expected a string' },
    { input: '{"a": {"y": 1}}', expected: 'field "a": found {"y": 1}, expected a string' },
    {
      input: '{"a": 9223372036854775808}',
      expected:
        'field "a": found 9223372036854775808, expected an integer from -9223372036854775808 to 9223372036854775807',
    },
    { input: '{"a": 1e400}', expected: 'field "a": found 1e400, expected a number in the range of float32' },
    { input: '{"a": [1,}', expected: 'malformed JSON at byte 9 of the record: found "}", expected a value' },
  ])('$input', ({ input: text, expected }) => {
    expect(json(text, unknown)).toEqual(expected);
  });
});

describe('CSV records become tf.Examples', () => {
  const rows = (columns: string[], text: string, chosen: Signature, instanceConfig: InstanceConfig = {}): PlainRow[] =>
    decodeRows('csv', text, { signature: chosen, instanceConfig, columns });

  test.each([
    {
      name: 'cells typed by the features',
      columns: ['x', 's'],
      chosen: known,
      input: '1,2\n',
      expected: { x: ['float', 1], s: ['bytes', '2'] },
    },
    {
      name: 'lists in cells',
      columns: ['x', 'n'],
      chosen: known,
      input: '1,"[3,4]"\n',
      expected: { x: ['float', 1], n: ['int64', 3n, 4n] },
    },
    {
      name: 'an empty cell is a missing feature',
      columns: ['x', 's', 'n'],
      chosen: known,
      input: '1,,""\n',
      expected: { x: ['float', 1] },
    },
    {
      name: 'an empty cell of what the model needs',
      columns: ['x'],
      chosen: known,
      input: '""\n',
      expected: 'field "x": found an empty cell, expected a number',
    },
    {
      name: 'no column of what the model needs',
      columns: ['s'],
      chosen: known,
      input: 'a\n',
      expected: 'field "x": found no such field, expected a number',
    },
    {
      name: 'a column that is no feature',
      columns: ['x', 'y'],
      chosen: known,
      input: '1,2\n',
      expected:
        'field "y": found a field that is no feature, expected only the features "x", "n", "s", "m": rename it, or leave it out (excludedFields)',
    },
    {
      name: 'a column beside the whole',
      columns: ['x', 'examples'],
      chosen: known,
      input: '1,2\n',
      expected:
        'field "x": found the field beside "examples", expected the features, or "examples": a serialized tf.Example',
    },
    {
      name: 'cells that tell what they are',
      columns: ['a', 'b', 'c', 'd', 'e'],
      chosen: unknown,
      input: '1,1.5,x,"2",\n',
      expected: { a: ['int64', 1n], b: ['float', 1.5], c: ['bytes', 'x'], d: ['bytes', '2'] },
    },
  ])('$name', ({ columns, chosen, input: text, expected }) => {
    expect(featuresOf(rows(columns, text, chosen)[0])).toEqual(expected);
  });

  test('the echo is the object of all columns, and a key is taken out', () => {
    expect(rows(['x', 's'], '1,a\n', known)[0]?.label).toBe('{"x":1,"s":"a"}');
    const [row] = rows(['id', 'x'], '9007199254740993,1\n', known, { keyField: 'id' });
    expect(row?.label).toBe('9007199254740993');
    expect(featuresOf(row)).toEqual({ x: ['float', 1] });
  });

  test('a row of CSV and a JSON line of the same fields give the same tf.Example', () => {
    const cell = fc.record({
      x: fc.float({ noNaN: true, noDefaultInfinity: true }),
      s: fc.stringMatching(/^[a-z ]{1,5}$/),
    });
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 5 }), (records) => {
        const csv = records.map(({ x, s }) => `${Object.is(x, -0) ? '-0' : x},${s}`).join('\n');
        const lines = records
          .map(({ x, s }) => `{"x": ${Object.is(x, -0) ? '-0' : x}, "s": ${JSON.stringify(s)}}`)
          .join('\n');
        const fromCsv = rows(['x', 's'], csv, known).map(({ inputs }) => inputs);
        expect(fromCsv).toEqual(decodeRows('jsonl', lines, { signature: known }).map(({ inputs }) => inputs));
      }),
    );
  });
});

test('any object of integers comes through with every digit', () => {
  const values = fc.dictionary(
    fc.stringMatching(/^[a-z]{1,4}$/),
    fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(values, { minLength: 1, maxLength: 4 }), (objects) => {
      const text = objects
        .map(
          (object) =>
            `{${Object.entries(object)
              .filter(([name]) => name !== 'b64')
              .map(([name, list]) => `"${name}":[${list.join()}]`)
              .join()}}`,
        )
        .join('\n');
      expect(decodeRows('jsonl', text, { signature: unknown }).map(featuresOf)).toEqual(
        objects.map((object) =>
          Object.fromEntries(Object.entries(object).map(([name, list]) => [name, ['int64', ...list]])),
        ),
      );
    }),
  );
});

describeFixtures('taxi rides as TFX wrote them', () => {
  test('records of CSV become the same tf.Examples', () => {
    const file = 'tfrecord/tfx_taxi_csv_example_gen_eval/data_tfrecord-00000-of-00012.gz';
    const records = gunzipSync(readFileSync(join(FIXTURES, file)));
    const theirs = decodeRows('tf-record', records, { signature: unknown }, 10_000).map(({ inputs }) =>
      decodeExample(inputs?.['examples']?.data[0] as Uint8Array),
    );
    const dtypes = { bytes: 'string', float: 'float32', int64: 'int64' } as const;
    const kinds = new Map(theirs.flatMap((features) => [...features].map(([name, { kind }]) => [name, dtypes[kind]])));
    const features = Array.from(kinds, ([name, dtype]): FeatureSpec => ({ name, dtype, shape: null, optional: true }));
    const [header = '', ...lines] = readFileSync(join(FIXTURES, 'csv/chicago_taxi/data.csv'), 'utf8').split('\n');
    const ours = decodeRows('csv', lines.join('\n'), {
      signature: { ...unknown, examples: { input: 'examples', features } },
      // No ride has one.
      instanceConfig: { excludedFields: ['pickup_census_tract'] },
      columns: header.trim().split(','),
    });
    const known = new Set(
      ours.map(({ inputs }) => Buffer.from(inputs?.['examples']?.data[0] as Uint8Array).toString('hex')),
    );
    for (const example of theirs) {
      expect(known.has(Buffer.from(encodeExample(example)).toString('hex'))).toBe(true);
    }
  });
});
