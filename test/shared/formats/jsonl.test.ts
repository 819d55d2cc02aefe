import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { InstanceConfig } from '../../../shared/formats/format.ts';
import type { Signature } from '../../../shared/models/model.ts';
import type { DType } from '../../../shared/tensor.ts';
import { decodeAll, decodeRows, errorOf, signature, spec } from './helpers.ts';

const vector = signature(spec('x', 'float32', [null, 2]));
const scalar = (dtype: DType): Signature => signature(spec('x', dtype, [null]));
const pair = signature(spec('a', 'float32', [null]), spec('b', 'string', [null]));

function row(content: string, model: Signature, instanceConfig: InstanceConfig = {}): unknown {
  return decodeRows('jsonl', content, { signature: model, instanceConfig })[0];
}

describe('JSON lines become instances', () => {
  const x = { x: { shape: [2], data: [1, 2] } };
  const both = { a: { shape: [], data: [1] }, b: { shape: [], data: ['s'] } };
  const one = { x: { shape: [], data: [7] } };
  const cases: { name: string; model: Signature; config?: InstanceConfig; input: string; expected: unknown }[] = [
    { name: 'a bare value', model: vector, input: '[1,2]', expected: { label: '[1,2]', inputs: x } },
    {
      name: 'a value by the input name',
      model: vector,
      input: ' {"x" : [1, 2]} \r',
      expected: { label: '{"x" : [1, 2]}', inputs: x },
    },
    {
      name: 'several inputs',
      model: pair,
      input: '{"b":"s","a":1}',
      expected: { label: '{"b":"s","a":1}', inputs: both },
    },
    {
      name: 'an escaped name',
      model: vector,
      input: '{"\\u0078":[1,2]}',
      expected: { label: '{"\\u0078":[1,2]}', inputs: x },
    },
    {
      name: 'a key before',
      model: vector,
      config: { keyField: 'k' },
      input: '{"k": 9007199254740993.10 ,"x":[1,2]}',
      expected: { label: '9007199254740993.10', inputs: x },
    },
    {
      name: 'a key behind',
      model: vector,
      config: { keyField: 'k' },
      input: '{"x":[1,2],"k":{"a": [ 1]}}',
      expected: { label: '{"a": [ 1]}', inputs: x },
    },
    {
      name: 'a key that the model asks for',
      model: signature(spec('x', 'int64', [null])),
      config: { keyField: 'x' },
      input: '{"x":7}',
      expected: { label: '7', inputs: { x: { shape: [], data: [7n] } } },
    },
    {
      name: 'rows as keys',
      model: vector,
      config: { rowKeys: true },
      input: '[1,2]',
      expected: { label: '', inputs: x },
    },
    {
      name: 'included fields',
      model: vector,
      config: { includedFields: ['x'] },
      input: '{"y":3,"x":[1,2],"y":4}',
      expected: { label: '{"y":3,"x":[1,2],"y":4}', inputs: x },
    },
    {
      name: 'excluded fields',
      model: vector,
      config: { keyField: 'k', excludedFields: ['y'] },
      input: '{"y":3,"x":[1,2],"k":null}',
      expected: { label: 'null', inputs: x },
    },
    {
      name: 'fields as a list, as written',
      model: vector,
      config: { instanceType: 'array', keyField: 'k' },
      input: '{"p":1,"k":0,"q":2}',
      expected: { label: '0', inputs: x },
    },
    {
      name: 'fields as a list, as included',
      model: vector,
      config: { instanceType: 'array', includedFields: ['q', 'p'] },
      input: '{"p":2,"r":0,"q":1}',
      expected: { label: '{"p":2,"r":0,"q":1}', inputs: x },
    },
    {
      name: 'fields of lists as a list',
      model: signature(spec('x', 'int32', [null, 2, null])),
      config: { instanceType: 'array' },
      input: '{"p":[1],"q":[2]}',
      expected: { label: '{"p":[1],"q":[2]}', inputs: { x: { shape: [2, 1], data: [1, 2] } } },
    },
    {
      name: 'a list that is one already',
      model: vector,
      config: { instanceType: 'array' },
      input: '[1,2]',
      expected: { label: '[1,2]', inputs: x },
    },
    {
      name: 'one field as a list for a scalar',
      model: scalar('float32'),
      config: { instanceType: 'array' },
      input: '{"v":7}',
      expected: { label: '{"v":7}', inputs: one },
    },
    {
      name: 'a list of one for a scalar',
      model: scalar('float32'),
      config: { instanceType: 'array' },
      input: '[7]',
      expected: { label: '[7]', inputs: one },
    },
    {
      name: 'bytes',
      model: scalar('string'),
      input: '{"b64":"_-8="}',
      expected: { label: '{"b64":"_-8="}', inputs: { x: { shape: [], data: [Uint8Array.of(255, 239)] } } },
    },
    {
      name: 'bytes beside a key',
      model: scalar('string'),
      config: { keyField: 'k' },
      input: '{"k":1,"b64":"AAE"}',
      expected: { label: '1', inputs: { x: { shape: [], data: [Uint8Array.of(0, 1)] } } },
    },
    {
      name: 'bytes in lists',
      model: signature(spec('x', 'string', [null, null])),
      input: '["a\\n",{ "b64" : "\\/w==" }]',
      expected: {
        label: '["a\\n",{ "b64" : "\\/w==" }]',
        inputs: { x: { shape: [2], data: ['a\n', Uint8Array.of(255)] } },
      },
    },
    {
      name: 'any rank',
      model: signature(spec('x', 'uint8', null)),
      input: '[[[1],[2]]]',
      expected: { label: '[[[1],[2]]]', inputs: { x: { shape: [1, 2, 1], data: [1, 2] } } },
    },
    {
      name: 'an empty list',
      model: signature(spec('x', 'uint8', [null, null, 3])),
      input: '[]',
      expected: { label: '[]', inputs: { x: { shape: [0, 3], data: [] } } },
    },
    {
      name: 'a field named as a prototype is',
      model: vector,
      config: { includedFields: ['x'] },
      input: '{"__proto__":1,"x":[1,2]}',
      expected: { label: '{"__proto__":1,"x":[1,2]}', inputs: x },
    },
  ];
  test.each(cases)('$name', ({ model, config, input, expected }) => {
    expect(row(input, model, config)).toEqual(expected);
  });

  test.each<{ dtype: DType; input: string; expected: readonly unknown[] }>([
    { dtype: 'float16', input: '[0.1,65504,"NaN"]', expected: [Math.f16round(0.1), 65504, Number.NaN] },
    {
      dtype: 'float32',
      input: '[0.1,1e-60,"-Infinity",-0]',
      expected: [Math.fround(0.1), 0, Number.NEGATIVE_INFINITY, -0],
    },
    {
      dtype: 'float64',
      input: '[0.1,12345678901234567890,"Infinity"]',
      expected: [0.1, Number('12345678901234567890'), Number.POSITIVE_INFINITY],
    },
    { dtype: 'int8', input: '[-128,127,1.0,1e2]', expected: [-128, 127, 1, 100] },
    { dtype: 'uint16', input: '[0,65535,-0]', expected: [0, 65535, 0] },
    {
      dtype: 'int64',
      input: '[9223372036854775807,-9223372036854775808,5,123456789012345678]',
      expected: [9223372036854775807n, -9223372036854775808n, 5n, 123456789012345678n],
    },
    { dtype: 'uint64', input: '[18446744073709551615,1e3]', expected: [18446744073709551615n, 1000n] },
    { dtype: 'bool', input: '[true,false, true]', expected: [1, 0, 1] },
    { dtype: 'string', input: '["","é","\\ud83d\\ude00"]', expected: ['', 'é', '😀'] },
  ])('$dtype elements', ({ dtype, input, expected }) => {
    const rows = decodeRows('jsonl', input, { signature: signature(spec('x', dtype, [null, null])) });
    expect(rows[0]?.inputs?.['x']?.data).toEqual(expected);
  });
});

describe('a row that does not decode says why', () => {
  const cases: { name: string; model: Signature; config?: InstanceConfig; input: string; expected: string }[] = [
    {
      name: 'wrong size',
      model: signature(spec('x', 'float32', [null, 8])),
      input: '{"x":[1,2,3]}',
      expected: 'field "x": found shape [3], expected shape [8]',
    },
    {
      name: 'wrong rank',
      model: vector,
      input: '[[1,2]]',
      expected: 'instance: found shape [1, 2], expected shape [2]',
    },
    {
      name: 'too flat',
      model: signature(spec('x', 'float32', [null, 2, null])),
      input: '[1,2]',
      expected: 'instance: found shape [2], expected shape [2, ?]',
    },
    { name: 'a scalar for a list', model: vector, input: '5', expected: 'instance: found 5, expected shape [2]' },
    {
      name: 'a list for a scalar',
      model: scalar('float32'),
      input: '{"x":[1]}',
      expected: 'field "x": found shape [1], expected a scalar',
    },
    {
      name: 'ragged lists',
      model: signature(spec('x', 'float32', [null, null, null])),
      input: '[[1,2],[3]]',
      expected: 'instance: found a ragged list, expected shape [?, ?]',
    },
    {
      name: 'ragged lists of any rank',
      model: signature(spec('x', 'float32', null)),
      input: '[[1],2]',
      expected: 'instance: found a ragged list, expected lists of equal length',
    },
    {
      name: 'a string for a number',
      model: scalar('float32'),
      input: '"abc"',
      expected: 'instance: found "abc", expected a number',
    },
    { name: 'null', model: vector, input: '{"x":[1,null]}', expected: 'field "x": found null, expected a number' },
    {
      name: 'bytes for a number',
      model: vector,
      input: '{"x":[1,{"b64":"AA=="}]}',
      expected: 'field "x": found {"b64":"AA=="}, expected a number',
    },
    {
      name: 'an overflow',
      model: scalar('float32'),
      input: '1e39',
      expected: 'instance: found 1e39, expected a number in the range of float32',
    },
    {
      name: 'an overflow in a list',
      model: vector,
      input: '[1,-4e38]',
      expected: 'instance: found -4e38, expected a number in the range of float32',
    },
    {
      name: 'a double overflow',
      model: scalar('float64'),
      input: '1e999',
      expected: 'instance: found 1e999, expected a number in the range of float64',
    },
    {
      name: 'a half overflow',
      model: scalar('float16'),
      input: '65520',
      expected: 'instance: found 65520, expected a number in the range of float16',
    },
    {
      name: 'a fraction',
      model: scalar('int32'),
      input: '1.5',
      expected: 'instance: found 1.5, expected an integer from -2147483648 to 2147483647',
    },
    {
      name: 'out of range',
      model: scalar('uint8'),
      input: '-1',
      expected: 'instance: found -1, expected an integer from 0 to 255',
    },
    {
      name: 'beyond int64',
      model: scalar('int64'),
      input: '9223372036854775808',
      expected:
        'instance: found 9223372036854775808, expected an integer from -9223372036854775808 to 9223372036854775807',
    },
    {
      name: 'text for an integer',
      model: scalar('int8'),
      input: '"1"',
      expected: 'instance: found "1", expected an integer from -128 to 127',
    },
    {
      name: 'a number for a boolean',
      model: scalar('bool'),
      input: '1',
      expected: 'instance: found 1, expected true or false',
    },
    {
      name: 'a number for a string',
      model: scalar('string'),
      input: '12',
      expected: 'instance: found 12, expected a string',
    },
    {
      name: 'bad base64',
      model: scalar('string'),
      input: '{"x":{"b64":"a*"}}',
      expected: 'field "x": found "a*", expected a base64 string',
    },
    {
      name: 'base64 of impossible length',
      model: scalar('string'),
      input: '{"b64":"AAAAA"}',
      expected: 'field "b64": found "AAAAA", expected a base64 string',
    },
    {
      name: 'another object for a string',
      model: scalar('string'),
      input: '{"x":{"b64":"AA==","c":1}}',
      expected: 'field "x": found {"b64":"AA==","c":1}, expected a string',
    },
    {
      name: 'a missing input',
      model: pair,
      input: '{"a":1}',
      expected: 'field "b": found no such field, expected a string',
    },
    {
      name: 'an unknown input of several',
      model: pair,
      input: '{"a":1,"b":"s","c":2}',
      expected:
        'field "c": found a field that is no input, expected only the inputs "a", "b": rename it, or leave it out (excludedFields)',
    },
    {
      name: 'an unknown input of one',
      model: vector,
      input: '{"features":[1,2]}',
      expected:
        'field "features": found a field that is no input, expected the input "x": rename it to "x", leave it out (excludedFields), or make a list of the fields (instanceType array)',
    },
    {
      name: 'a field twice',
      model: pair,
      input: '{"a":1,"a":2}',
      expected: 'field "a": found the field twice, expected it once',
    },
    {
      name: 'a key twice',
      model: vector,
      config: { keyField: 'k' },
      input: '{"k":1,"k":2,"x":[1,2]}',
      expected: 'field "k": found the field twice, expected it once',
    },
    {
      name: 'a bare value for several inputs',
      model: pair,
      input: '[1,"s"]',
      expected: 'instance: found [1,"s"], expected an object with the inputs "a", "b"',
    },
    {
      name: 'a bare value with a key field',
      model: vector,
      config: { keyField: 'k' },
      input: '[1,2]',
      expected: 'instance: found [1,2], expected an object with the key field "k"',
    },
    {
      name: 'a bare value where fields are selected',
      model: vector,
      config: { excludedFields: ['k'] },
      input: '[1,2]',
      expected: 'instance: found [1,2], expected an object',
    },
    {
      name: 'a missing key',
      model: vector,
      config: { keyField: 'k' },
      input: '{"x":[1,2]}',
      expected: 'field "k": found no such field, expected the instance key',
    },
    {
      name: 'a missing included field',
      model: vector,
      config: { instanceType: 'array', includedFields: ['p', 'q'] },
      input: '{"p":1}',
      expected: 'field "q": found no such field, expected it, as includedFields name it',
    },
    {
      name: 'an excluded input',
      model: vector,
      config: { excludedFields: ['x'] },
      input: '{"x":[1,2]}',
      expected: 'field "x": found the field left out by instanceConfig, expected float32 of shape [2]',
    },
    {
      name: 'a list of the wrong length',
      model: vector,
      config: { instanceType: 'array' },
      input: '{"p":1,"q":2,"r":3}',
      expected: 'instance: found shape [3], expected shape [2]',
    },
    {
      name: 'a list of two for a scalar',
      model: scalar('float32'),
      config: { instanceType: 'array' },
      input: '[1,2]',
      expected: 'instance: found shape [2], expected a scalar',
    },
    {
      name: 'a bad item of a list',
      model: vector,
      config: { instanceType: 'array' },
      input: '{"p":1,"q":"abc"}',
      expected: 'field "q": found "abc", expected a number',
    },
    {
      name: 'a list for several inputs',
      model: pair,
      config: { instanceType: 'array' },
      input: '{"a":1,"b":"s"}',
      expected: 'instance: found {"a":1,"b":"s"}, expected instanceType object: an object with the inputs "a", "b"',
    },
    {
      name: 'malformed JSON',
      model: vector,
      input: '{"x":[1,2}',
      expected: 'malformed JSON at byte 9 of the record: found "}", expected a comma or ]',
    },
    {
      name: 'malformed JSON behind a wrong value',
      model: vector,
      input: '{"x":"abc",}',
      expected: 'malformed JSON at byte 11 of the record: found "}", expected a field name in quotes',
    },
    {
      name: 'a bare NaN',
      model: vector,
      input: '[1,NaN]',
      expected: 'malformed JSON at byte 3 of the record: found NaN, expected a value: write it as the string "NaN"',
    },
    {
      name: 'a leading zero',
      model: vector,
      input: '[1,02]',
      expected: 'malformed JSON at byte 4 of the record: found "2", expected a comma or ]',
    },
    {
      name: 'a long value',
      model: scalar('float32'),
      input: JSON.stringify('é'.repeat(500)),
      expected: `instance: found "${'é'.repeat(79)}…, expected a number`,
    },
  ];
  test.each(cases)('$name', ({ model, config, input, expected }) => {
    expect(errorOf('jsonl', input, { signature: model, instanceConfig: config ?? {} })).toBe(expected);
  });

  test('a record that is too long', () => {
    const options = { signature: vector, instanceConfig: { keyField: 'k' }, maxRowBytes: 20 };
    expect(decodeRows('jsonl', '{"k":7,"x":[1,2],"longer":0}', options)).toEqual([
      { label: '7', error: 'instance: found a record of more than 20 bytes, expected at most that' },
    ]);
  });

  test('a record that is not UTF-8, and only that one', () => {
    const bytes = Buffer.concat([Buffer.from('[1,2]\n{"é":"'), Buffer.of(0xff, 0xc3), Buffer.from('"}\n[3,4]\n')]);
    expect(decodeRows('jsonl', bytes, { signature: vector })).toEqual([
      { label: '[1,2]', inputs: { x: { shape: [2], data: [1, 2] } } },
      { label: '"{\\"é\\":\\"��\\"}"', error: 'instance: found invalid UTF-8 at byte 7 of the record, expected UTF-8' },
      { label: '[3,4]', inputs: { x: { shape: [2], data: [3, 4] } } },
    ]);
  });
});

describe('labels of failed rows', () => {
  const keyed = { keyField: 'k' };
  test.each<{ name: string; config: InstanceConfig; input: string; expected: string }>([
    { name: 'the key before a wrong shape', config: keyed, input: '{"k":[ 1],"x":[1]}', expected: '[ 1]' },
    { name: 'the key behind a wrong shape', config: keyed, input: '{"x":[1],"k":"a"}', expected: '"a"' },
    {
      name: 'the key before a syntax error',
      config: keyed,
      input: '{"k":12345678901234567890,"x":[1,',
      expected: '12345678901234567890',
    },
    { name: 'null for a key behind a syntax error', config: keyed, input: '{"x":[1,],"k":1}', expected: 'null' },
    { name: 'null for a missing key', config: keyed, input: '{"x":[1,2]}', expected: 'null' },
    { name: 'the instance as it is', config: {}, input: ' {"x": [1]}\t\r', expected: '{"x": [1]}' },
    { name: 'the record as a string', config: {}, input: '\t{"x": [1}\r', expected: '"{\\"x\\": [1}"' },
    { name: 'nothing where rows are keys', config: { rowKeys: true }, input: '{"x":', expected: '' },
  ])('$name', ({ config, input, expected }) => {
    const [failed] = decodeRows('jsonl', input, { signature: vector, instanceConfig: config });
    expect(failed?.error).toBeDefined();
    expect(failed?.label).toBe(expected);
  });

  test('a record that is no JSON is cut at 1 KiB, not within a character', () => {
    const [failed] = decodeRows('jsonl', `a${'é'.repeat(2000)}`, { signature: vector });
    expect(failed?.label).toBe(JSON.stringify(`a${'é'.repeat(511)}`));
  });

  test('any JSON key comes back as the same text', () => {
    const model = signature(spec('x', 'float32', [null]));
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (key, before) => {
        const line = before ? `{"key":${key},"x":1}` : `{"x":1,"key":${key}}`;
        const [row] = decodeRows('jsonl', line, { signature: model, instanceConfig: { keyField: 'key' } });
        expect(row).toEqual({ label: key, inputs: { x: { shape: [], data: [1] } } });
      }),
      { numRuns: 500 },
    );
  });
});

describe('batches', () => {
  test('float32 columns hold Math.fround of every number', () => {
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -3e38, max: 3e38 }).map(String),
      fc.double({ noNaN: true, min: -1, max: 1 }).map((value) => value.toFixed(20)),
      fc.stringMatching(/^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,30})?([eE][+-]?[0-9])?$/),
      // Next to the middle between two float32.
      fc
        .float({ noNaN: true, noDefaultInfinity: true, min: 1, max: 2 })
        .map((value) => `${(value + 2 ** -24).toFixed(24)}1`),
      fc.float({ noNaN: true, noDefaultInfinity: true, min: 1, max: 2 }).map((value) => (value + 2 ** -24).toFixed(24)),
    );
    const model = signature(spec('x', 'float32', [null, null]));
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 20 }), fc.constantFrom(',', ' , '), (numbers, comma) => {
        const [row] = decodeRows('jsonl', `[${numbers.join(comma)}]`, { signature: model });
        expect(row?.inputs?.['x']?.data).toEqual(numbers.map((text) => Math.fround(Number(text))));
      }),
      { numRuns: 2000 },
    );
  });

  test('rows are grouped by their shapes, failed ones in none', () => {
    const model = signature(spec('x', 'float32', [null, null]));
    const [batch] = decodeAll('jsonl', '[1]\n[2,3]\n\n"no"\n[4]\n[[1]]\n', { signature: model });
    expect(batch?.rowCount).toBe(5);
    expect([...(batch?.errors.keys() ?? [])]).toEqual([2, 4]);
    expect(batch?.groups).toEqual([
      { rows: Int32Array.of(0, 3), inputs: { x: { dtype: 'float32', shape: [2, 1], data: Float32Array.of(1, 4) } } },
      { rows: Int32Array.of(1), inputs: { x: { dtype: 'float32', shape: [1, 2], data: Float32Array.of(2, 3) } } },
    ]);
  });

  test('a failed row leaves nothing in the columns', () => {
    const [batch] = decodeAll('jsonl', '{"a":1,"b":"s"}\n{"a":2,"b":3}\n{"a":3,"b":"t"}', { signature: pair });
    expect(batch?.groups[0]?.inputs).toEqual({
      a: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 3) },
      b: { dtype: 'string', shape: [2], data: ['s', 't'] },
    });
  });

  test('without a batch dimension every row is a group, its scalars of shape []', () => {
    const model = signature(spec('s', 'float32', []), spec('v', 'int32', [null, 2]));
    const [batch] = decodeAll('jsonl', '{"s":1,"v":[1,2]}\n{"s":2,"v":[3,4]}', { signature: model });
    expect(batch?.groups.map(({ inputs }) => [inputs['s']?.shape, inputs['v']?.shape])).toEqual([
      [[], [1, 2]],
      [[], [1, 2]],
    ]);
  });

  test('at most as many rows as asked for', () => {
    const batches = decodeAll('jsonl', '[1,2]\n\r\n[3,4]\n[5,6]', { signature: vector }, 2);
    expect(batches.map(({ rowCount }) => rowCount)).toEqual([2, 1]);
    expect(decodeAll('jsonl', ' \n\r\n\t', { signature: vector })).toEqual([]);
  });
});
