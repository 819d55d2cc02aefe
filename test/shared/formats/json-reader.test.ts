import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { JsonReader, MAX_DEPTH } from '../../../shared/formats/json-reader.ts';
import { RowError } from '../../../shared/formats/row-error.ts';
import { exactInteger } from '../../../shared/formats/integer-text.ts';

function readerOf(text: string): JsonReader {
  const bytes = Buffer.from(`${text}\n`);
  const reader = new JsonReader();
  reader.reset(bytes, 0, bytes.length - 1);
  return reader;
}

function malformedOf(text: string): string | undefined {
  const reader = readerOf(text);
  try {
    reader.skipValue();
    reader.finish();
    return undefined;
  } catch (error) {
    if (error instanceof RowError) return error.message;
    throw error;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const jsonText = fc
  .tuple(fc.json({ maxDepth: 4 }), fc.constantFrom(undefined, 1, '\t'))
  .map(([text, space]) => JSON.stringify(JSON.parse(text), undefined, space));

const numberText = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => String(value)),
  fc.stringMatching(/^-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?$/),
  fc.stringMatching(/^-?0\.0{0,8}[0-9]{1,22}$/),
);

describe('JsonReader', () => {
  test('accepts what JSON.parse accepts', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        expect(malformedOf(text)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test('accepts a mutated text exactly if JSON.parse does', () => {
    const mutation = fc.record({
      text: jsonText,
      at: fc.nat(200),
      removed: fc.nat(3),
      inserted: fc.oneof(
        fc.string({ maxLength: 3 }),
        fc.constantFrom('"', '\\', '\\u12', '\u0001', ',', '0', '-', '.', 'e', '}', ']', '{', '[', ' ', '\n', 'NaN'),
      ),
    });
    fc.assert(
      fc.property(mutation, ({ text, at, removed, inserted }) => {
        const place = text.length === 0 ? 0 : at % text.length;
        const mutated = (text.slice(0, place) + inserted + text.slice(place + removed)).toWellFormed();
        expect(malformedOf(mutated) === undefined).toBe(parses(mutated));
      }),
      { numRuns: 3000 },
    );
  });

  test('reads every number as Number does', () => {
    fc.assert(
      fc.property(numberText, (text) => {
        const reader = readerOf(text);
        expect(reader.number()).toBe(Number(text));
        expect(reader.pos).toBe(Buffer.byteLength(text));
      }),
      { numRuns: 5000 },
    );
  });

  test('refuses what is nested too deep, not the stack', () => {
    const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(malformedOf(deep(MAX_DEPTH))).toBeUndefined();
    expect(malformedOf(deep(MAX_DEPTH + 1))).toBe('instance: found more than 512 nested levels, expected fewer');
    expect(malformedOf('['.repeat(1_000_000))).toBe('instance: found more than 512 nested levels, expected fewer');
    expect(malformedOf('{"a":'.repeat(1_000_000))).toBe('instance: found more than 512 nested levels, expected fewer');
  });

  const malformed = [
    { name: 'an empty text', input: '', expected: 'byte 0 of the record: found its end, expected a value' },
    {
      name: 'a bare NaN',
      input: '[NaN]',
      expected: 'byte 1 of the record: found NaN, expected a value: write it as the string "NaN"',
    },
    {
      name: 'a bare -Infinity',
      input: '[1,-Infinity]',
      expected: 'byte 4 of the record: found -Infinity, expected a value: write it as the string "-Infinity"',
    },
    { name: 'a missing value', input: '[1,,2]', expected: 'byte 3 of the record: found ",", expected a value' },
    { name: 'a missing comma', input: '[1 2]', expected: 'byte 3 of the record: found "2", expected a comma or ]' },
    {
      name: 'a trailing comma',
      input: '{"a":1,}',
      expected: 'byte 7 of the record: found "}", expected a field name in quotes',
    },
    { name: 'a missing colon', input: '{"a" 1}', expected: 'byte 5 of the record: found "1", expected a colon' },
    { name: 'an open list', input: '[1', expected: 'byte 2 of the record: found its end, expected a comma or ]' },
    {
      name: 'an open string',
      input: '"ab ',
      expected: 'byte 4 of the record: found its end, expected a closing quote',
    },
    {
      name: 'a control character',
      input: '"a\u0001"',
      expected: 'byte 2 of the record: found "\\u0001", expected an escape of the control character',
    },
    { name: 'an unknown escape', input: '"\\x"', expected: 'byte 2 of the record: found "x", expected an escape' },
    {
      name: 'a short escape',
      input: '"\\u12g4"',
      expected: 'byte 5 of the record: found "g", expected a hexadecimal digit',
    },
    {
      name: 'a leading zero',
      input: '01',
      expected: 'byte 1 of the record: found "1", expected the end of the record',
    },
    { name: 'a bare fraction', input: '1.', expected: 'byte 2 of the record: found its end, expected a value' },
    { name: 'two values', input: '{} {}', expected: 'byte 3 of the record: found "{", expected the end of the record' },
    { name: 'a wrong word', input: 'nul', expected: 'byte 0 of the record: found "n", expected a value' },
  ];
  test.each(malformed)('says where $name is malformed', ({ input, expected }) => {
    expect(malformedOf(input)).toBe(`malformed JSON at ${expected}`);
  });
});

describe('exactInteger', () => {
  test.each([
    { input: '12', expected: 12n },
    { input: '-0', expected: 0n },
    { input: '1.0', expected: 1n },
    { input: '1e3', expected: 1000n },
    { input: '1.25e2', expected: 125n },
    { input: '1200e-2', expected: 12n },
    { input: '0e999999', expected: 0n },
    { input: '0.000', expected: 0n },
    { input: '18446744073709551615', expected: 18446744073709551615n },
    { input: '1.5', expected: undefined },
    { input: '1e-1', expected: undefined },
    { input: '1.0000000000000000000001', expected: undefined },
  ])('reads $input', ({ input, expected }) => {
    expect(exactInteger(input)).toBe(expected);
  });

  test('keeps a huge number out of every range without computing it', () => {
    expect(exactInteger('1e999999999')).toBeGreaterThan(2n ** 64n);
    expect(exactInteger(`-${'9'.repeat(1_000_000)}`)).toBeLessThan(-(2n ** 64n));
  });
});
