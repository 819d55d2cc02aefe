import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import type { JobTemplate } from '../../../shared/job-template.ts';
import { bytesOf, npyFile, zipFile } from '../../shared/formats/array-files.ts';
import { expectedLines, jsonLines, KEYED, MemoryPipeline } from '../memory-pipeline.ts';

const ROWS = 57;
const xs = Float32Array.from({ length: ROWS }, (_, row) => row);
const keys = BigInt64Array.from({ length: ROWS }, (_, row) => BigInt(row));
const x = npyFile('<f4', [ROWS], bytesOf(xs));
const key = npyFile('<i8', [ROWS], bytesOf(keys));
const byRow: JobTemplate = { instanceConfig: { rowKeys: true } };
const half = jsonLines(ROWS).indexOf('\n', 300) + 1;

const INPUTS: readonly {
  readonly name: string;
  readonly content: Uint8Array | string;
  readonly template: JobTemplate;
}[] = [
  { name: 'a.jsonl', content: jsonLines(ROWS), template: KEYED },
  { name: 'a.jsonl.gz', content: gzipSync(jsonLines(ROWS)), template: KEYED },
  { name: 'a.jsonl.zlib', content: deflateSync(jsonLines(ROWS)), template: KEYED },
  {
    name: 'a.jsonl.zst',
    content: Buffer.concat([
      zstdCompressSync(jsonLines(ROWS).slice(0, half)),
      zstdCompressSync(jsonLines(ROWS).slice(half)),
    ]),
    template: KEYED,
  },
  { name: 'a.npy', content: x, template: byRow },
  { name: 'big.npy', content: npyFile('>f8', [ROWS], bytesOf(Float64Array.from(xs)).swap64()), template: byRow },
  {
    name: 'stored.npz',
    content: zipFile([
      { name: 'key.npy', content: key },
      { name: 'x.npy', content: x },
    ]),
    template: KEYED,
  },
  {
    name: 'deflated.npz',
    content: zipFile([
      { name: 'key.npy', content: key, deflate: true },
      { name: 'x.npy', content: x, deflate: true },
    ]),
    template: KEYED,
  },
  {
    name: 'a.parquet',
    content: Buffer.from(
      parquetWriteBuffer({
        columnData: [
          { name: 'key', data: keys, type: 'INT64' },
          { name: 'x', data: xs, type: 'FLOAT' },
        ],
        rowGroupSize: 10,
      }),
    ),
    template: KEYED,
  },
];

describe.each(INPUTS)('a job over $name', ({ name, content, template }) => {
  it('has a line for each row, in order, at any size of splits and shards', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 20, max: 300 }),
        async (splitBytes, maxItemsPerBatch, maxInputBytesPerBatch) => {
          const pipeline = new MemoryPipeline({ splitBytes });
          await pipeline.put(name, content);
          const job = await pipeline.submit([name], { ...template, maxItemsPerBatch, maxInputBytesPerBatch });
          await pipeline.settle();
          const ended = await pipeline.job(job.id);
          expect(ended).toMatchObject({ state: 'JOB_STATE_SUCCEEDED', outcome: { rows: ROWS, failed: 0 } });
          expect(await pipeline.lines(ended)).toEqual(expectedLines(ROWS));
          expect(await pipeline.names('scratch')).toEqual([]);
        },
      ),
      { numRuns: 8 },
    );
  });

  it('cuts the same shards when a split is delivered again, and scores none twice', async () => {
    const pipeline = new MemoryPipeline({ splitBytes: 150 });
    await pipeline.put(name, content);
    const job = await pipeline.submit([name], { ...template, maxItemsPerBatch: 7 });
    const splits = pipeline.queue.drain();
    for (const message of [...splits, ...splits]) await pipeline.deliver(message);
    await pipeline.settle('split');
    await pipeline.settle('score');
    for (const message of splits) await pipeline.deliver(message);
    await pipeline.settle();
    expect(new Set(pipeline.scored).size).toBe(pipeline.scored.length);
    expect(await pipeline.lines(await pipeline.job(job.id))).toEqual(expectedLines(ROWS));
  });

  it('makes the rows of a shard that is given up on into error lines with their keys', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put(name, content);
    const job = await pipeline.submit([name], { ...template, maxItemsPerBatch: 7 });
    await pipeline.settle('split');
    const [first, ...others] = pipeline.queue.drain();
    if (first === undefined) throw new Error('no shard');
    await pipeline.bury(first);
    await pipeline.queue.publish(others);
    await pipeline.settle();
    const lines = await pipeline.lines(await pipeline.job(job.id));
    const failed = lines.filter((line) => line.includes('"error"')).length;
    expect(failed).toBe(7);
    expect(lines.map((line) => (JSON.parse(line) as { key: number }).key)).toEqual([...keys.keys()]);
  });
});

it("a row of a table over the limit is its row's error, and the others are scored", async () => {
  const pipeline = new MemoryPipeline();
  const data = ['short', 'long '.repeat(100), 'short'];
  const columnData = [
    { name: 'key', data: [0, 1, 2], type: 'INT32' as const },
    { name: 'x', data: [0, 1, 2], type: 'FLOAT' as const },
    { name: 'note', data, type: 'STRING' as const },
  ];
  await pipeline.put('a.parquet', Buffer.from(parquetWriteBuffer({ columnData })));
  const template = { instanceConfig: { keyField: 'key', excludedFields: ['note'] }, maxRowBytes: 100 };
  const job = await pipeline.submit(['a.parquet'], template);
  await pipeline.settle();
  const lines = await pipeline.lines(await pipeline.job(job.id));
  expect([lines[0], lines[2]]).toEqual(['{"key":0,"prediction":0}', '{"key":2,"prediction":10}']);
  expect(lines[1]).toContain('expected at most 100 (maxRowBytes)');
});

it('a table that breaks in the middle fails its job, and nothing of it was scored', async () => {
  const pipeline = new MemoryPipeline();
  const content = npyFile('<f4', [ROWS], bytesOf(xs));
  await pipeline.put('a.npz', zipFile([{ name: 'x.npy', content, deflate: true, declared: { crc32: 1 } }]));
  const job = await pipeline.submit(['a.npz'], { ...byRow, maxItemsPerBatch: 5 });
  await pipeline.settle();
  expect(await pipeline.job(job.id)).toMatchObject({
    state: 'JOB_STATE_FAILED',
    error: {
      status: 'DATA_LOSS',
      message: expect.stringMatching(/^input input\/a\.npz: npz: .*the checksum \(CRC-32\) is wrong/) as string,
    },
  });
  expect(pipeline.scored).toEqual([]);
});
