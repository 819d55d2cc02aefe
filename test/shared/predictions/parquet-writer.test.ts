import fc from 'fast-check';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, test } from 'vitest';

import { PermanentError } from '../../../shared/errors.ts';
import { layoutOf } from '../../../shared/predictions/layout.ts';
import { parquetWriter } from '../../../shared/predictions/parquet-writer.ts';
import type { TensorSpec } from '../../../shared/tensor.ts';
import { collect } from '../../contract/builders.ts';
import { spec } from '../formats/helpers.ts';
import { FAILURE, anyCuts, anyTable, chunked, tableOf, writeJoined } from './tables.ts';
import type { Cuts, Table } from './tables.ts';

const WHOLE: Cuts = { cuts: [], chunkBytes: 1000 };

async function written(table: Table, cuts: Cuts = WHOLE): Promise<ArrayBuffer> {
  const layout = layoutOf(table.label === 'key' ? { keyField: 'k' } : {}, table.outputs);
  const bytes = await writeJoined(parquetWriter, layout, table.lines, cuts);
  return new Uint8Array(bytes).buffer;
}

async function read(file: ArrayBuffer): Promise<Record<string, unknown>[]> {
  return (await parquetReadObjects({ file })) as Record<string, unknown>[];
}

/** As a Parquet column holds it. */
function elementOf({ dtype, shape }: TensorSpec, value: unknown): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map((item) => elementOf({ name: '', dtype, shape }, item));
  return dtype === 'uint32' ? BigInt(value as number) : value;
}

describe('parquet', () => {
  test('a reader finds the rows of the lines, in order, however they fall into parts and chunks', async () => {
    await fc.assert(
      fc.asyncProperty(anyTable, anyCuts, async (table, cuts) => {
        const layout = layoutOf(table.label === 'key' ? { keyField: 'k' } : {}, table.outputs);
        const found = await read(await written(table, cuts));
        const expected = table.rows.map(({ label, values }, row) => ({
          [table.label]: table.label === 'key' && label.startsWith('"') ? (JSON.parse(label) as string) : label,
          ...Object.fromEntries(
            table.outputs.map((output, index): [string, unknown] => {
              const column = layout.outputs[index]?.column ?? '';
              if (values === undefined) return [column, undefined];
              if (output.shape === null) return [column, found[row]?.[column]]; // JSON text: below
              return [column, elementOf(output, values[index])];
            }),
          ),
          error: values === undefined ? FAILURE : undefined,
        }));
        expect(found.map(withoutNulls)).toEqual(expected);
        for (const [index, { shape }] of table.outputs.entries()) {
          if (shape !== null) continue;
          for (const [row, { values }] of table.rows.entries()) {
            const text = found[row]?.[layout.outputs[index]?.column ?? ''] as string | null;
            if (values !== undefined) expect(table.lines[row]).toContain(text);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('the columns have the types of the outputs, and nothing points into what is shifted', async () => {
    const plan = (name: string, dtype: TensorSpec['dtype'], rowShape: number[]) => ({
      spec: spec(name, dtype, [null, ...rowShape]),
      rowShape,
    });
    const plans = [plan('a', 'float32', []), plan('b', 'uint64', [2]), plan('c_bytes', 'string', [])];
    const row = { label: '1', values: [0.5, [1n, 2n ** 64n - 1n], 'x'] };
    const file = await written(tableOf('key', plans, [row, row, row]), { cuts: [1, 1, 2], chunkBytes: 10 });
    const { schema, row_groups, num_rows } = parquetMetadata(file);
    expect(schema.map(({ name, type, repetition_type }) => [name, type, repetition_type].join(' '))).toEqual([
      'root  ',
      'key BYTE_ARRAY REQUIRED',
      'a FLOAT OPTIONAL',
      'b  OPTIONAL',
      'list  REPEATED',
      'element INT64 REQUIRED',
      'c_bytes BYTE_ARRAY OPTIONAL',
      'error  OPTIONAL',
      'code INT32 REQUIRED',
      'status BYTE_ARRAY REQUIRED',
      'message BYTE_ARRAY REQUIRED',
    ]);
    expect(num_rows).toBe(3n);
    expect(row_groups.map((group) => group.num_rows)).toEqual([1n, 1n, 1n]);
    for (const { columns } of row_groups) {
      for (const column of columns) {
        expect(column.offset_index_offset ?? column.column_index_offset).toBeUndefined();
        expect(column.meta_data?.bloom_filter_offset).toBeUndefined();
      }
    }
  });

  test('a large part has several row groups, written one after another', async () => {
    const rowShape = [1000];
    const values = Array.from({ length: 1000 }, (_, index) => index / 8);
    const plans = [{ spec: spec('y', 'float32', [null, 1000]), rowShape }];
    const rows = Array.from({ length: 4000 }, (_, row) => ({ label: String(row), values: [values] }));
    const table = tableOf('key', plans, rows);
    const chunks = await collect(
      parquetWriter.part(chunked(table.lines, 1_000_000), layoutOf({ keyField: 'k' }, table.outputs)),
    );
    expect(chunks.length).toBeGreaterThan(2);
    const found = await read(new Uint8Array(Buffer.concat(chunks)).buffer);
    expect(found.map(({ key }) => key)).toEqual(rows.map(({ label }) => label));
    expect(found.at(-1)?.['prediction']).toEqual(values);
  });

  test.each([
    { shape: [null], dtype: 'float32', json: '[1]', message: /^output "y": found \[1\], expected float32 in 0 dim/ },
    { shape: [null, 2], dtype: 'float32', json: '1', message: /found 1, expected float32 in 1 dimensions/ },
    { shape: [null], dtype: 'int32', json: '1.5', message: /found 1.5, expected int32/ },
    { shape: [null], dtype: 'int64', json: '1.5', message: /found 1.5, expected int64/ },
    { shape: [null], dtype: 'bool', json: '"x"', message: /found "x", expected bool/ },
  ] as const)('refuses $json of an output that says $dtype $shape', async ({ shape, dtype, json, message }) => {
    const layout = layoutOf({ keyField: 'k' }, [spec('y', dtype, shape)]);
    const writing = collect(parquetWriter.part(chunked([`{"key":1,"prediction":${json}}`], 10), layout));
    await expect(writing).rejects.toThrow(message);
    await expect(writing).rejects.toBeInstanceOf(PermanentError);
  });
});

function withoutNulls(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? undefined]));
}
