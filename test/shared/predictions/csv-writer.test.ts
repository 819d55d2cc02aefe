import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { csvWriter } from '../../../shared/predictions/csv-writer.ts';
import { layoutOf } from '../../../shared/predictions/layout.ts';
import { spec } from '../formats/helpers.ts';
import { FAILURE, anyCuts, anyTable, tableOf, writeJoined } from './tables.ts';
import type { Cuts, Table } from './tables.ts';

const WHOLE: Cuts = { cuts: [], chunkBytes: 1000 };

async function written(table: Table, cuts: Cuts = WHOLE): Promise<string> {
  const layout = layoutOf(table.label === 'key' ? { keyField: 'k' } : {}, table.outputs);
  return (await writeJoined(csvWriter, layout, table.lines, cuts)).toString();
}

describe('csv', () => {
  test('a reader finds the rows of the lines, in order, however they fall into parts and chunks', async () => {
    await fc.assert(
      fc.asyncProperty(anyTable, anyCuts, async (table, cuts) => {
        const [header, ...records]: string[][] = parse(await written(table, cuts), { recordDelimiter: '\n' });
        expect(header).toHaveLength(table.outputs.length + 2);
        expect(records).toHaveLength(table.rows.length);
        for (const [row, [key = '', ...cells]] of records.entries()) {
          const { label = '', values } = table.rows[row] ?? {};
          expect(key).toBe(table.label === 'key' && label.startsWith('"') ? (JSON.parse(label) as string) : label);
          expect(cells.pop()).toBe(values === undefined ? FAILURE.message : '');
          const line = table.lines[row] ?? '';
          const { prediction } = JSON.parse(line) as { prediction?: unknown };
          const wanted = table.outputs.map(({ name }) =>
            table.outputs.length > 1 ? (prediction as Record<string, unknown> | undefined)?.[name] : prediction,
          );
          for (const [index, value] of wanted.entries()) {
            const cell = cells[index] ?? '';
            if (value === undefined || typeof value === 'string') expect(cell).toBe(value ?? '');
            else {
              expect(JSON.parse(cell)).toEqual(value);
              expect(line).toContain(cell); // every digit of it
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    {
      name: 'one output is the column prediction',
      table: tableOf(
        'key',
        [{ spec: spec('y', 'float32', [null]), rowShape: [] }],
        [{ label: '12345678901234567890', values: [0.5] }, { label: '"a,b"' }, { label: 'null', values: [NaN] }],
      ),
      expected: 'key,prediction,error\n12345678901234567890,0.5,\n"a,b",,"bad ""luck"", here\nand there"\nnull,NaN,\n',
    },
    {
      name: 'several have a column each; an empty string is not an empty cell; the key that a model returns has its own column',
      table: tableOf(
        'key',
        [
          { spec: spec('key', 'string', [null]), rowShape: [] },
          { spec: spec('p', 'float32', [null, 2]), rowShape: [2] },
        ],
        [{ label: '"a"', values: ['', [1, 0.5]] }, { label: '"b"' }],
      ),
      expected: 'key,prediction_key,p,error\na,"","[1,0.5]",\nb,,,"bad ""luck"", here\nand there"\n',
    },
    {
      name: 'an instance is JSON text, bytes are too',
      table: tableOf(
        'instance',
        [{ spec: spec('image_bytes', 'string', [null]), rowShape: [] }],
        [{ label: '"a"', values: ['hi'] }],
      ),
      expected: 'instance,prediction,error\n"""a""","{""b64"":""aGk=""}",\n',
    },
    {
      name: 'without an output there are only keys and errors',
      table: tableOf('key', [], [{ label: '1' }]),
      expected: 'key,error\n1,"bad ""luck"", here\nand there"\n',
    },
    { name: 'without a row there is the header', table: tableOf('key', [], []), expected: 'key,error\n' },
  ])('$name', async ({ table, expected }) => {
    expect(await written(table)).toBe(expected);
  });
});
