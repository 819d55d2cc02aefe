import { readFileSync } from 'node:fs';

import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';

import { decodeExample } from '../../shared/formats/example/example.ts';
import { newWorkspace } from './workspace.ts';
import type { Workspace } from './workspace.ts';

const ROWS = 30;
const BAD = 7;
const INPUT = Array.from({ length: ROWS }, (_, row) => `{"key":"k${row}","x":${row === BAD ? '"seven"' : row}}\n`).join(
  '',
);

/** Runs the command over INPUT; the results are in that file. */
async function score(workspace: Workspace, output: string, ...args: string[]): Promise<Buffer> {
  workspace.write('a.jsonl', INPUT);
  const { code, stderr } = await workspace.fanfold(
    ...['run', 'a.jsonl', '--model', 'five', '--key-field', 'key', '--max-items-per-batch', '4', '--workers', '2'],
    ...['--output', output, ...args],
  );
  expect(stderr).toMatch(/^partially succeeded: 30 rows, 1 of them errors/);
  expect(code).toBe(3);
  return readFileSync(workspace.path(output));
}

function textOf(bytes: unknown): string {
  return Buffer.from(bytes as Uint8Array).toString();
}

const keys = Array.from({ length: ROWS }, (_, row) => `k${row}`);
const predictions = Array.from({ length: ROWS }, (_, row) => (row === BAD ? undefined : 5 * row));

describe('fanfold run --output', () => {
  it('FILE.csv writes CSV', async () => {
    const workspace = newWorkspace();
    const rows: Record<string, string>[] = parse(await score(workspace, 'out.csv'), { columns: true });
    expect(rows.map(({ key }) => key)).toEqual(keys);
    expect(rows.map(({ prediction }) => (prediction === '' ? undefined : Number(prediction)))).toEqual(predictions);
    expect(rows.filter(({ error }) => error !== '').map(({ key }) => key)).toEqual([`k${BAD}`]);
    expect(workspace.json('out.csv.manifest.json')).toMatchObject({
      job: { outputConfig: { predictionsFormat: 'csv' } },
      files: [{ name: 'out.csv', rows: ROWS, format: 'csv' }, {}],
      metrics: { 'five@2': { num_inferences: ROWS - 1 } },
    });
  });

  it('FILE.parquet writes Parquet', async () => {
    const bytes = await score(newWorkspace(), 'out.parquet');
    const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
    const found = rows.map(({ key, prediction }: Record<string, unknown>) => [key, prediction ?? undefined]);
    expect(found).toEqual(keys.map((key, row) => [key, predictions[row]]));
    expect(rows[BAD]).toMatchObject({ error: { code: 3, status: 'INVALID_ARGUMENT' } });
  });

  it('FILE.tfrecord writes TFRecords', async () => {
    const bytes = await score(newWorkspace(), 'out.tfrecord');
    const rows: unknown[] = [];
    for (let at = 0; at < bytes.length;) {
      const length = Number(bytes.readBigUInt64LE(at));
      const example = decodeExample(bytes.subarray(at + 12, at + 12 + length));
      rows.push([textOf(example.get('key')?.values[0]), example.get('prediction')?.values[0]]);
      at += 16 + length;
    }
    expect(rows).toEqual(keys.map((key, row) => [key, predictions[row]]));
  });

  it('FILE of another suffix writes JSON lines, unless --predictions-format says otherwise', async () => {
    const workspace = newWorkspace();
    expect((await score(workspace, 'out.txt')).toString()).toMatch(/^{"key":"k0","prediction":0}\n/);
    expect((await score(workspace, 'csv.txt', '--predictions-format', 'csv')).toString()).toMatch(/^key,/);
    const jsonl = await score(workspace, 'lines.csv', '--predictions-format', 'jsonl');
    expect(jsonl.toString()).toMatch(/^{"key":"k0","prediction":0}\n/);
  });

  it.each(['out.jsonl.gz', 'out.csv.zst', 'out.ZLIB'])(
    'refuses a name that promises compression: %s',
    async (output) => {
      const workspace = newWorkspace();
      workspace.write('a.jsonl', INPUT);
      const { code, stderr } = await workspace.fanfold('run', 'a.jsonl', '--model', 'five', '--output', output);
      expect(stderr).toContain(`--output ${output}: results are not compressed: name it without .`);
      expect(code).toBe(2);
    },
  );

  it('refuses a format that there is not', async () => {
    const args = ['run', 'a.jsonl', '--model', 'five', '--output', 'o', '--predictions-format', 'xml'];
    const { code, stderr } = await newWorkspace().fanfold(...args);
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are jsonl, csv, tf-record, parquet');
  });
});
