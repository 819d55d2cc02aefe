import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ByteWriter } from '../../../shared/formats/byte-writer.ts';
import { writeFloat32 } from '../../../shared/formats/float-text.ts';
import { compileKernel } from '../../../shared/formats/kernel/build.ts';
import { FloatPrinter } from '../../../shared/formats/kernel/float-printer.ts';
import { FloatReader } from '../../../shared/formats/kernel/float-reader.ts';
import { KernelText } from '../../../shared/formats/kernel/kernel-text.ts';
import { TEXT_SIZE, kernel } from '../../../shared/formats/kernel/kernel.ts';
import type { Options, PlainRow } from './helpers.ts';
import { decodeRows, signature, spec } from './helpers.ts';

test('the committed module is what the sources compile to', { timeout: 120_000 }, () => {
  const committed = readFileSync(new URL('../../../shared/formats/kernel/wasm.ts', import.meta.url), 'utf8');
  expect(compileKernel()).toBe(committed);
});

/** What the kernel reads of a text: the numbers, and the text where it stopped. */
function readAll(text: string, close = ']'): { numbers: number[]; rest: string } {
  const bytes = Buffer.from(text);
  const reader = new FloatReader(new KernelText(bytes));
  const count = reader.read(0, Number.POSITIVE_INFINITY, close.charCodeAt(0));
  return { numbers: [...kernel.numbers.subarray(0, count)], rest: bytes.toString('utf8', reader.pos) };
}

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

function fromBits(pattern: number): number {
  bits[0] = pattern;
  return float[0] ?? 0;
}

function neighbours(value: number): number[] {
  float[0] = value;
  const pattern = bits[0] ?? 0;
  return [pattern - 1, pattern, pattern + 1].map(fromBits);
}

const anyFloat32 = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }).map(fromBits),
  fc.float({ min: -1, max: 1 }),
  fc.double({ min: -1e10, max: 1e10, noNaN: true }).map(Math.fround),
  fc.double({ min: 0, max: 1, noNaN: true }).map((value) => Math.fround(value ** 20)),
  fc.integer({ min: -20_000_000, max: 20_000_000 }),
  fc.integer({ min: -149, max: 127 }).map((power) => 2 ** power),
  fc
    .tuple(fc.integer({ min: 0, max: 999_999_999 }), fc.integer({ min: -45, max: 30 }))
    .map(([digits, power]) => Math.fround(Number(`${digits}e${power}`))),
);
/** The middle of a float32 and the next, and decimals that lie next to it. */
const tie = fc
  .tuple(fc.integer({ min: 1, max: 0x7f7fffff }), fc.integer({ min: 10, max: 25 }))
  .map(([pattern, digits]) => ((fromBits(pattern) + fromBits(pattern + 1)) / 2).toPrecision(digits));
const digits = (most: number): fc.Arbitrary<string> =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: most }).map((list) => list.join(''));
const decimal = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constant('0'), digits(12)),
    fc.option(digits(24)),
    fc.constantFrom('', 'e-7', 'E+3', 'e12', 'e-40'),
  )
  .map(([sign, whole, fraction, exponent]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent}`);
const numberText = fc.oneof(
  decimal,
  tie,
  anyFloat32.filter(Number.isFinite).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.double({ min: -1, max: 1, noNaN: true }).map(String),
  fc.double({ min: -1, max: 1, noNaN: true }).map((value) => value.toFixed(6)),
);

describe('reading', () => {
  test('what is read is Math.fround of the number, and what is not follows', () => {
    fc.assert(
      fc.property(fc.array(numberText, { minLength: 1, maxLength: 9 }), fc.constantFrom(',', ', '), (texts, comma) => {
        const { numbers, rest } = readAll(`${texts.join(comma)}]}\n`);
        expect(numbers).toEqual(texts.slice(0, numbers.length).map((text) => Math.fround(Number(text))));
        const after = texts.slice(numbers.length).join(comma);
        expect(rest.trimStart()).toBe(after === '' ? '}\n' : `${after}]}\n`);
        for (const text of texts.slice(0, numbers.length)) expect(JSON.parse(text)).toBe(Number(text));
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([
    '0.1',
    '-0',
    '1234567',
    '0.123456',
    '-12.5',
    '0.12345678901234567',
    '-0.000012345678901234',
    '1e-7',
    '1.5E+3',
    '3.0517578125e-05',
    '0.50000002980232238769531',
    '1.1754943508222875e-20',
    '0.1234567890123456789012345678901234567890',
    '   1',
  ])('%s is not left to the slow path', (text) => {
    const { numbers, rest } = readAll(`${text}]\n`);
    expect(numbers).toEqual([Math.fround(Number(text))]);
    expect(rest).toBe('\n');
  });

  test.each([
    '',
    '-',
    '.5',
    '-.5',
    '1.',
    '1.]',
    '01',
    '-01',
    '00.5',
    '+1',
    '1e',
    '1e+',
    '1.5.2',
    '--1',
    '1-',
    '0x1',
    'NaN',
    '"1"',
    '[1]',
    '1 ',
    '1}',
    '1e39',
    '3.5e38',
    '99.9999999999999999e38',
    '٣',
  ])('%j is left to the slow path', (text) => {
    expect(readAll(`0.5,${text}]\n`)).toEqual({ numbers: [0.5], rest: `${text}]\n` });
  });

  test('a number that the end of the text cuts is left', () => {
    for (const text of ['1', '0.25', '0.12345678901234567', '1e5', '-']) {
      readAll('9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9]');
      expect(readAll(`7,${text}`)).toEqual({ numbers: [7], rest: text });
    }
  });

  test('a text longer than the window, read by two in turns', () => {
    const values = Array.from({ length: TEXT_SIZE / 4 }, (_, index) => Math.fround(Math.sin(index)));
    const text = Buffer.from(`${values.join(',')}]\n`);
    const readers = [new FloatReader(new KernelText(text)), new FloatReader(new KernelText(text))];
    const read: number[][] = [[], []];
    for (let turn = 0; (read[1]?.length ?? 0) < values.length; turn = 1 - turn) {
      const reader = readers[turn];
      const count = reader?.read(reader.pos, 10_000, 93) ?? 0;
      expect(count).toBeGreaterThan(0);
      read[turn]?.push(...kernel.numbers.subarray(0, count));
    }
    expect(read).toEqual([values, values]);
  });
});

function printed(values: readonly number[]): string {
  const out = new ByteWriter();
  new FloatPrinter(Float32Array.from(values)).print(out, 0, values.length);
  return out.take().toString();
}

function expected(values: readonly number[]): string {
  const texts = values.map((value) => {
    const out = new ByteWriter();
    writeFloat32(out, Math.fround(value));
    return out.take().toString();
  });
  return texts.join(',');
}

describe('printing', () => {
  test('the text of any float32 is that of writeFloat32', () => {
    fc.assert(
      fc.property(fc.array(anyFloat32, { minLength: 1, maxLength: 8 }), (values) => {
        expect(printed(values)).toBe(expected(values));
      }),
      { numRuns: 20_000 },
    );
  });

  test('also of powers of two and of ten, and their neighbours', () => {
    const values = [
      ...Array.from({ length: 277 }, (_, index) => 2 ** (index - 149)),
      ...Array.from({ length: 84 }, (_, index) => Number(`1e${index - 45}`)),
      ...Array.from({ length: 84 }, (_, index) => Number(`9.999999e${index - 45}`)),
      ...Array.from({ length: 84 }, (_, index) => Number(`9.5e${index - 45}`)),
    ].flatMap(neighbours);
    const specials = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 16_777_217, 3.4028235e38];
    for (const value of [...values, ...values.map((value) => -value), ...specials]) {
      expect(printed([value])).toBe(expected([value]));
    }
  });

  test('also of a run of patterns through every exponent', () => {
    const values = Array.from({ length: 200_000 }, (_, index) => fromBits(Math.imul(index, 21_467) >>> 0));
    expect(printed(values)).toBe(expected(values));
  });
});

/** Each line alone: nothing precedes it that it could be like. */
function oneByOne(lines: readonly string[], options: Options): PlainRow[] {
  return lines.flatMap((line) => decodeRows('jsonl', `${line}\n`, options));
}

const scalarText = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.string().map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"é"',
    '"\\u0041"',
    '"\\x"',
    'null',
    'true',
    '12345678901234567890',
    '-0',
    '01',
    '"a',
    '1.',
    '[1]',
    '{}',
  ),
);
const listText = fc.oneof(
  { weight: 8, arbitrary: fc.array(numberText, { minLength: 3, maxLength: 3 }).map((list) => `[${list.join()}]`) },
  { weight: 1, arbitrary: fc.array(numberText, { maxLength: 5 }).map((list) => `[${list.join(', ')}]`) },
  { weight: 1, arbitrary: fc.constantFrom('[1,2,"NaN"]', '[[1,2,3]]', '[1,2,3', '[1,2,null]', '"x"', '[1,2,3,]') },
);
const record = fc
  .tuple(
    scalarText,
    listText,
    fc.oneof({ weight: 5, arbitrary: numberText }, { weight: 1, arbitrary: scalarText }),
    fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 6 })),
  )
  .map(([key, x, y, form]) => {
    const forms = [
      `{"key":${key},"x":${x},"y":${y}}`,
      `{"key":${key},"x":${x},"y":${y}}\r`,
      `{"y":${y},"x":${x},"key":${key}}`,
      ` {"key": ${key}, "x": ${x}, "y": ${y}} `,
      `{"key":${key},"x":${x}}`,
      `{"key":${key},"x":${x},"x":${x},"y":${y}}`,
      `{"key":${key},"x":${x},"y":${y}}}`,
    ];
    return forms[form] ?? '';
  });

describe('records that look alike', () => {
  const inputs = signature(spec('x', 'float32', [null, 3]), spec('y', 'float32', [null]));
  test.each<{ name: string; options: Options }>([
    { name: 'keys', options: { signature: inputs, instanceConfig: { keyField: 'key' } } },
    {
      name: 'instances',
      options: { signature: inputs, instanceConfig: { instanceType: 'object', excludedFields: ['key'] } },
    },
    { name: 'rows', options: { signature: inputs, instanceConfig: { rowKeys: true, excludedFields: ['key'] } } },
    { name: 'a limit', options: { signature: inputs, instanceConfig: { keyField: 'key' }, maxRowBytes: 60 } },
  ])('decode as each alone, with labels of $name', ({ options }) => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), fc.integer({ min: 1, max: 14 }), (lines, maxRows) => {
        const first = '{"key":0,"x":[1,2,3],"y":4}';
        const all = [first, ...lines];
        expect(decodeRows('jsonl', `${all.join('\n')}\n`, options, maxRows)).toEqual(oneByOne(all, options));
      }),
      { numRuns: 1500 },
    );
  });

  test('in a shard of many windows, with an odd one here and there', () => {
    const options = { signature: inputs, instanceConfig: { keyField: 'key' } };
    const lines = Array.from({ length: 10_000 }, (_, row) => {
      const value = Math.fround(Math.sin(row));
      if (row % 997 === 0) return `{"y":${row},"x":[1,2,3],"key":"\\n"}`;
      if (row % 1999 === 0) return `{"key":${row},"x":[1,2],"y":0}`;
      return `{"key":"row ${row}","x":[${value},0.25,${-value}],"y":${row}}`;
    });
    const whole = decodeRows('jsonl', `${lines.join('\n')}\n`, options, 300);
    expect(whole).toEqual(oneByOne(lines, options));
  });

  test('a record is not taken to end where the window does', () => {
    const options = { signature: inputs, instanceConfig: { rowKeys: true, excludedFields: ['key'] } };
    const line = (length: number): string => {
      const text = '{"key":"","x":[1,2,3],"y":4}';
      return text.replace('""', `"${'k'.repeat(length - text.length)}"`);
    };
    // The window begins in the first record's list.
    const lines = Array.from({ length: TEXT_SIZE / 1024 }, () => line(1023));
    const cut = `${line(line(1023).indexOf('[') + 1)}}`;
    const all = [line(1023), ...lines.slice(1), cut, ...lines.slice(0, 3)];
    const rows = decodeRows('jsonl', `${all.join('\n')}\n`, options, 1000);
    expect(rows).toEqual(oneByOne(all, options));
    expect(rows.filter(({ error }) => error !== undefined)).toHaveLength(1);
  });

  test('and where nothing looks alike, all the same', () => {
    const options = { signature: inputs, instanceConfig: { keyField: 'key' } };
    const lines = Array.from({ length: 500 }, (_, row) => `{"key":${row},"x":[1,2,${row}],"y":${row},"key${row}":1}`);
    const rows = decodeRows('jsonl', `${lines.join('\n')}\n`, options);
    expect(rows).toEqual(oneByOne(lines, options));
  });
});
