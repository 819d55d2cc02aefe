import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import type { ScoreTask } from '../../shared/messages.ts';
import { transition } from '../../shared/job.ts';
import { csvLines, expectedLines, failFirst, jsonLines, KEYED, MemoryPipeline } from './memory-pipeline.ts';

function scoreTasks(pipeline: MemoryPipeline): ScoreTask[] {
  return pipeline.queue.messages.filter((message) => message.kind === 'score');
}

/** The lines that the tasks name, split by split and shard by shard. */
async function linesOf(pipeline: MemoryPipeline, tasks: readonly ScoreTask[]): Promise<string> {
  const inOrder = tasks.toSorted((a, b) => a.split - b.split || a.shard - b.shard);
  const texts = inOrder.map(async ({ object, start, end }) => {
    const text = Buffer.from(await pipeline.text(object.bucket, object.name));
    return text.toString('utf8', start, end);
  });
  return (await Promise.all(texts)).join('');
}

describe('split', () => {
  it('cuts every split of a JSON lines file on its own, in any order', async () => {
    const pipeline = new MemoryPipeline({ splitBytes: 100 });
    await pipeline.put('a.jsonl', jsonLines(40));
    const job = await pipeline.submit(['a.jsonl'], { ...KEYED, maxItemsPerBatch: 3 });
    for (const message of pipeline.queue.drain().reverse()) await pipeline.deliver(message);
    const tasks = scoreTasks(pipeline);
    expect(await linesOf(pipeline, tasks)).toBe(jsonLines(40));
    expect(tasks.every(({ rows }) => rows >= 1 && rows <= 3)).toBe(true);
    expect(await pipeline.ledger.countSplits(job.id)).toBe(job.plan.splits);
    expect(await pipeline.ledger.progress(job.id)).toMatchObject({ plannedRows: 40, plannedShards: tasks.length });
  });

  it('caps shards by bytes', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', jsonLines(40));
    await pipeline.submit(['a.jsonl'], { maxInputBytesPerBatch: 50 });
    await pipeline.settle('split');
    const tasks = scoreTasks(pipeline);
    expect(tasks.length).toBeGreaterThan(10);
    expect(tasks.every(({ start, end }) => end - start <= 50)).toBe(true);
  });

  it('of a CSV file is published alone first, and tells the next where it begins', async () => {
    const pipeline = new MemoryPipeline({ splitBytes: 40 });
    const csv = 'key,x,note\n' + Array.from({ length: 12 }, (_, row) => `${row},${row},"two\nlines ${row}"\n`).join('');
    await pipeline.put('a.csv', csv);
    const job = await pipeline.submit(['a.csv'], KEYED);
    expect(pipeline.queue.messages).toEqual([{ kind: 'split', job: job.id, split: 0 }]);
    for (let split = 0; split < job.plan.splits; split++) {
      const [task] = pipeline.queue.messages.filter((message) => message.kind === 'split');
      expect(task).toMatchObject({ split });
      pipeline.queue.messages.splice(pipeline.queue.messages.indexOf(task as never), 1);
      await pipeline.deliver(task as never);
      const record = await pipeline.ledger.getSplit(job.id, split);
      if (split > 0) expect(task).toMatchObject({ start: record?.start });
    }
    expect(pipeline.waiting()).not.toHaveProperty('split');
    expect(await linesOf(pipeline, scoreTasks(pipeline))).toBe(csv.slice('key,x,note\n'.length));
  });

  it('of a second CSV file is independent of the first file', async () => {
    const pipeline = new MemoryPipeline({ splitBytes: 20 });
    await pipeline.put('a.csv', csvLines(9));
    await pipeline.put('b.csv', csvLines(9));
    const job = await pipeline.submit(['a.csv', 'b.csv'], KEYED);
    expect(pipeline.queue.messages).toEqual([
      { kind: 'split', job: job.id, split: 0 },
      { kind: 'split', job: job.id, split: job.plan.splits / 2 },
    ]);
    await pipeline.settle();
    expect(await pipeline.lines(await pipeline.job(job.id))).toEqual([...expectedLines(9), ...expectedLines(9)]);
  });

  it('of a gzip file stages each shard as an object of its own', async () => {
    const pipeline = new MemoryPipeline();
    const compressed = gzipSync(jsonLines(30));
    await pipeline.put('a.jsonl.gz', compressed);
    const job = await pipeline.submit(['a.jsonl.gz'], { ...KEYED, maxItemsPerBatch: 7 });
    await pipeline.settle('split');
    const tasks = scoreTasks(pipeline);
    expect(tasks.map(({ object, start, rows }) => [object.name, start, rows])).toEqual([
      [`_fanfold/${job.id}/staged/00000-00000`, 0, 7],
      [`_fanfold/${job.id}/staged/00000-00001`, 0, 7],
      [`_fanfold/${job.id}/staged/00000-00002`, 0, 7],
      [`_fanfold/${job.id}/staged/00000-00003`, 0, 7],
      [`_fanfold/${job.id}/staged/00000-00004`, 0, 2],
    ]);
    expect(await linesOf(pipeline, tasks)).toBe(gunzipSync(compressed).toString());
    await pipeline.settle();
    expect(await pipeline.lines(await pipeline.job(job.id))).toEqual(expectedLines(30));
    expect(await pipeline.names('scratch')).toEqual([]);
  });

  it('reads several gzip members as one file', async () => {
    const pipeline = new MemoryPipeline();
    const text = jsonLines(10);
    await pipeline.put('a.jsonl.gz', Buffer.concat([gzipSync(text.slice(0, 33)), gzipSync(text.slice(33))]));
    const job = await pipeline.submit(['a.jsonl.gz'], KEYED);
    await pipeline.settle();
    expect(await pipeline.lines(await pipeline.job(job.id))).toEqual(expectedLines(10));
  });

  it('delivered again, publishes only the shards that have no result', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', jsonLines(10));
    await pipeline.submit(['a.jsonl'], { ...KEYED, maxItemsPerBatch: 2 });
    const [task] = pipeline.queue.drain();
    if (task === undefined) throw new Error('no task');
    await pipeline.deliver(task);
    const tasks = scoreTasks(pipeline);
    pipeline.queue.drain();
    for (const scored of tasks.filter(({ shard }) => shard !== 1 && shard !== 3)) await pipeline.deliver(scored);
    await pipeline.deliver(task);
    expect(pipeline.queue.messages).toEqual(tasks.filter(({ shard }) => shard === 1 || shard === 3));
  });

  it('delivered again when all its results are there, cuts nothing and announces its assembly', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', jsonLines(10));
    const job = await pipeline.submit(['a.jsonl'], KEYED);
    await pipeline.settle('split', 'score');
    pipeline.queue.drain();
    await pipeline.objects.delete('input', 'a.jsonl');
    await pipeline.deliver({ kind: 'split', job: job.id, split: 0 });
    expect(pipeline.queue.messages).toEqual([{ kind: 'assemble', job: job.id, split: 0 }]);
  });

  it('whose shards were all scored before it recorded them, announces its assembly itself', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', jsonLines(4));
    const job = await pipeline.submit(['a.jsonl'], KEYED);
    const [task] = pipeline.queue.drain();
    if (task === undefined) throw new Error('no task');
    const broken = { ...pipeline.ports, ledger: failFirst(pipeline.ledger, 'putSplit') };
    await expect(pipeline.deliver(task, broken)).rejects.toThrow('putSplit failed');
    await pipeline.settle('score');
    expect(pipeline.queue.messages).toEqual([]);
    await pipeline.deliver(task);
    expect(pipeline.queue.messages).toEqual([{ kind: 'assemble', job: job.id, split: 0 }]);
  });

  it('of a file without a row in it, announces its assembly', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', '\n\n  \r\n');
    const job = await pipeline.submit(['a.jsonl']);
    await pipeline.settle('split');
    expect(pipeline.queue.messages).toEqual([{ kind: 'assemble', job: job.id, split: 0 }]);
    await pipeline.settle();
    expect(await pipeline.job(job.id)).toMatchObject({ state: 'JOB_STATE_SUCCEEDED', outcome: { rows: 0 } });
  });

  it('of a gzip file that is broken at its end publishes nothing of it and fails the job', async () => {
    const pipeline = new MemoryPipeline();
    const text = jsonLines(30_000, (row) => Math.sin(row)); // more than the first look decompresses
    const compressed = gzipSync(text);
    compressed.writeUInt32LE(0, compressed.length - 8); // the checksum
    await pipeline.put('a.jsonl.gz', compressed);
    const job = await pipeline.submit(['a.jsonl.gz'], KEYED);
    await pipeline.settle();
    expect(pipeline.scored).toEqual([]);
    expect(await pipeline.job(job.id)).toMatchObject({
      state: 'JOB_STATE_FAILED',
      error: {
        status: 'DATA_LOSS',
        message: expect.stringMatching(/^input input\/a\.jsonl\.gz: the gzip data is broken: /) as unknown,
      },
    });
    expect(await pipeline.names('scratch')).toEqual([]);
    expect(await pipeline.names('output')).toEqual([]);
  });

  it.each(['a.jsonl', 'a.jsonl.gz'])(
    'in %s, makes a row over the limit a shard of its own that nobody fetches',
    async (name) => {
      const pipeline = new MemoryPipeline();
      const long = `{"key":"k","x":1,"note":"${'n'.repeat(200)}"}\n`;
      const text = `{"key":0,"x":0}\n${long}{"key":1,"x":1}\n`;
      await pipeline.put(name, name.endsWith('gz') ? gzipSync(text) : text);
      const job = await pipeline.submit([name], { ...KEYED, maxRowBytes: 100 });
      await pipeline.settle('split');
      expect(scoreTasks(pipeline)).toMatchObject([
        { oversize: false, rows: 1 },
        { oversize: true, rows: 1, object: { name } },
        { oversize: false, rows: 1 },
      ]);
      await pipeline.settle();
      expect(await pipeline.lines(await pipeline.job(job.id))).toEqual([
        '{"key":0,"prediction":0}',
        `{"key":null,"error":{"code":3,"status":"INVALID_ARGUMENT","message":"instance: found ${long.length} bytes, expected at most 100 (maxRowBytes)"}}`,
        '{"key":1,"prediction":5}',
      ]);
    },
  );

  it('of an input that was overwritten since fails the job', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', jsonLines(4));
    const job = await pipeline.submit(['a.jsonl']);
    await pipeline.put('a.jsonl', jsonLines(4));
    await pipeline.settle();
    expect(await pipeline.job(job.id)).toMatchObject({
      state: 'JOB_STATE_FAILED',
      error: { status: 'NOT_FOUND', message: expect.stringMatching(/changed since the job was created/) as unknown },
    });
  });

  it('of a job that has ended, or that is gone, is dropped', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', jsonLines(4));
    const job = await pipeline.submit(['a.jsonl']);
    await pipeline.ledger.updateJob(job.id, (current) => transition(current, 'JOB_STATE_FAILED', 0));
    await pipeline.settle();
    await pipeline.deliver({ kind: 'split', job: 'gone', split: 0 });
    expect(pipeline.scored).toEqual([]);
    expect(pipeline.queue.messages).toEqual([]);
  });
});
