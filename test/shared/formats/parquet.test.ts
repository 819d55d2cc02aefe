import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { PermanentError } from '../../../shared/errors.ts';
import { tableLines } from './table-rows.ts';

/** Written by pyarrow 26 with zstd: a column of every type, a row of values, one of others, one of nulls. */
const EVERY_TYPE = readFileSync(join(import.meta.dirname, 'every-type.parquet'));

function written(...columns: Parameters<typeof parquetWriteBuffer>[0]['columnData']): Buffer {
  return Buffer.from(parquetWriteBuffer({ columnData: columns, rowGroupSize: 4 }));
}

describe('parquet', () => {
  it('writes every logical type as JSON, with all digits', async () => {
    const [lines = []] = await tableLines('parquet', EVERY_TYPE);
    const fields = [
      '"i64":9223372036854775807,"u64":18446744073709551615,"u32":4294967295,"i8":-128,"f4":0.1,"f8":0.1,"f2":0.099975586,"b":true',
      '"s":"héllo","bin":{"b64":"/wA="},"fsb":{"b64":"YWJjZA=="},"d1":12345678901234567890.120,"d2":1.5',
      '"date":"1969-12-31","ts_us":"2020-01-01T00:00:00.123456","ts_utc":"2020-01-01T00:00:00.123Z"',
      '"ts_ns":"1970-01-01T00:00:00.000000001Z","t_us":"01:02:03.000004","l":[1,null,3],"ll":[[1],[2,3]]',
      '"st":{"a":1,"b":"x"},"ls":[{"a":1,"b":["q"]},{"a":2,"b":null}],"m":{"z":1,"10":2,"__proto__":3,"2":4},"dict":"u"',
    ];
    expect(lines[0]).toBe(`{${fields.join(',')}}`);
    const others = [
      '"i64":-5,"u64":0,"u32":0,"i8":127,"f4":"NaN","f8":"Infinity","f2":2,"b":false,"s":"__proto__","bin":{"b64":""}',
      '"fsb":{"b64":"ZWZnaA=="},"d1":-0.005,"d2":-1.5,"date":"2020-02-29","ts_us":"1969-12-31T23:59:59.999999"',
      '"ts_utc":"1969-12-31T23:59:59.999Z","ts_ns":"1969-12-31T23:59:59.999999999Z","t_us":"23:59:59.000000"',
      '"l":[],"ll":[[]],"st":{"a":null,"b":null},"ls":[],"m":{},"dict":"v"',
    ];
    expect(lines[1]).toBe(`{${others.join(',')}}`);
  });

  it('writes null where a row has no value', async () => {
    const [lines = []] = await tableLines('parquet', EVERY_TYPE);
    const row = JSON.parse(lines[2] ?? '') as Record<string, unknown>;
    expect(Object.values(row).every((value) => value === null)).toBe(true);
    expect(Object.keys(row)).toEqual(Object.keys(JSON.parse(lines[0] ?? '') as object));
    expect(lines).toHaveLength(3);
  });

  it('gives the rows that were written, a unit for each row group', async () => {
    const row = fc.record({
      i: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      d: fc.double(),
      s: fc.option(fc.string({ unit: 'grapheme' })),
      j: fc.jsonValue({ maxDepth: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
        const file = written(
          { name: 'i', data: rows.map(({ i }) => i), type: 'INT64' },
          { name: 'd', data: rows.map(({ d }) => d), type: 'DOUBLE' },
          { name: 's', data: rows.map(({ s }) => s), type: 'STRING' },
          { name: 'j', data: rows.map(({ j }) => j), type: 'JSON' },
        );
        const units = await tableLines('parquet', file);
        expect(units.map(({ length }) => length)).toEqual(
          Array.from({ length: Math.ceil(rows.length / 4) }, (_, unit) => Math.min(4, rows.length - 4 * unit)),
        );
        units.flat().forEach((line, index) => {
          const { i, d, s, j } = rows[index] ?? { i: 0n, d: 0, s: null, j: null };
          const number = Number.isFinite(d) ? d : String(d);
          expect(JSON.parse(line)).toEqual({ i: Number(i), d: number, s, j: JSON.parse(JSON.stringify(j)) as unknown });
          expect(line).toContain(`{"i":${i},"d":`);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('has no rows where a row group has none', async () => {
    expect((await tableLines('parquet', written({ name: 'x', data: [], type: 'INT32' }))).flat()).toEqual([]);
  });

  it('decodes a long row group in windows, and gives each row once', async () => {
    const rows = 30_000;
    const columns = Array.from({ length: 70 }, (_, column) => ({
      name: `c${column}`,
      data: Int32Array.from({ length: rows }, (_, row) => row + column),
    }));
    const lists = { name: 'l', data: Array.from({ length: rows }, (_, row) => (row % 3 === 0 ? [] : [row, row + 1])) };
    const file = Buffer.from(parquetWriteBuffer({ columnData: [...columns, lists], rowGroupSize: rows }));
    const [lines = []] = await tableLines('parquet', file);
    expect(lines).toHaveLength(rows);
    lines.forEach((line, row) => {
      if (!line.startsWith(`{"c0":${row},`) || !line.endsWith(`"l":${row % 3 === 0 ? '[]' : `[${row},${row + 1}]`}}`))
        throw new Error(`row ${row}: ${line.slice(0, 30)}…${line.slice(-30)}`);
    });
  });
});

describe('a list of floats in parquet', () => {
  it('is written as each of its values would be alone, whatever they are and however many', async () => {
    const value = fc.oneof(fc.float(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 0), fc.constant(null));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(value, { maxLength: 12 }), { minLength: 1, maxLength: 4 }), async (lists) => {
        const schema = [
          { name: 'root', num_children: 1 },
          { name: 'x', repetition_type: 'REQUIRED' as const, num_children: 1, converted_type: 'LIST' as const },
          { name: 'list', repetition_type: 'REPEATED' as const, num_children: 1 },
          { name: 'element', type: 'FLOAT' as const, repetition_type: 'OPTIONAL' as const },
        ];
        // The writer's dictionaries take -0 for 0.
        const column = { name: 'x', encoding: 'PLAIN' } as const;
        const file = parquetWriteBuffer({ columnData: [{ ...column, data: lists }], schema, rowGroupSize: 4 });
        const all = lists.flat();
        const alone = written({ ...column, data: all.length === 0 ? [null] : all, type: 'FLOAT' });
        const texts = (await tableLines('parquet', alone)).flat().map((line) => line.slice('{"x":'.length, -1));
        let next = 0;
        const expected = lists.map((list) => `{"x":[${list.map(() => texts[next++]).join(',')}]}`);
        expect((await tableLines('parquet', Buffer.from(file))).flat()).toEqual(expected);
      }),
    );
  });
});

describe('a hostile or broken parquet file', () => {
  const sound = written({ name: 'x', data: [1, 2, 3], type: 'INT32' });
  const withFooterLength = (length: number): Buffer => {
    const file = Buffer.from(sound);
    file.writeUInt32LE(length, file.length - 8);
    return file;
  };
  it.each([
    { name: 'nothing', file: Buffer.alloc(0), expected: 'found 0 bytes' },
    {
      name: 'no parquet',
      file: Buffer.from('{"x":1}\n'.repeat(4)),
      expected: 'found no PAR1 at its start and its end',
    },
    { name: 'cut off', file: sound.subarray(0, -5), expected: 'is it complete?' },
    {
      name: 'encrypted',
      file: Buffer.concat([sound.subarray(0, -1), Buffer.from('E')]),
      expected: 'its footer is encrypted',
    },
    {
      name: 'a huge footer',
      file: withFooterLength(0xff_ff_ff_ff),
      expected: 'declares 4294967295 bytes of metadata, more than the file',
    },
    { name: 'a wrong footer', file: withFooterLength(12), expected: /metadata is broken|columns|row group/ },
    {
      name: 'a column named __proto__',
      file: written({ name: '__proto__', data: [1], type: 'INT32' }),
      expected: 'a column "__proto__": rename it',
    },
  ])('is refused: $name', async ({ file, expected }) => {
    const rows = tableLines('parquet', file);
    await expect(rows).rejects.toBeInstanceOf(PermanentError);
    await expect(rows).rejects.toThrow(expected);
  });

  it('is refused where a run claims more values than its page, before they are made', async () => {
    const data = [7, null, null, null, null, null, null, 9];
    const columnData = [{ name: 'x', data, type: 'INT32' as const }];
    const file = Buffer.from(parquetWriteBuffer({ columnData, codec: 'UNCOMPRESSED' }));
    // Definition levels: a group of packed bits, and behind it the two values.
    const at = file.indexOf(Buffer.from([3, 0b1000_0001, 7, 0, 0, 0, 9, 0, 0, 0]));
    expect(at).toBeGreaterThan(0);
    const bomb = Buffer.from(file);
    bomb.set([0x7e, 1], at);
    await expect(tableLines('parquet', bomb)).rejects.toThrow(
      'parquet: row group 0 is broken: a run of 63 values in a page of 8',
    );
  });

  it('is refused or read, wherever a byte is changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: EVERY_TYPE.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const broken = Buffer.from(EVERY_TYPE);
        broken[at] = (broken[at] ?? 0) ^ by;
        const error = await tableLines('parquet', broken).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        if (error !== undefined) expect(error).toBeInstanceOf(PermanentError);
      }),
      { numRuns: 500 },
    );
  });
});
