import { describe, expect, test } from 'vitest';

import { layoutOf } from '../../../shared/predictions/layout.ts';
import type { Layout } from '../../../shared/predictions/layout.ts';
import { predictionsFormatFromName } from '../../../shared/predictions/registry.ts';
import { readRows } from '../../../shared/predictions/row-reader.ts';
import { spec } from '../formats/helpers.ts';
import { chunked } from './tables.ts';

const ONE = layoutOf({ keyField: 'id' }, [spec('y', 'float32', [null])]);
const TWO = layoutOf({ keyField: 'id' }, [spec('a', 'float32', [null]), spec('b', 'float32', [null])]);

async function read(lines: readonly string[], layout: Layout): Promise<(string | undefined)[][]> {
  const found: (string | undefined)[][] = [];
  for await (const rows of readRows(chunked(lines, 5), layout)) {
    for (const { label, values, error } of rows)
      found.push([label.toString(), ...values.map((value) => value?.toString()), error?.message]);
  }
  return found;
}

describe('readRows', () => {
  test('takes lines apart and leaves the values as they are written', async () => {
    const lines = [
      '{"key":9007199254740993,"prediction":{"b":1e-7,"a":[1, 2]}}',
      '{"key":{"prediction":1,"error":"}\\""},"prediction":{"a":"x"}}',
      '{"key":null,"error":{"code":3,"status":"INVALID_ARGUMENT","message":"no"}}',
    ];
    expect(await read(lines, TWO)).toEqual([
      ['9007199254740993', '[1, 2]', '1e-7', undefined],
      ['{"prediction":1,"error":"}\\""}', '"x"', undefined, undefined],
      ['null', undefined, undefined, 'no'],
    ]);
  });

  test.each([
    { name: 'no object', layout: ONE, line: '[1]', message: /row 1 of its split: malformed JSON at byte 0/ },
    { name: 'half a line', layout: ONE, line: '{"key":1,"predic', message: /row 1 of its split: malformed JSON/ },
    { name: 'no key', layout: ONE, line: '{"prediction":1}', message: /found no field "key"/ },
    { name: 'a key alone', layout: ONE, line: '{"key":1}', message: /found neither a prediction nor an error/ },
    { name: 'another field', layout: ONE, line: '{"key":1,"x":2}', message: /found the field "x"/ },
    {
      name: 'an unknown output',
      layout: TWO,
      line: '{"key":1,"prediction":{"c":1}}',
      message: /found the output "c", which the signature does not have/,
    },
    {
      name: 'a prediction of no known outputs',
      layout: layoutOf({ keyField: 'id' }),
      line: '{"key":1,"prediction":1}',
      message: /no result tells the signature's outputs/,
    },
  ])('refuses $name', async ({ layout, line, message }) => {
    const first = '{"key":0,"error":{"code":3,"status":"INVALID_ARGUMENT","message":"no"}}';
    await expect(read([first, line], layout)).rejects.toThrow(message);
  });
});

describe('predictionsFormatFromName', () => {
  test.each([
    ['a/b.jsonl', 'jsonl'],
    ['b.ndjson', 'jsonl'],
    ['b.CSV', 'csv'],
    ['b.tfrecord', 'tf-record'],
    ['b.tfrecords', 'tf-record'],
    ['b.parquet', 'parquet'],
    ['b.txt', undefined],
    ['parquet', undefined],
    ['b.csv/', undefined],
  ])('of %s is %s', (name, format) => {
    expect(predictionsFormatFromName(name)).toBe(format);
  });
});
