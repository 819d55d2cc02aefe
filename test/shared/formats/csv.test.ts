import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { Cells, CsvReader } from '../../../shared/formats/csv/csv-reader.ts';
import { textOf } from '../../../shared/formats/csv/csv-cell.ts';
import { csv } from '../../../shared/formats/csv/csv.ts';
import type { InstanceConfig } from '../../../shared/formats/format.ts';
import type { Signature } from '../../../shared/models/model.ts';
import type { DType } from '../../../shared/tensor.ts';
import { decodeRows, errorOf, signature, spec } from './helpers.ts';

/** All records of a text by the reader, cells as text. */
function recordsOf(text: string): { records: string[][]; bad: boolean } {
  const bytes = Buffer.from(text);
  const reader = new CsvReader();
  const cells = new Cells();
  const records: string[][] = [];
  let bad = false;
  for (let p = 0; ;) {
    cells.clear();
    const end = reader.recordEnd(bytes, p, cells);
    const blank = end < 0 ? !reader.finish(bytes, cells) : reader.blank;
    bad ||= cells.error([]) !== undefined;
    if (!blank) {
      records.push(
        Array.from({ length: cells.count }, (_, index) =>
          textOf(bytes, cells.starts[index] ?? 0, cells.ends[index] ?? 0, cells.quoted[index] === true),
        ),
      );
    }
    if (end < 0) return { records, bad };
    p = end;
  }
}

const ORACLE = { relax_column_count: true, skip_empty_lines: true, record_delimiter: ['\r\n', '\n'] };

describe('CsvReader', () => {
  const cell = fc.oneof(
    fc.constantFrom('', ' ', 'a', '1.5', 'é😀', 'x\ry'),
    fc.string({ maxLength: 6, unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é') }),
  );
  const written = fc
    .tuple(cell, fc.boolean())
    .map(([text, quote]) => (quote || /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text));
  const file = fc
    .array(fc.tuple(fc.array(written, { minLength: 1, maxLength: 4 }), fc.constantFrom('\n', '\r\n')), { maxLength: 6 })
    .map((records) => records.map(([cells, newline]) => cells.join(',') + newline).join(''));

  test('reads well-formed files as csv-parse does', () => {
    fc.assert(
      fc.property(file, fc.boolean(), (text, cut) => {
        const content = cut ? text.replace(/\r?\n$/, '') : text;
        expect(recordsOf(content)).toEqual({ records: parse(content, ORACLE), bad: false });
      }),
      { numRuns: 2000 },
    );
  });

  test('refuses what csv-parse refuses, and reads the same of all else', () => {
    const soup = fc.string({ maxLength: 20, unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', 'b') });
    fc.assert(
      fc.property(soup, (text) => {
        const { records, bad } = recordsOf(text);
        let expected: string[][] | undefined;
        try {
          expected = parse(text, ORACLE);
        } catch {
          expected = undefined;
        }
        // A quote inside an unquoted cell is literal here, an error there.
        if (expected === undefined && !bad) expect(text).toMatch(/[ab]"/);
        else expect(bad ? undefined : records).toEqual(expected);
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    { name: 'a quote inside an unquoted cell is literal', input: 'a"b,c""\n', expected: [['a"b', 'c""']] },
    {
      name: 'newlines in quotes',
      input: '"a\r\nb",c\r\nd,e',
      expected: [
        ['a\r\nb', 'c'],
        ['d', 'e'],
      ],
    },
    { name: 'empty lines are no records', input: '\n\r\na\n\n\nb\n\r\n', expected: [['a'], ['b']] },
    { name: 'a line of one empty quoted cell is a record', input: '""\n', expected: [['']] },
    { name: 'empty cells at both ends', input: ',a,\n', expected: [['', 'a', '']] },
    { name: 'a carriage return that ends the file is a newline', input: 'a,b\r', expected: [['a', 'b']] },
    { name: 'a carriage return elsewhere is literal', input: '\ra\rb,\r,c\n', expected: [['\ra\rb', '\r', 'c']] },
  ])('$name', ({ input, expected }) => {
    expect(recordsOf(input)).toEqual({ records: expected, bad: false });
  });
});

describe('the CSV header', () => {
  test.each([
    { name: 'names, trimmed', input: 'a, b ,"c ,d"\r\n1,2,3', expected: { length: 14, columns: ['a', 'b', 'c ,d'] } },
    { name: 'after a byte-order mark', input: '\ufeffa\n1', expected: { length: 5, columns: ['a'] } },
    { name: 'after empty lines', input: '\n\r\na\n1', expected: { length: 5, columns: ['a'] } },
    { name: 'without a newline', input: 'a,b', expected: { length: 3, columns: ['a', 'b'] } },
    { name: 'of no file', input: '', expected: { length: 0 } },
    { name: 'of a mark only', input: '\ufeff', expected: { length: 3 } },
    { name: 'of empty lines', input: '\n\n', expected: { length: 2 } },
  ])('$name', ({ input, expected }) => {
    expect(csv.readHeader(Buffer.from(input), true)).toEqual(expected);
  });

  test.each([
    {
      name: 'equal names',
      input: 'a,b,a\n',
      expected: 'found the column "a" twice, expected the names of the columns: rename one of them',
    },
    {
      name: 'lines that end with a carriage return alone',
      input: 'a,b\r1,2\r3,4\r',
      expected:
        'found a carriage return within an unquoted name, expected the names of the columns: end lines with LF or CRLF',
    },
    {
      name: 'an empty name',
      input: 'a,\n',
      expected:
        'found no name for column 2 of 2, expected the names of the columns: give every column a name in the first line',
    },
    {
      name: 'wrong quotes',
      input: 'a,"b"c\n',
      expected:
        'column 2: found text after the closing quote, expected a quoted cell to end with its closing quote, expected the names of the columns: quote names as RFC 4180 says',
    },
    {
      name: 'invalid UTF-8',
      input: Buffer.of(97, 255, 10),
      expected: 'found invalid UTF-8, expected the names of the columns: save the file as UTF-8',
    },
  ])('refuses $name', ({ input, expected }) => {
    expect(() => csv.readHeader(Buffer.from(input), true)).toThrow(`CSV header: ${expected}`);
  });

  test('refuses a header that does not end within the look', () => {
    expect(() => csv.readHeader(Buffer.from('"a,b\n1,2\n'), false)).toThrow(
      'CSV header: found no end of the first record in 9 bytes, expected the names of the columns: is the file CSV, with its quotes closed?',
    );
  });
});

const list = signature(spec('x', 'float32', [null, 2]));
const pair = signature(spec('n', 'float32', [null]), spec('s', 'string', [null]));

describe('CSV records become instances', () => {
  const x = { x: { shape: [2], data: [1, 2] } };
  const cases: {
    name: string;
    model: Signature;
    columns: string;
    config?: InstanceConfig;
    input: string;
    expected: unknown;
  }[] = [
    {
      name: 'a list for one input',
      model: list,
      columns: 'p,q',
      input: '1,2\n',
      expected: { label: '[1,2]', inputs: x },
    },
    {
      name: 'an object for several',
      model: pair,
      columns: 's,n',
      input: '7,1e0\r\n',
      expected: { label: '{"s":"7","n":1e0}', inputs: { n: { shape: [], data: [1] }, s: { shape: [], data: ['7'] } } },
    },
    {
      name: 'an object where it is asked for',
      model: list,
      columns: 'x',
      config: { instanceType: 'object' },
      input: '"[1, 2]"',
      expected: { label: '{"x":[1, 2]}', inputs: x },
    },
    {
      name: 'a numeric key, as written',
      model: list,
      columns: 'k,p,q',
      config: { keyField: 'k' },
      input: '9007199254740993.0,1,2',
      expected: { label: '9007199254740993.0', inputs: x },
    },
    {
      name: 'a key between the cells',
      model: list,
      columns: 'p,k,q',
      config: { keyField: 'k' },
      input: '1,007,2',
      expected: { label: '"007"', inputs: x },
    },
    {
      name: 'a quoted key is text',
      model: list,
      columns: 'p,q,k',
      config: { keyField: 'k' },
      input: '1,2,"12"',
      expected: { label: '"12"', inputs: x },
    },
    {
      name: 'a key with everything in it',
      model: list,
      columns: 'p,q,k',
      config: { keyField: 'k' },
      input: '1,2,"a""b\\\n\u0001é"',
      expected: { label: '"a\\"b\\\\\\n\\u0001é"', inputs: x },
    },
    {
      name: 'columns in another order',
      model: list,
      columns: 'p,q,r',
      config: { includedFields: ['r', 'p'] },
      input: '2,z,1',
      expected: { label: '{"p":2,"q":"z","r":1}', inputs: x },
    },
    {
      name: 'columns left out',
      model: list,
      columns: 'id,p,q',
      config: { excludedFields: ['id'] },
      input: 'u,1,2',
      expected: { label: '{"id":"u","p":1,"q":2}', inputs: x },
    },
    {
      name: 'one column for a scalar',
      model: signature(spec('x', 'float32', [null])),
      columns: 'v',
      input: ' 7 ',
      expected: { label: '[7]', inputs: { x: { shape: [], data: [7] } } },
    },
    {
      name: 'quoted and padded numbers',
      model: list,
      columns: 'p,q',
      input: '"1", 2 ',
      expected: { label: '[1,2]', inputs: x },
    },
    {
      name: 'rows as keys',
      model: list,
      columns: 'p,q',
      config: { rowKeys: true },
      input: '1,2',
      expected: { label: '', inputs: x },
    },
  ];
  test.each(cases)('$name', ({ model, columns, config, input, expected }) => {
    const options = { signature: model, columns: columns.split(','), instanceConfig: config ?? {} };
    expect(decodeRows('csv', input, options)).toEqual([expected]);
  });

  test.each<{ dtype: DType; input: string; expected: readonly unknown[]; label: string }>([
    {
      dtype: 'float64',
      input: 'nan,INF,-Infinity,1',
      expected: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1],
      label: '["NaN","Infinity","-Infinity",1]',
    },
    { dtype: 'bool', input: 'TRUE,false,1,0', expected: [1, 0, 1, 0], label: '[true,false,true,false]' },
    {
      dtype: 'int64',
      input: '9223372036854775807,-1,"3",1e2',
      expected: [9223372036854775807n, -1n, 3n, 100n],
      label: '[9223372036854775807,-1,3,1e2]',
    },
    { dtype: 'string', input: '1,"",[1],NaN', expected: ['1', '', '[1]', 'NaN'], label: '["1","","[1]","NaN"]' },
  ])('$dtype cells', ({ dtype, input, expected, label }) => {
    const options = { signature: signature(spec('x', dtype, [null, 4])), columns: ['a', 'b', 'c', 'd'] };
    expect(decodeRows('csv', input, options)).toEqual([{ label, inputs: { x: { shape: [4], data: expected } } }]);
  });
});

describe('a CSV record that does not decode says why', () => {
  const cases: {
    name: string;
    model?: Signature;
    columns: string;
    config?: InstanceConfig;
    input: string;
    expected: string;
    label: string;
  }[] = [
    {
      name: 'too few columns',
      columns: 'a,b,c,d',
      input: '1,2,3\n',
      expected: 'instance: found 3 columns, expected 4 (a, b, c, d)',
      label: '"1,2,3"',
    },
    {
      name: 'too many columns',
      columns: 'a,b',
      config: { keyField: 'a' },
      input: '1,2,3\n',
      expected: 'instance: found 3 columns, expected 2 (a, b)',
      label: '1',
    },
    {
      name: 'no text',
      columns: 'a,b',
      input: 'x,1',
      expected: 'field "a": found "x", expected a number',
      label: '["x",1]',
    },
    {
      name: 'an empty cell',
      columns: 'a,b',
      input: '1, ',
      expected: 'field "b": found an empty cell, expected a number',
      label: '[1," "]',
    },
    {
      name: 'an open quote',
      columns: 'k,a,b',
      config: { keyField: 'k' },
      input: '7,1,"2\n',
      expected: 'field "b": found no closing quote, expected a quoted cell to end with its closing quote',
      label: '7',
    },
    {
      name: 'text after a quote',
      columns: 'a,b',
      input: '"1"2,3\n',
      expected: 'field "a": found text after the closing quote, expected a quoted cell to end with its closing quote',
      label: '"\\"1\\"2,3"',
    },
    {
      name: 'no boolean',
      model: signature(spec('x', 'bool', [null, 1])),
      columns: 'a',
      input: 'yes',
      expected: 'field "a": found "yes", expected true or false',
      label: '["yes"]',
    },
    {
      name: 'NaN for an integer',
      model: signature(spec('x', 'int8', [null, 1])),
      columns: 'a',
      input: 'NaN',
      expected: 'field "a": found "NaN", expected an integer from -128 to 127',
      label: '["NaN"]',
    },
    {
      name: 'an overflow',
      columns: 'a,b',
      input: '1,1e40',
      expected: 'field "b": found 1e40, expected a number in the range of float32',
      label: '[1,1e40]',
    },
    {
      name: 'the wrong number of cells',
      columns: 'a,b,c',
      input: '1,2,3',
      expected: 'instance: found shape [3], expected shape [2]',
      label: '[1,2,3]',
    },
    {
      name: 'an unknown column',
      model: pair,
      columns: 'n,s,t',
      input: '1,2,3',
      expected:
        'field "t": found a field that is no input, expected only the inputs "n", "s": rename it, or leave it out (excludedFields)',
      label: '{"n":1,"s":"2","t":3}',
    },
    {
      name: 'a missing column',
      model: pair,
      columns: 'n',
      input: '1',
      expected: 'field "s": found no such field, expected a string',
      label: '{"n":1}',
    },
    {
      name: 'a missing key column',
      columns: 'a,b',
      config: { keyField: 'k' },
      input: '1,2',
      expected: 'field "k": found no such field, expected the instance key',
      label: 'null',
    },
    {
      name: 'a smuggled list',
      model: signature(spec('x', 'float32', [null, 2]), spec('s', 'string', [null])),
      columns: 'x,s',
      input: '"[1,2],""s"":[3]",z',
      expected: 'field "x": found "[1,2],\\"s\\":[3]", expected shape [2]',
      label: '{"x":"[1,2],\\"s\\":[3]","s":"z"}',
    },
  ];
  test.each(cases)('$name', ({ model, columns, config, input, expected, label }) => {
    const options = { signature: model ?? list, columns: columns.split(','), instanceConfig: config ?? {} };
    expect(decodeRows('csv', input, options)).toEqual([{ label, error: expected }]);
  });

  test('a failed record leaves nothing behind for the next', () => {
    const options = { signature: list, columns: ['a', 'b'], instanceConfig: { rowKeys: true } };
    expect(decodeRows('csv', '1,x\n3,4\n5\n6,7\n', options).map(({ inputs }) => inputs?.['x']?.data)).toEqual([
      undefined,
      [3, 4],
      undefined,
      [6, 7],
    ]);
  });

  test('invalid UTF-8', () => {
    const input = Buffer.concat([Buffer.from('7,'), Buffer.of(0xff), Buffer.from(',2\n')]);
    const options = { signature: list, columns: ['k', 'a', 'b'], instanceConfig: { keyField: 'k' } };
    expect(decodeRows('csv', input, options)).toEqual([
      { label: '7', error: 'instance: found invalid UTF-8 at byte 2 of the record, expected UTF-8' },
    ]);
    expect(errorOf('csv', input, { ...options, maxRowBytes: 3 })).toMatch(/more than 3 bytes/);
  });
});

test('CSV and JSON lines of the same data give the same columns', () => {
  const model = signature(
    spec('f', 'float32', [null]),
    spec('i', 'int64', [null]),
    spec('b', 'bool', [null]),
    spec('s', 'string', [null]),
    spec('v', 'float64', [null, null]),
  );
  const record = fc.record({
    key: fc.oneof(fc.integer(), fc.string({ unit: 'binary' })),
    f: fc.float({ noNaN: true, noDefaultInfinity: true }),
    i: fc.integer(),
    b: fc.boolean(),
    s: fc.string({ unit: 'binary' }),
    v: fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 3 }),
  });
  const config = { signature: model, instanceConfig: { keyField: 'key' } };
  const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), (records) => {
      const json = records.map((value) => JSON.stringify(value)).join('\n');
      const cells = records.map(({ key, f, i, b, s, v }) =>
        [typeof key === 'string' ? quote(key) : key, JSON.stringify(f), i, b, quote(s), quote(JSON.stringify(v))].join(
          ',',
        ),
      );
      const columns = ['key', 'f', 'i', 'b', 's', 'v'];
      expect(decodeRows('csv', cells.join('\n'), { ...config, columns })).toEqual(decodeRows('jsonl', json, config));
    }),
    { numRuns: 300 },
  );
});
