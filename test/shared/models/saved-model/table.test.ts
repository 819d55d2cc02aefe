import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DT } from '../../../../shared/models/saved-model/graph-def.ts';
import { assetFile } from '../../../../shared/models/saved-model/table-asset.ts';
import { tableFromTextFile } from '../../../../shared/models/saved-model/table-file.ts';
import type { TableFileOptions } from '../../../../shared/models/saved-model/table-file.ts';
import { tableFromTensors } from '../../../../shared/models/saved-model/table.ts';
import type { LookupTable, TableKey } from '../../../../shared/models/saved-model/table.ts';
import { memoryFiles } from '../model-files.ts';

const wordsToNumbers: TableFileOptions = { keyIndex: -2, valueIndex: -1, keyType: DT.STRING, valueType: DT.INT64 };

function read(text: string, options: Partial<TableFileOptions> = {}): LookupTable {
  return tableFromTextFile(Buffer.from(text), { ...wordsToNumbers, ...options });
}

function shown(table: LookupTable): [TableKey, unknown][] {
  return [...table.entries()].map(([key, value]) => [
    key,
    value instanceof Uint8Array ? Buffer.from(value).toString() : value,
  ]);
}

describe('tableFromTextFile', () => {
  it('numbers lines, with or without an end of the last, and drops carriage returns', () => {
    expect(shown(read('a\nb c\n'))).toEqual([
      ['a', 0],
      ['b c', 1],
    ]);
    expect(shown(read('a\r\n\r\nb'))).toEqual([
      ['a', 0],
      ['', 1],
      ['b', 2],
    ]);
    expect(read('').size).toBe(0);
  });

  it('takes columns, and numbers of either kind', () => {
    const columns = read('x\t-7\t0.5\ny\t8\t1e3\n', { keyIndex: 0, valueIndex: 1 });
    expect(shown(columns)).toEqual([
      ['x', -7],
      ['y', 8],
    ]);
    expect(
      shown(read('x|2|0.5', { keyIndex: 1, keyType: DT.INT64, valueIndex: 2, valueType: DT.FLOAT, delimiter: '|' })),
    ).toEqual([[2, 0.5]]);
    expect(shown(read('a\nb', { keyIndex: -1, keyType: DT.INT64, valueIndex: -2, valueType: DT.STRING }))).toEqual([
      [0, 'a'],
      [1, 'b'],
    ]);
  });

  it('keeps every digit of an int64', () => {
    const key = 9007199254740993n;
    const table = read(String(key), { keyType: DT.INT64 });
    expect([table.find(key), table.find(Number(key))]).toEqual([0, undefined]);
  });

  it('stops at the size of the vocabulary, and begins after the offset', () => {
    expect(shown(read('a\nb\nc\n', { vocabSize: 2 }))).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
    expect(shown(read('head\na\nb\n', { offset: 1 }))).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
  });

  it('finds every line of any file', () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'b', 'ä', '\t', ' ', '🙂'), maxLength: 6 });
    fc.assert(
      fc.property(fc.uniqueArray(line, { minLength: 1 }), (lines) => {
        const table = read(`${lines.join('\n')}\n`);
        lines.forEach((text, number) => {
          expect(table.find(Buffer.from(text).toString('latin1'))).toBe(number);
        });
        expect(table.size).toBe(lines.length);
      }),
    );
  });

  const refused: { name: string; text: string; options: Partial<TableFileOptions>; message: RegExp }[] = [
    {
      name: 'a line that lacks a column',
      text: 'a\t1\nb\n',
      options: { keyIndex: 0, valueIndex: 1 },
      message: /line 2: Invalid number of columns in line \(b\): expected at least 2 got 1/,
    },
    {
      name: 'what is no number',
      text: 'a\tx\n',
      options: { keyIndex: 0, valueIndex: 1 },
      message: /line 1: "x" is not a valid int64/,
    },
    {
      name: 'a key with two values',
      text: 'a\na\n',
      options: {},
      message: /line 2: HashTable has different value for same key. Key a has 0 and trying to add value 1/,
    },
    {
      name: 'fewer lines than the vocabulary',
      text: 'a\n',
      options: { vocabSize: 2 },
      message: /expected 2 but got 1/,
    },
    { name: 'a delimiter of two bytes', text: 'a', options: { delimiter: '::' }, message: /expected one byte/ },
    { name: 'keys that are floats', text: '1.5', options: { keyType: DT.FLOAT }, message: /keys of DT_FLOAT/ },
    {
      name: 'a line number that is a string',
      text: 'a',
      options: { valueType: DT.STRING },
      message: /a line number is no DT_STRING/,
    },
  ];
  it.each(refused)('refuses $name', ({ text, options, message }) => {
    expect(() => read(text, options)).toThrow(message);
  });
});

describe('tableFromTensors', () => {
  it('joins keys and values, and takes a key again with the same value', () => {
    const keys = { dtype: DT.INT64, shape: [3], data: BigInt64Array.of(1n, -(2n ** 62n), 1n) };
    const table = tableFromTensors(keys, {
      dtype: DT.STRING,
      shape: [3],
      data: ['a', 'b', 'a'].map((text) => Buffer.from(text)),
    });
    expect(shown(table)).toEqual([
      [1, 'a'],
      [-(2n ** 62n), 'b'],
    ]);
    expect([table.keyType, table.valueType, table.size]).toEqual([DT.INT64, DT.STRING, 2]);
  });

  it('refuses other numbers of keys and values, and a key with two values', () => {
    const int = (...values: number[]): Parameters<typeof tableFromTensors>[0] => ({
      dtype: DT.INT32,
      shape: [values.length],
      data: Int32Array.from(values),
    });
    expect(() => tableFromTensors(int(1, 2), int(1))).toThrow(/2 keys and 1 values/);
    expect(() => tableFromTensors(int(1, 1), int(1, 2))).toThrow(/different value for same key/);
    expect(() => tableFromTensors({ dtype: DT.FLOAT, shape: [1], data: Float32Array.of(1) }, int(1))).toThrow(
      /keys of DT_FLOAT/,
    );
  });
});

describe('assetFile', () => {
  const files = memoryFiles({ 'assets/words.txt': 'a', 'assets/sub/words.txt': 'b', 'secret.txt': 's' });

  it('gives the name of the file', () => {
    expect(assetFile(files, 'words.txt')).toBe('assets/words.txt');
    expect(assetFile(files, 'sub/words.txt')).toBe('assets/sub/words.txt');
  });

  it.each([
    '../secret.txt',
    '/etc/passwd',
    'a/../../secret.txt',
    '..\\secret.txt',
    'words.txt\0',
    '',
    '.',
    './words.txt',
  ])('refuses %j', (path) => {
    expect(() => assetFile(files, path)).toThrow(/m@1: saved_model.pb/);
  });

  it('says which file is missing', () => {
    expect(() => assetFile(files, 'other.txt')).toThrow(
      'm@1: saved_model.pb needs the file assets/other.txt, which is not there',
    );
  });
});
