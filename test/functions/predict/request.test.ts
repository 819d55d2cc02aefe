import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { linesOf, parseRequest } from '../../../functions/predict/request.ts';
import type { Verb } from '../../../functions/predict/request.ts';
import type { Signature } from '../../../shared/models/model.ts';
import { expectPermanent } from '../../contract/builders.ts';
import { floats, signatureOf } from '../fake-model.ts';

const ONE = signatureOf([floats('x', [null])], [floats('y', [null])]);
const TWO = signatureOf([floats('a', [null]), floats('b', [null, 2])], [floats('y', [null])]);
const PAIR = signatureOf([floats('x', [null, 1, 1])], [floats('y', [null])]);
const WITH_SCALAR = signatureOf([floats('x', [null]), floats('scale', [])], [floats('y', [null])]);

function lines(body: string, signature: Signature = ONE, verb: Verb = 'predict', maxRows = 100): string {
  return linesOf(parseRequest(Buffer.from(body), verb), signature, maxRows).bytes.toString();
}

describe('a request becomes JSON lines', () => {
  const cases: readonly { name: string; body: string; signature?: Signature; verb?: Verb; expected: string }[] = [
    { name: 'one a row', body: '{"instances": [1, 2.50, 1e3]}', expected: '1\n2.50\n1e3\n' },
    { name: 'every digit kept', body: '{"instances":[9007199254740993]}', expected: '9007199254740993\n' },
    { name: 'on one line each', body: '{"instances": [\n[1,\n 2],\r\n[3]]}', expected: '[1,  2]\n[3]\n' },
    { name: 'a field’s name in escapes', body: '{"\\u0069nstances": [1]}', expected: '1\n' },
    { name: 'beside fields that we do not know', body: '{"id": {"a": [1]}, "instances": [1]}', expected: '1\n' },
    {
      name: 'of scalars where the signature has lists of one',
      signature: PAIR,
      body: '{"instances": [1, [2]]}',
      expected: '1\n[2]\n',
    },
    {
      name: 'of an object with such a scalar',
      signature: PAIR,
      body: '{"instances": [{"x": {"b64": "AA=="}}, {"x": [1]}]}',
      expected: '{"x": {"b64": "AA=="}}\n{"x": [1]}\n',
    },
    { name: 'of a column of such scalars', signature: PAIR, body: '{"inputs": [1, 2]}', expected: '1\n2\n' },
    { name: 'of a bare column', body: '{"inputs": [1, 2]}', expected: '1\n2\n' },
    { name: 'of the only column by its name', body: '{"inputs": {"x": [1, 2]}}', expected: '1\n2\n' },
    {
      name: 'of columns',
      body: '{"inputs": {"b": [[1,2],[3,4]], "a": [9007199254740993, 6]}}',
      signature: TWO,
      expected: '{"b":[1,2],"a":9007199254740993}\n{"b":[3,4],"a":6}\n',
    },
    {
      name: 'of a column and what every row has',
      body: '{"inputs": {"scale": 3, "x": [1, 2]}}',
      signature: WITH_SCALAR,
      expected: '{"scale":3,"x":1}\n{"scale":3,"x":2}\n',
    },
    { name: 'of an unknown column, for the decoder to refuse', body: '{"inputs": {"z": [1]}}', expected: '{"z":1}\n' },
    {
      name: 'of examples with a context, which an example overrules',
      verb: 'classify',
      body: '{"context": {"a": 1, "b": [2]}, "examples": [{"c": 3}, {"a": 4}, {}]}',
      expected: '{"a":1,"b":[2],"c":3}\n{"a":4,"b":[2]}\n{"a":1,"b":[2]}\n',
    },
    { name: 'of an example without features', verb: 'regress', body: '{"examples": [{}]}', expected: '{}\n' },
  ];
  it.each(cases)('$name', ({ body, signature, verb, expected }) => {
    expect(lines(body, signature, verb)).toBe(expected);
  });

  it('the same whether rows or columns are sent', () => {
    const value = fc.oneof(fc.double(), fc.string(), fc.array(fc.integer()), fc.dictionary(fc.string(), fc.integer()));
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 20 }), (rows) => {
        const instances = JSON.stringify({ instances: rows.map(([a, b]) => ({ a, b })) });
        const inputs = JSON.stringify({ inputs: { a: rows.map(([a]) => a), b: rows.map(([, b]) => b) } });
        expect(lines(inputs, TWO)).toBe(lines(instances, TWO));
      }),
    );
  });
});

describe('a request is refused', () => {
  const cases: readonly { name: string; body: string | Buffer; signature?: Signature; verb?: Verb; message: RegExp }[] =
    [
      { name: 'that is empty', body: '', message: /byte 0 of the body: found its end/ },
      { name: 'that is not JSON', body: '{"instances": [1}', message: /byte 16 of the body: found "}"/ },
      { name: 'that is not UTF-8', body: Buffer.from([0x22, 0xff, 0x22]), message: /UTF-8/ },
      { name: 'that goes on behind its end', body: '{"instances": [1]} 2', message: /byte 19 of the body/ },
      { name: 'that is nested too deep', body: `{"instances": ${'['.repeat(100_000)}`, message: /nested/ },
      { name: 'that is a list', body: '[1]', message: /expected a JSON object/ },
      { name: 'without rows', body: '{}', message: /instances: missing/ },
      { name: 'with both', body: '{"instances": [1], "inputs": [1]}', message: /found both/ },
      { name: 'with no list', body: '{"instances": 1}', message: /instances: expected a list/ },
      { name: 'with an empty list', body: '{"instances": []}', message: /found no rows/ },
      {
        name: 'with a signature that is no name',
        body: '{"signature_name": 1, "instances": [1]}',
        message: /a string/,
      },
      {
        name: 'with columns of several lengths',
        signature: TWO,
        body: '{"inputs": {"a": [1], "b": []}}',
        message: /0 rows/,
      },
      { name: 'with a column that is no list', body: '{"inputs": 5}', message: /inputs\.x: expected a list/ },
      { name: 'with a bare column for two', signature: TWO, body: '{"inputs": [1]}', message: /an object of "a", "b"/ },
      {
        name: 'without examples',
        verb: 'classify',
        body: '{"instances": [1]}',
        message: /examples: missing; :classify/,
      },
      {
        name: 'with an example that is none',
        verb: 'regress',
        body: '{"examples": [{}, 1]}',
        message: /examples\[1\]/,
      },
      {
        name: 'with a context that is none',
        verb: 'regress',
        body: '{"context": 1, "examples": []}',
        message: /context/,
      },
    ];
  it.each(cases)('$name', async ({ body, signature = ONE, verb = 'predict', message }) => {
    const work = Promise.resolve().then(() => linesOf(parseRequest(Buffer.from(body), verb), signature, 100));
    await expectPermanent(work, 'INVALID_ARGUMENT', message);
  });

  it('of more rows than one may have', async () => {
    const work = Promise.resolve().then(() => lines('{"instances": [1, 2, 3]}', ONE, 'predict', 2));
    await expectPermanent(work, 'OUT_OF_RANGE', /found 3 rows, expected at most 2/);
  });
});
