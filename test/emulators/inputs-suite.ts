import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { embedded } from './embedded.ts';
import { exampleRecords, npyRows, npzRows, parquetRows } from './input-files.ts';
import { csvLines, INPUT_BUCKET, jsonLines, KEYED, ROOT } from './running.ts';
import type { Running } from './running.ts';

interface Case {
  readonly title: string;
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly template: object;
  /** Rows scored, and rows with an error. */
  readonly rows: readonly [number, number];
  /** Further objects of the input bucket. */
  readonly others?: Readonly<Record<string, Uint8Array>>;
}

const example = (name: string): Buffer => readFileSync(path.join(ROOT, 'examples', name));
const TIMES = example('times-five/instances.csv');
const BY_KEY = { instanceConfig: { keyField: 'key' } };
const PICTURES = readdirSync(path.join(ROOT, 'examples/images/files')).slice(0, 6);

const INPUTS: readonly Case[] = [
  {
    title: 'a NumPy array, in several splits',
    name: 'mlp/array.npy',
    content: npyRows(16_000),
    template: { instanceConfig: { rowKeys: true }, maxItemsPerBatch: 2_000 },
    rows: [16_000, 0],
  },
  {
    title: 'an npz, deflated',
    name: 'mlp/arrays.npz',
    content: npzRows(1_000),
    template: KEYED,
    rows: [1_000, 0],
  },
  {
    title: 'Parquet, a split for each row group',
    name: 'mlp/groups.parquet',
    content: parquetRows(2_500, 1_000),
    template: { instanceConfig: { keyField: 'key', instanceType: 'array' }, maxItemsPerBatch: 400 },
    rows: [2_500, 0],
  },
  {
    title: 'JSON lines, packed by zstd',
    name: 'mlp/lines.ndjson.zst',
    content: zstdCompressSync(jsonLines(1_000, { bad: (row) => row % 100 === 7 })),
    template: KEYED,
    rows: [990, 10],
  },
  {
    title: 'TFRecords into a SavedModel that takes tf.Examples, in chained splits',
    name: 'times-five/records.tfrecord',
    content: exampleRecords(4_000),
    template: { ...BY_KEY, signatureName: 'examples', maxItemsPerBatch: 500 },
    rows: [4_000, 0],
  },
  {
    title: 'TFRecords, packed by gzip',
    name: 'times-five/records.tfrecord.gz',
    content: gzipSync(exampleRecords(300)),
    template: { instanceConfig: { rowKeys: true }, signatureName: 'examples' },
    rows: [300, 0],
  },
  {
    title: 'CSV into a pipeline of registered versions, in sequence',
    name: 'times-fifty/rows.csv',
    content: TIMES,
    template: BY_KEY,
    rows: [100, 0],
  },
  {
    title: 'CSV into a pipeline of registered versions, side by side',
    name: 'times-five-and-ten@1/rows.csv.gz',
    content: gzipSync(TIMES),
    template: BY_KEY,
    rows: [100, 0],
  },
  {
    title: 'a list of pictures beside it and in the bucket, one of them not there, into a serving.json',
    name: 'image-files/list.txt',
    content: [
      ...PICTURES.slice(0, 3).map((name) => `pictures/${name}`),
      'pictures/none.jpg',
      ...PICTURES.slice(3).map((name) => `gs://${INPUT_BUCKET}/image-files/pictures/${name}`),
    ].join('\n'),
    template: {},
    rows: [6, 1],
    others: Object.fromEntries(
      PICTURES.map((name) => [`image-files/pictures/${name}`, example(`images/files/${name}`)]),
    ),
  },
];

const OUTPUTS: readonly Case[] = [
  {
    title: 'CSV, a column for each output',
    name: 'times-five-and-ten/to.csv',
    content: TIMES,
    template: { ...BY_KEY, predictionsFormat: 'csv' },
    rows: [100, 0],
  },
  {
    title: 'TFRecords, from several splits',
    name: 'mlp/to-records.jsonl',
    content: jsonLines(3_000, { bad: (row) => row % 1_000 === 7 }),
    template: { ...KEYED, predictionsFormat: 'tf-record' },
    rows: [2_997, 3],
  },
  {
    title: 'Parquet, with keys',
    name: 'mlp/to-columns.csv',
    content: csvLines(2_000),
    template: { ...BY_KEY, predictionsFormat: 'parquet', maxItemsPerBatch: 300 },
    rows: [2_000, 0],
  },
  {
    title: 'Parquet, with rows as keys, numbered through several splits',
    name: 'mlp/to-numbered.npy',
    content: npyRows(12_000),
    template: { instanceConfig: { rowKeys: true }, predictionsFormat: 'parquet', maxItemsPerBatch: 1_000 },
    rows: [12_000, 0],
  },
];

/**
 * Whatever is dropped becomes what it becomes embedded, byte for byte; the suffix alone says what it is.
 * @param only the names of those to run; default: all.
 */
export function inputsSuite(of: () => Running, only?: readonly string[]): void {
  const chosen = (cases: readonly Case[]): readonly Case[] => cases.filter(({ name }) => only?.includes(name) ?? true);
  const check = async ({ name, content, template, rows, others = {} }: Case): Promise<void> => {
    for (const [other, bytes] of Object.entries(others)) await of().put(INPUT_BUCKET, other, bytes);
    const job = await of().finished(await of().drop(name, content, template));
    const [successfulCount, failedCount] = rows;
    expect(job.completionStats, job.error?.message).toMatchObject({ successfulCount, failedCount });
    const { bytes } = await embedded(name, content, template, others);
    const found = await of().bytes(job);
    expect(found.equals(bytes), `found ${found.toString('latin1', 0, 300)}`).toBe(true);
  };

  describe('a dropped input', () => {
    it.each(chosen(INPUTS))('$title: the bytes of the embedded run', check);
  });
  describe('a broken input', () => {
    const array = npyRows(100);
    const table = parquetRows(100, 100);
    it.each([
      { title: 'an array that is cut short', name: 'mlp/short.npy', content: array.subarray(0, -1), found: /npy: / },
      {
        title: 'Parquet without its end',
        name: 'mlp/short.parquet',
        content: table.subarray(0, -9),
        found: /parquet: /,
      },
      { title: 'no npz at all', name: 'mlp/none.npz', content: jsonLines(3), found: /npz: / },
    ])('$title leaves a failed job that says so', async ({ name, content, found }) => {
      const job = await of().finished(await of().drop(name, content));
      expect(job).toMatchObject({
        state: 'JOB_STATE_FAILED',
        error: { message: expect.stringMatching(found) as string },
      });
      expect(job.error?.message).toContain(name);
    });
  });
  describe('predictions as', () => {
    it.each(chosen(OUTPUTS))('$title: the bytes of the embedded run', check);
  });
}
