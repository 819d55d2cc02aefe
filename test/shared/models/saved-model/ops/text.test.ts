import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DT } from '../../../../../shared/models/saved-model/graph-def.ts';
import type { RawAttr } from '../../../../../shared/models/saved-model/op-attrs.ts';
import type { OpTensor } from '../../../../../shared/models/saved-model/op-tensor.ts';
import { bool, call, float, int, s, text, values, valuesOf } from './op-maker.ts';

interface Case {
  readonly op: string;
  readonly inputs: readonly OpTensor[];
  readonly attrs?: Readonly<Record<string, RawAttr>>;
  readonly expected: readonly unknown[];
}

const utf8 = { unit: s('UTF8_CHAR') };
const cases: Case[] = [
  { op: 'StringLower', inputs: [text(['ABC Ä'])], expected: ['abc Ä'] },
  { op: 'StringLower', inputs: [text(['ABC Ä'])], attrs: { encoding: s('utf-8') }, expected: ['abc ä'] },
  { op: 'StringUpper', inputs: [text(['straße'])], expected: ['STRAßE'] },
  { op: 'StringStrip', inputs: [text(['\t a b\r\n', '', '  '])], expected: ['a b', '', ''] },
  { op: 'StringLength', inputs: [text(['', 'abc', 'äö'])], expected: [0, 3, 4] },
  { op: 'StringLength', inputs: [text(['äö', '🙂'])], attrs: utf8, expected: [2, 1] },
  { op: 'Substr', inputs: [text(['Hello', 'World']), int([1], []), int([3], [])], expected: ['ell', 'orl'] },
  { op: 'Substr', inputs: [text(['Hello', 'World']), int([-2, 0]), int([9, 1])], expected: ['lo', 'W'] },
  { op: 'Substr', inputs: [text(['äöü']), int([1], []), int([1], [])], attrs: utf8, expected: ['ö'] },
  { op: 'StringJoin', inputs: [text(['a', 'b']), text(['-'], []), text(['x', 'y'])], expected: ['a-x', 'b-y'] },
  { op: 'StringJoin', inputs: [text(['a']), text(['b'])], attrs: { separator: s(', ') }, expected: ['a, b'] },
  { op: 'ReduceJoin', inputs: [text(['a', 'b', 'c', 'd'], [2, 2]), int([0])], expected: ['ac', 'bd'] },
  {
    op: 'ReduceJoin',
    inputs: [text(['a', 'b', 'c', 'd'], [2, 2]), int([-1])],
    attrs: { separator: s('.') },
    expected: ['a.b', 'c.d'],
  },
  { op: 'ReduceJoin', inputs: [text(['a', 'b', 'c', 'd'], [2, 2]), int([0, 1])], expected: ['acbd'] },
  { op: 'ReduceJoin', inputs: [text(['a', 'b', 'c', 'd'], [2, 2]), int([1, 0])], expected: ['abcd'] },
  { op: 'ReduceJoin', inputs: [text(['a', 'b', 'c', 'd'], [2, 2]), int([])], expected: ['a', 'b', 'c', 'd'] },
  { op: 'Add', inputs: [text(['a', 'b']), text(['!'], [])], expected: ['a!', 'b!'] },
  { op: 'Equal', inputs: [text(['a', 'b']), text(['b'], [])], expected: [0, 1] },
  { op: 'NotEqual', inputs: [text(['a', 'b'], [2, 1]), text(['b', 'a'])], expected: [1, 0, 0, 1] },
  {
    op: 'StringToNumber',
    inputs: [text([' 1.5 ', '-2e3', '.5', '7', 'inf', '-Infinity'])],
    expected: [1.5, -2000, 0.5, 7, Infinity, -Infinity],
  },
  { op: 'StringToNumber', inputs: [text(['-12', '+3'])], attrs: { out_type: { type: DT.INT64 } }, expected: [-12, 3] },
  { op: 'EncodeBase64', inputs: [text(['a?>'.repeat(2), 'x'])], expected: ['YT8-YT8-', 'eA'] },
  { op: 'EncodeBase64', inputs: [text(['x'])], attrs: { pad: { b: true } }, expected: ['eA=='] },
  { op: 'DecodeBase64', inputs: [text(['YT8-', 'eA', 'eA=='])], expected: ['a?>', 'x', 'x'] },
  {
    op: 'StringToHashBucketFast',
    inputs: [text(['a', 'b', 'c', 'd'])],
    attrs: { num_buckets: { i: 10 } },
    expected: [9, 2, 2, 5],
  },
  {
    op: 'StringToHashBucketFast',
    inputs: [text(['Hello', 'TensorFlow', '2.x'])],
    attrs: { num_buckets: { i: '3' } },
    expected: [0, 2, 2],
  },
  {
    op: 'StringToHashBucketStrong',
    inputs: [text(['a', 'b', 'c'])],
    attrs: { num_buckets: { i: 10 }, key: { list: { i: ['98765', '132'] } } },
    expected: [4, 2, 8],
  },
  { op: 'RegexReplace', inputs: [text(['ab']), text(['a|b*'], []), text(['-'], [])], expected: ['--'] },
  { op: 'Substr', inputs: [text(['abc']), int([1], []), int([-1], [])], expected: ['bc'] },
  { op: 'RegexFullMatch', inputs: [text(['abc', 'abcd', 'x']), text(['[a-c]+'], [])], expected: [1, 0, 0] },
  {
    op: 'StaticRegexReplace',
    inputs: [text(['John Smith', 'x'])],
    attrs: { pattern: s('(\\w+) (\\w+)'), rewrite: s('\\2, \\1 \\\\') },
    expected: ['Smith, John \\', 'x'],
  },
  {
    op: 'StaticRegexReplace',
    inputs: [text(['a<br />b<br />'])],
    attrs: { pattern: s('<br />'), rewrite: s(' '), replace_global: { b: false } },
    expected: ['a b<br />'],
  },
  {
    op: 'StaticRegexReplace',
    inputs: [text(["What's up? (a_b) [c] \\ d-e!"])],
    attrs: { pattern: s('[!"#$%&()\\*\\+,-\\./:;<=>?@\\[\\\\\\]^_`{|}~\\\']') },
    expected: ['Whats up ab c  de'],
  },
  { op: 'RegexReplace', inputs: [text(['ÄB ab']), text(['(?i)B'], []), text(['$&'], [])], expected: ['Ä$& a$&'] },
];

describe('operations on strings', () => {
  it.each(cases)('$op gives $expected', async ({ op, inputs, attrs, expected }) => {
    expect(await valuesOf(op, inputs, attrs)).toEqual(expected);
  });

  it('leave bytes that are no UTF-8 as they are', async () => {
    const raw = Uint8Array.of(0xff, 0x41, 0x80);
    const lower = await call('StringLower', [text([raw])]);
    expect([...(lower[0]?.data[0] as Uint8Array)]).toEqual([0xff, 0x61, 0x80]);
    const joined = await call('StringJoin', [text([raw]), text(['-'], [])]);
    expect([...(joined[0]?.data[0] as Uint8Array)]).toEqual([0xff, 0x41, 0x80, 0x2d]);
    const replaced = await call('RegexReplace', [text([raw]), text(['A'], []), text(['b'], [])]);
    expect([...(replaced[0]?.data[0] as Uint8Array)]).toEqual([0xff, 0x62, 0x80]);
  });

  const refused: Omit<Case, 'expected'>[] = [
    { op: 'Substr', inputs: [text(['abc']), int([4], []), int([1], [])] },
    { op: 'StringToNumber', inputs: [text(['1.5x'])] },
    { op: 'StringToNumber', inputs: [text(['4294967296'])], attrs: { out_type: { type: DT.INT64 } } },
    { op: 'DecodeBase64', inputs: [text(['a+b='])] },
    { op: 'RegexReplace', inputs: [text(['a']), text(['(?=a)'], []), text([''], [])] },
    { op: 'RegexReplace', inputs: [text(['a']), text(['(a+)+b'], []), text([''], [])] },
    { op: 'RegexReplace', inputs: [text(['a']), text(['(a)\\1'], []), text([''], [])] },
    { op: 'RegexReplace', inputs: [text(['a']), text(['(a'], []), text([''], [])] },
    { op: 'RegexReplace', inputs: [text(['a']), text(['a'], []), text(['\\x'], [])] },
    { op: 'ReduceJoin', inputs: [text(['a']), int([1])] },
    { op: 'Equal', inputs: [text(['a', 'b']), text(['a', 'b', 'c'])] },
  ];
  it.each(refused)('$op refuses what TensorFlow refuses', async ({ op, inputs, attrs }) => {
    await expect(call(op, inputs, attrs)).rejects.toMatchObject({ status: 'INVALID_ARGUMENT' });
  });

  it('StringSplitV2 splits as Python does', async () => {
    const split = async (line: string, separator: string, most = -1): Promise<unknown[]> =>
      values((await call('StringSplitV2', [text([line]), text([separator], [])], { maxsplit: { i: most } }))[1]);
    expect(await split('a,b,,c', ',')).toEqual(['a', 'b', '', 'c']);
    expect(await split('', ',')).toEqual(['']);
    expect(await split('  a  b\tc ', '')).toEqual(['a', 'b', 'c']);
    expect(await split('', '')).toEqual([]);
    expect(await split(' a b', '', 0)).toEqual([' a b']);
    expect(await split('a<>b<>c', '<>', 1)).toEqual(['a', 'b<>c']);
    expect(await split(' a b  c ', '', 1)).toEqual(['a', 'b  c ']);
  });

  it('StringSplit splits at every byte of the delimiter', async () => {
    const made = await call('StringSplit', [text(['hello world', 'a b,c']), text([' ,'], [])]);
    expect(made.map(values)).toEqual([
      [0, 0, 0, 1, 1, 0, 1, 1, 1, 2],
      ['hello', 'world', 'a', 'b', 'c'],
      [2, 3],
    ]);
    const kept = await call('StringSplit', [text([',a,']), text([','], [])], { skip_empty: { b: false } });
    expect(values(kept[1])).toEqual(['', 'a', '']);
  });

  it('what is split joins to what it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom('a', ',', ';', 'ä') }), async (line) => {
        const made = await call('StringSplitV2', [text([line]), text([','], [])]);
        expect(values(made[1]).join(',')).toBe(line);
      }),
    );
  });

  it('StringNGrams joins neighbours, padded where it says', async () => {
    const words = [text(['a', 'b', 'c', 'd']), int([0, 3, 4])];
    const grams = (attrs: Record<string, RawAttr>): Promise<readonly OpTensor[]> =>
      call('StringNGrams', words, {
        separator: s('|'),
        pad_width: { i: 0 },
        ngram_widths: { list: { i: [2] } },
        ...attrs,
      });
    expect((await grams({})).map(values)).toEqual([
      ['a|b', 'b|c'],
      [0, 2, 2],
    ]);
    expect((await grams({ preserve_short_sequences: { b: true } })).map(values)).toEqual([
      ['a|b', 'b|c', 'd'],
      [0, 2, 3],
    ]);
    const padded = await grams({ pad_width: { i: -1 }, left_pad: s('<'), right_pad: s('>') });
    expect(padded.map(values)).toEqual([
      ['<|a', 'a|b', 'b|c', 'c|>', '<|d', 'd|>'],
      [0, 4, 6],
    ]);
  });

  it('DecodeRaw and DecodeCSV make columns of numbers', async () => {
    const raw = await call('DecodeRaw', [text([Uint8Array.of(1, 0, 2, 0), Uint8Array.of(0xff, 0xff, 0, 1)])], {
      out_type: { type: DT.INT16 },
    });
    expect([raw[0]?.shape, values(raw[0])]).toEqual([
      [2, 2],
      [1, 2, -1, 256],
    ]);
    const big = await call('DecodeRaw', [text([Uint8Array.of(1, 2)])], {
      out_type: { type: DT.UINT16 },
      little_endian: { b: false },
    });
    expect(values(big[0])).toEqual([258]);
    await expect(call('DecodeRaw', [text(['ab', 'abc'])])).rejects.toThrow(/same size/);
    const columns = await call('DecodeCSV', [text(['1,"a,""b""",2.5', '2,,']), int([]), text(['?']), float([9])], {
      OUT_TYPE: { list: { type: [DT.INT64, DT.STRING, DT.FLOAT] } },
    });
    expect(columns.map(values)).toEqual([
      [1, 2],
      ['a,"b"', '?'],
      [2.5, 9],
    ]);
    const csv = (line: string): Promise<unknown> =>
      call('DecodeCSV', [text([line]), int([])], { OUT_TYPE: { list: { type: [DT.INT32] } } });
    await expect(csv('1,2')).rejects.toThrow('Expect 1 fields but have 2 in record 0');
    await expect(csv('')).rejects.toThrow('Field 0 is required but missing in record 0!');
    await expect(csv('x')).rejects.toThrow('Field 0 in record 0 is not a valid int32: x');
    await expect(csv('"1')).rejects.toThrow(/Quoted field/);
  });
});

describe('AsString', () => {
  const numbers: { value: number; attrs: Record<string, RawAttr>; expected: string }[] = [
    { value: 3.14159274, attrs: {}, expected: '3.141593' },
    { value: -0, attrs: {}, expected: '-0.000000' },
    { value: 1e22, attrs: { precision: { i: 1 } }, expected: '9999999778196308361216.0' },
    { value: 0.5, attrs: { precision: { i: 0 } }, expected: '0' },
    { value: 2.5, attrs: { precision: { i: 0 } }, expected: '2' },
    { value: 3.5, attrs: { precision: { i: 0 } }, expected: '4' },
    { value: 0.125, attrs: { precision: { i: 2 } }, expected: '0.12' },
    { value: 1234.5, attrs: { scientific: { b: true } }, expected: '1.234500e+03' },
    { value: 2.5, attrs: { scientific: { b: true }, precision: { i: 0 } }, expected: '2e+00' },
    { value: 0, attrs: { scientific: { b: true }, precision: { i: 2 } }, expected: '0.00e+00' },
    { value: 1e-10, attrs: { shortest: { b: true } }, expected: '1e-10' },
    { value: 100000, attrs: { shortest: { b: true } }, expected: '100000' },
    { value: 1000000, attrs: { shortest: { b: true } }, expected: '1e+06' },
    { value: 0.0001, attrs: { shortest: { b: true } }, expected: '0.0001' },
    { value: 1.5, attrs: { width: { i: 10 }, fill: s('0'), precision: { i: 2 } }, expected: '0000001.50' },
    { value: -1.5, attrs: { width: { i: 8 }, fill: s('-'), precision: { i: 1 } }, expected: '-1.5    ' },
    { value: 1.5, attrs: { fill: s('+'), precision: { i: 1 } }, expected: '+1.5' },
    { value: NaN, attrs: {}, expected: 'nan' },
    { value: -Infinity, attrs: { width: { i: 6 }, fill: s('0') }, expected: '  -inf' },
  ];
  it.each(numbers)('writes $value as $expected', async ({ value, attrs, expected }) => {
    expect(await valuesOf('AsString', [float([value])], attrs)).toEqual([expected]);
  });

  it('writes integers, bools and strings', async () => {
    expect(await valuesOf('AsString', [int([-7, 42])], { width: { i: 4 }, fill: s('0') })).toEqual(['-007', '0042']);
    expect(await valuesOf('AsString', [bool([1, 0])])).toEqual(['true', 'false']);
    expect(await valuesOf('AsString', [text(['ab'])], { width: { i: 4 } })).toEqual(['  ab']);
    await expect(call('AsString', [int([1])], { precision: { i: 2 } })).rejects.toThrow(/floating point/);
    await expect(call('AsString', [float([1])], { scientific: { b: true }, shortest: { b: true } })).rejects.toThrow(
      /both/,
    );
  });
});
