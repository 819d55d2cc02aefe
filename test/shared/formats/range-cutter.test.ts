import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { InstancesFormat } from '../../../shared/formats/format.ts';
import { RangeCutter } from '../../../shared/formats/range-cutter.ts';
import type { Cut, RangeCutterOptions } from '../../../shared/formats/range-cutter.ts';
import { formatFromName, formatOf } from '../../../shared/formats/registry.ts';
import type { PlainRow } from './helpers.ts';
import { decodeRows, signature, spec } from './helpers.ts';

const LIMITS = { maxItems: 3, maxBytes: 40, maxRowBytes: 60 };

/** Feeds the file from where the cutter wants it, in chunks, until it is done. */
function cut(file: Buffer, options: RangeCutterOptions, chunkSize: number): { cuts: Cut[]; cutter: RangeCutter } {
  const cutter = new RangeCutter(options);
  const cuts: Cut[] = [];
  let p = options.begin === 'sync' ? options.start - 1 : options.start;
  while (!cutter.done && p < file.length) {
    cuts.push(...cutter.push(file.subarray(p, p + chunkSize)));
    p += chunkSize;
  }
  cuts.push(...cutter.finish());
  return { cuts, cutter };
}

/** All cuts of a file that is split into ranges, in order. */
function cutAll(format: InstancesFormat, file: Buffer, rangeSize: number, chunkSize: number): Cut[] {
  const { boundaries } = formatOf(format);
  const header = formatOf(format).readHeader(file, true).length;
  const cuts: Cut[] = [];
  let next = header;
  for (let start = header; start < file.length; start += rangeSize) {
    const end = Math.min(file.length, start + rangeSize);
    const exact = start === header || boundaries === 'from-start';
    const range = {
      format: formatOf(format),
      start: exact ? (start === header ? start : next) : start,
      end,
      ...LIMITS,
    };
    const { cuts: own, cutter } = cut(file, { ...range, begin: exact ? 'exact' : 'sync' }, chunkSize);
    cuts.push(...own);
    next = cutter.end;
  }
  return cuts;
}

function rowsOfCuts(
  format: InstancesFormat,
  file: Buffer,
  cuts: readonly Cut[],
  columns: readonly string[],
): PlainRow[] {
  return cuts.flatMap(({ start, end, rows }) => {
    const decoded = decodeRows(format, file.subarray(start, end), options(columns));
    expect(decoded).toHaveLength(rows);
    return decoded;
  });
}

function options(columns: readonly string[]) {
  return { signature: signature(spec('x', 'string', null)), instanceConfig: {}, columns };
}

function checkCuts(cuts: readonly Cut[]): void {
  let end = 0;
  for (const { start, rows, oversize, end: last } of cuts) {
    expect(start).toBeGreaterThanOrEqual(end);
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThanOrEqual(LIMITS.maxItems);
    if (oversize) expect(rows).toBe(1);
    expect(oversize).toBe(last - start > LIMITS.maxRowBytes);
    if (rows > 1) expect(last - start).toBeLessThanOrEqual(LIMITS.maxBytes);
    end = last;
  }
}

const newline = fc.constantFrom('\n', '\r\n');
const blank = fc.constantFrom('', ' ', '\t\r', '\r');
const jsonLine = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.oneof(
      fc.integer().map(String),
      fc.string({ maxLength: 12, unit: 'binary' }).map((text) => JSON.stringify(text)),
      fc.constant('{"é": [1,"😀"]}'),
    ),
  },
  { weight: 1, arbitrary: fc.constant(JSON.stringify('long '.repeat(13))) },
  { weight: 2, arbitrary: blank },
);
const jsonlFile = fc
  .tuple(fc.constantFrom('', '\ufeff'), fc.array(fc.tuple(jsonLine, newline), { maxLength: 12 }), fc.boolean())
  .map(([mark, lines, cutEnd]) => {
    const text = mark + lines.map((parts) => parts.join('')).join('');
    return Buffer.from(cutEnd ? text.replace(/\r?\n$/, '') : text);
  });
const csvCell = fc.oneof(
  fc
    .string({ maxLength: 8, unit: fc.constantFrom('a', 'é', '1', '"', ',', '\n', '\r\n', ' ') })
    .map((text) => `"${text.replaceAll('"', '""')}"`),
  fc.string({ maxLength: 4, unit: fc.constantFrom('b', '2', '"', ' ') }).filter((text) => !text.startsWith('"')),
  fc.constant('long'.repeat(20)),
);
const csvFile = fc
  .tuple(
    fc.constantFrom('', '\ufeff'),
    newline,
    fc.array(
      fc.tuple(
        fc.oneof(
          fc.tuple(csvCell, csvCell).map((cells) => cells.join(',')),
          fc.constantFrom('', 'short'),
        ),
        newline,
      ),
      { maxLength: 10 },
    ),
    fc.boolean(),
  )
  .map(([mark, end, records, cutEnd]) => {
    const text = `${mark}p,q${end}${records.map((parts) => parts.join('')).join('')}`;
    return Buffer.from(cutEnd ? text.replace(/\r?\n$/, '') : text);
  });

describe.each([
  { format: 'jsonl' as const, file: jsonlFile },
  { format: 'csv' as const, file: csvFile },
])('ranges of $format', ({ format, file }) => {
  test('any range size and any chunk size give the rows of one reader, in order', () => {
    fc.assert(
      fc.property(
        file,
        fc.integer({ min: 1, max: 80 }),
        fc.integer({ min: 1, max: 50 }),
        (content, rangeSize, chunkSize) => {
          const { length, columns = [] } = formatOf(format).readHeader(content, true);
          const cuts = cutAll(format, content, rangeSize, chunkSize);
          checkCuts(cuts);
          const whole = decodeRows(format, content.subarray(length), options(columns));
          expect(rowsOfCuts(format, content, cuts, columns)).toEqual(whole);
          expect(cutAll(format, content, rangeSize, 1)).toEqual(cuts);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('the last offset is where the next range begins', () => {
    fc.assert(
      fc.property(file, fc.integer({ min: 1, max: 80 }), (content, rangeSize) => {
        const header = formatOf(format).readHeader(content, true).length;
        fc.pre(header + rangeSize < content.length);
        const first = {
          format: formatOf(format),
          start: header,
          end: header + rangeSize,
          begin: 'exact' as const,
          ...LIMITS,
        };
        const { cuts, cutter } = cut(content, first, 7);
        const rest = cut(content, { ...first, start: cutter.end, end: content.length }, 7);
        const all = cut(content, { ...first, end: content.length, maxItems: 1e9, maxBytes: 1e9 }, 7);
        const rows = (some: readonly Cut[]): number => some.reduce((sum, one) => sum + one.rows, 0);
        expect(rows(cuts) + rows(rest.cuts)).toBe(rows(all.cuts));
        expect(cutter.rows).toBe(rows(cuts));
      }),
      { numRuns: 300 },
    );
  });
});

describe('RangeCutter', () => {
  const jsonl = { format: formatOf('jsonl'), ...LIMITS };

  test.each<{ name: string; start: number; begin: 'exact' | 'sync'; end: number; expected: unknown }>([
    {
      name: 'a record that begins at the start is ours',
      start: 4,
      end: 6,
      begin: 'sync',
      expected: { start: 4, end: 8, cuts: [{ start: 4, end: 8, rows: 1, oversize: false }] },
    },
    {
      name: 'a record that began before is not',
      start: 5,
      end: 9,
      begin: 'sync',
      expected: { start: 8, end: 12, cuts: [{ start: 8, end: 12, rows: 1, oversize: false }] },
    },
    {
      name: 'a record that begins at the end is not',
      start: 0,
      end: 8,
      begin: 'exact',
      expected: { start: 0, end: 8, cuts: [{ start: 0, end: 8, rows: 2, oversize: false }] },
    },
    {
      name: 'within a record there is nothing',
      start: 5,
      end: 7,
      begin: 'sync',
      expected: { start: 7, end: 7, cuts: [] },
    },
    {
      name: 'an empty range is done at once',
      start: 8,
      end: 8,
      begin: 'exact',
      expected: { start: 8, end: 8, cuts: [] },
    },
  ])('$name', ({ start, end, begin, expected }) => {
    const { cuts, cutter } = cut(Buffer.from('100\n200\n300\n'), { ...jsonl, start, end, begin }, 100);
    expect({ start: cutter.start, end: cutter.end, cuts }).toEqual(expected);
    expect(cutter.done).toBe(true);
  });

  test('an oversize record is a shard of its own', () => {
    const file = Buffer.from(`1\n"${'x'.repeat(100)}"\n2\n`);
    const { cuts } = cut(file, { ...jsonl, start: 0, end: file.length, begin: 'exact' }, 10);
    expect(cuts).toEqual([
      { start: 0, end: 2, rows: 1, oversize: false },
      { start: 2, end: 105, rows: 1, oversize: true },
      { start: 105, end: 107, rows: 1, oversize: false },
    ]);
  });

  test('stops asking for bytes where a record runs through the whole range', () => {
    const cutter = new RangeCutter({ ...jsonl, start: 10, end: 20, begin: 'sync' });
    cutter.push(Buffer.alloc(11, 'x'));
    expect(cutter.done).toBe(true);
  });

  test('cannot guess where a record begins in CSV', () => {
    expect(() => new RangeCutter({ ...jsonl, format: formatOf('csv'), start: 10, end: 20, begin: 'sync' })).toThrow(
      'exact',
    );
  });
});

test.each([
  { name: 'a/b.jsonl', expected: { format: 'jsonl', compression: 'none' } },
  { name: 'b.NDJSON.GZ', expected: { format: 'jsonl', compression: 'gzip' } },
  { name: 'c.csv.gz', expected: { format: 'csv', compression: 'gzip' } },
  { name: 'c.csv', expected: { format: 'csv', compression: 'none' } },
  { name: 'c.csv.zst', expected: { format: 'csv', compression: 'zstd' } },
  { name: 'c.jsonl.zlib', expected: { format: 'jsonl', compression: 'zlib' } },
  { name: 'e.tfrecord', expected: { format: 'tf-record', compression: 'none' } },
  { name: 'e.tfrecords.gz', expected: { format: 'tf-record', compression: 'gzip' } },
  { name: 'f.txt', expected: { format: 'file-list', compression: 'none' } },
  { name: 'g.npy', expected: { format: 'npy', compression: 'none' } },
  { name: 'g.NPZ', expected: { format: 'npz', compression: 'none' } },
  { name: 'h.parquet', expected: { format: 'parquet', compression: 'none' } },
  { name: 'd.json', expected: undefined },
  { name: 'csv', expected: undefined },
  { name: 'd.csv.bz2', expected: undefined },
])('the name $name says its format', ({ name, expected }) => {
  expect(formatFromName(name)).toEqual(expected);
});
