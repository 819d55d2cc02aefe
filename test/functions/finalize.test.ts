import { describe, expect, it } from 'vitest';

import { COMPOSE_FAN_IN } from '../../shared/config.ts';
import { errorInfo } from '../../shared/errors.ts';
import type { Job } from '../../shared/job.ts';
import type { JobTemplate } from '../../shared/job-template.ts';
import type { ObjectStore } from '../../shared/ports.ts';
import { timesFive } from './fake-model.ts';
import { csvLines, expectedLines, failFirst, jsonLines, KEYED, MemoryPipeline } from './memory-pipeline.ts';

const ROW_KEYS: JobTemplate = { instanceConfig: { rowKeys: true, excludedFields: ['key'] } };

/** A job whose shards are scored, in splits of about `rowsPerSplit` rows. */
async function scoredJob(rows: number, splits: number, template: JobTemplate = KEYED): Promise<[MemoryPipeline, Job]> {
  const text = jsonLines(rows);
  const pipeline = new MemoryPipeline({
    splitBytes: Math.ceil(text.length / splits),
    model: timesFive((x) => x === 13),
  });
  await pipeline.put('a.jsonl', text);
  const job = await pipeline.submit(['a.jsonl'], { maxItemsPerBatch: 2, ...template });
  expect(job.plan.splits).toBe(splits);
  await pipeline.settle('split', 'score');
  return [pipeline, job];
}

interface Manifest {
  readonly job: Readonly<Record<string, unknown>>;
  readonly model: Readonly<Record<string, unknown>>;
  readonly files: readonly { name: string; size: number; rows?: number; crc32c: string }[];
  readonly counts: { rows: number; successful: number; failed: number };
}

async function manifestOf(pipeline: MemoryPipeline, job: Job): Promise<Manifest> {
  return JSON.parse(await pipeline.text('output', job.plan.output.manifest)) as Manifest;
}

describe('assemble', () => {
  it('joins the results of a split in the order of its shards, whenever they were written', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', jsonLines(10));
    const job = await pipeline.submit(['a.jsonl'], { ...KEYED, maxItemsPerBatch: 3 });
    await pipeline.settle('split');
    for (const task of pipeline.queue.drain().reverse()) await pipeline.deliver(task);
    await pipeline.settle('assemble');
    const part = await pipeline.ledger.getPart(job.id, 0);
    expect(part).toMatchObject({ rows: 10, failed: 0, runtimes: ['fake 1.0'], errors: [] });
    expect(part?.shards.map(({ rows }) => rows)).toEqual([3, 3, 3, 1]);
    expect(part?.shards.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(part?.object.size);
    const { bucket = '', name = '' } = part?.object ?? {};
    expect((await pipeline.text(bucket, name)).trimEnd().split('\n')).toEqual(expectedLines(10));
    expect(pipeline.queue.messages).toEqual([{ kind: 'commit', job: job.id }]);
  });

  it('announced too early, leaves the split to whoever completes it', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', jsonLines(4));
    const job = await pipeline.submit(['a.jsonl'], { ...KEYED, maxItemsPerBatch: 2 });
    await pipeline.settle('split');
    const assemble = { kind: 'assemble', job: job.id, split: 0 } as const;
    await pipeline.deliver(assemble);
    expect(await pipeline.ledger.getPart(job.id, 0)).toBeUndefined();
    expect(await pipeline.names('output')).toEqual([]);
    await pipeline.settle('score');
    expect(pipeline.queue.messages).toEqual([assemble]);
  });

  it('numbers rows through all splits where the row is the key', async () => {
    const [pipeline, job] = await scoredJob(20, 4, ROW_KEYS);
    await pipeline.settle();
    const keys = (await pipeline.lines(job)).map((line) => (JSON.parse(line) as { key: number }).key);
    expect(keys).toEqual(Array.from({ length: 20 }, (_, row) => row));
  });

  it('with row numbers, waits until every split before it is counted', async () => {
    const text = jsonLines(20);
    const pipeline = new MemoryPipeline({ splitBytes: Math.ceil(text.length / 3) });
    await pipeline.put('a.jsonl', text);
    const job = await pipeline.submit(['a.jsonl'], ROW_KEYS);
    const [first, ...others] = pipeline.queue.drain();
    if (first === undefined) throw new Error('no split');
    for (const task of others) await pipeline.deliver(task);
    await pipeline.settle('score');
    expect(pipeline.waiting()).toEqual({});
    await pipeline.deliver(first);
    expect(pipeline.waiting()).toEqual({ assemble: 2, score: 1 });
    await pipeline.settle();
    expect((await pipeline.lines(await pipeline.job(job.id))).at(-1)).toBe('{"key":19,"prediction":95}');
  });

  it('uses the part that an attempt wrote before it crashed', async () => {
    const [pipeline, job] = await scoredJob(20, 2);
    const [task] = pipeline.queue.drain();
    if (task === undefined) throw new Error('no assembly');
    const broken = { ...pipeline.ports, ledger: failFirst(pipeline.ledger, 'createPart') };
    await expect(pipeline.deliver(task, broken)).rejects.toThrow('createPart failed');
    const name = `_fanfold/${job.id}/parts/00000`;
    const written = await pipeline.objects.stat('scratch', name);
    expect(written).toBeDefined();
    await pipeline.deliver(task);
    const part = await pipeline.ledger.getPart(job.id, 0);
    expect(part?.object).toMatchObject({ name, generation: written?.generation });
    expect(part?.shards.reduce((sum, { rows }) => sum + rows, 0)).toBe(part?.rows);
  });

  it('fails the job where another object is in its place, and leaves that one alone', async () => {
    const [pipeline, job] = await scoredJob(4, 1);
    await pipeline.objects.create('output', job.plan.output.results, Buffer.from('somebody else\n'));
    await pipeline.settle();
    expect(await pipeline.job(job.id)).toMatchObject({
      state: 'JOB_STATE_FAILED',
      error: { status: 'ALREADY_EXISTS' },
    });
    expect(await pipeline.text('output', job.plan.output.results)).toBe('somebody else\n');
    expect(await pipeline.names('output')).toEqual([job.plan.output.results]);
  });

  it('fails the job where the results hold other rows than were cut', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', jsonLines(4));
    const job = await pipeline.submit(['a.jsonl'], KEYED);
    const lines = { kind: 'inline', bytes: Buffer.from('{}\n') } as const;
    await pipeline.ledger.createResult(job.id, { split: 0, shard: 0, rows: 1, failed: 0, errors: [], lines });
    await pipeline.settle();
    expect((await pipeline.job(job.id)).error).toMatchObject({
      status: 'DATA_LOSS',
      message: expect.stringMatching(/^1 output rows of 4 input rows \[job=j/) as unknown,
    });
    expect(await pipeline.names('output')).not.toContain(job.plan.output.manifest);
  });
});

describe('commit', () => {
  it.each([1, 2, COMPOSE_FAN_IN, COMPOSE_FAN_IN + 1, 70])('joins %i parts into one file, in order', async (splits) => {
    const [pipeline, job] = await scoredJob(4 * splits, splits, {
      instanceConfig: { keyField: 'key' },
      toleratedFailureCount: 1,
    });
    await pipeline.settle('assemble');
    await pipeline.settle();
    const ended = await pipeline.job(job.id);
    const lines = await pipeline.lines(ended);
    expect(lines.map((line) => (JSON.parse(line) as { key: number }).key)).toEqual(
      Array.from({ length: 4 * splits }, (_, row) => row),
    );
    expect(ended.outcome?.rows).toBe(4 * splits);
    expect(await pipeline.names('scratch')).toEqual([]);
    expect(await pipeline.names('output')).toHaveLength(3);
  });

  it('joins more parts than two levels of the tree hold', async () => {
    const rows = COMPOSE_FAN_IN * COMPOSE_FAN_IN + 1;
    const line = '{"key":1,"x":1}\n';
    const pipeline = new MemoryPipeline({ splitBytes: line.length });
    await pipeline.put('a.jsonl', line.repeat(rows));
    const job = await pipeline.submit(['a.jsonl'], KEYED);
    await pipeline.settle();
    expect((await pipeline.ledger.countParts(job.id)) > COMPOSE_FAN_IN ** 2).toBe(true);
    expect(await pipeline.lines(job)).toHaveLength(rows);
  });

  it('of a job without a row writes an empty result and succeeds', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.csv', csvLines(0));
    const job = await pipeline.submit(['a.csv'], KEYED);
    await pipeline.settle();
    const ended = await pipeline.job(job.id);
    expect(ended).toMatchObject({ state: 'JOB_STATE_SUCCEEDED', outcome: { rows: 0, failed: 0, runtimes: [] } });
    expect(await pipeline.text('output', job.plan.output.results)).toBe('');
    expect((await manifestOf(pipeline, ended)).counts).toEqual({ rows: 0, successful: 0, failed: 0 });
  });

  it('writes errors summary and manifest, which list what is there', async () => {
    const [pipeline, job] = await scoredJob(20, 3);
    await pipeline.settle();
    const ended = await pipeline.job(job.id);
    expect(ended.state).toBe('JOB_STATE_PARTIALLY_SUCCEEDED');
    const summary = await pipeline.text('output', job.plan.output.errors);
    const message = 'the model (signature serving_default) cannot score this instance: 13 is bad luck';
    expect(summary).toBe(
      `${JSON.stringify({ error: errorInfo('INVALID_ARGUMENT', message), count: 1, firstRows: [13] })}\n`,
    );
    const results = await pipeline.objects.stat('output', job.plan.output.results);
    const manifest = await manifestOf(pipeline, ended);
    expect(manifest).toMatchObject({
      job: {
        name: job.id,
        state: 'JOB_STATE_PARTIALLY_SUCCEEDED',
        completionStats: { successfulCount: 19, failedCount: 1, incompleteCount: 0 },
      },
      model: { model: 'm', version: '1', runtimes: ['fake 1.0'] },
      files: [
        {
          name: 'prediction.results-00000-of-00001',
          size: results?.size,
          rows: 20,
          crc32c: ended.outcome?.results.crc32c,
        },
        { name: 'prediction.errors_stats-00000-of-00001', size: Buffer.byteLength(summary) },
      ],
      counts: { rows: 20, successful: 19, failed: 1 },
    });
  });

  it('writes the manifest last: who sees it sees everything', async () => {
    const [pipeline, job] = await scoredJob(20, 3);
    await pipeline.settle('assemble');
    const written: string[] = [];
    const note = (name: string): void => {
      written.push(name.slice(name.lastIndexOf('/') + 1));
    };
    const objects: ObjectStore = {
      stat: (...args) => pipeline.objects.stat(...args),
      read: (...args) => pipeline.objects.read(...args),
      list: (...args) => pipeline.objects.list(...args),
      delete: (...args) => pipeline.objects.delete(...args),
      create: async (bucket, name, content) => {
        const created = await pipeline.objects.create(bucket, name, content);
        note(name);
        return created;
      },
      compose: async (bucket, sources, name) => {
        const created = await pipeline.objects.compose(bucket, sources, name);
        note(name);
        return created;
      },
    };
    await pipeline.deliver({ kind: 'commit', job: job.id }, { ...pipeline.ports, objects });
    expect(written).toEqual([
      'prediction.results-00000-of-00001',
      'prediction.errors_stats-00000-of-00001',
      'manifest.json',
    ]);
  });

  it('announced too early, writes nothing', async () => {
    const [pipeline, job] = await scoredJob(20, 3);
    await pipeline.deliver({ kind: 'commit', job: job.id });
    expect(await pipeline.names('output')).toEqual([]);
    expect((await pipeline.job(job.id)).state).toBe('JOB_STATE_RUNNING');
  });

  it('delivered again after a crash at any call, ends in the same output', async () => {
    for (const method of ['create', 'compose'] as const) {
      for (let times = 1; times <= 3; times++) {
        const [pipeline, job] = await scoredJob(20, 3);
        await pipeline.settle('assemble');
        const broken = { ...pipeline.ports, objects: failFirst(pipeline.objects, method, times) };
        for (let attempt = 0; attempt < times; attempt++) {
          await expect(pipeline.deliver({ kind: 'commit', job: job.id }, broken)).rejects.toThrow('failed');
          expect(await pipeline.names('output')).not.toContain(job.plan.output.manifest);
        }
        await pipeline.deliver({ kind: 'commit', job: job.id }, broken);
        expect(await pipeline.lines(await pipeline.job(job.id))).toHaveLength(20);
      }
    }
  });

  it('ends a job whose creator has not yet set it running', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', jsonLines(2));
    const job = await pipeline.submit(['a.jsonl'], KEYED);
    const { startTime, ...queued } = job;
    expect(startTime).toBeDefined();
    await pipeline.ledger.updateJob(job.id, () => ({ ...queued, state: 'JOB_STATE_QUEUED' }));
    await pipeline.settle();
    expect(await pipeline.job(job.id)).toMatchObject({ state: 'JOB_STATE_SUCCEEDED', startTime });
  });

  it.each([
    { name: 'no failed row', bad: [], template: {}, state: 'JOB_STATE_SUCCEEDED', message: undefined },
    { name: 'some failed rows', bad: [3, 4], template: {}, state: 'JOB_STATE_PARTIALLY_SUCCEEDED', message: undefined },
    {
      name: 'nothing but failed rows',
      bad: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      template: {},
      state: 'JOB_STATE_FAILED',
      message: 'all 10 rows failed',
    },
    {
      name: 'as many failed rows as tolerated',
      bad: [3, 4],
      template: { toleratedFailurePercentage: 20, toleratedFailureCount: 2 },
      state: 'JOB_STATE_PARTIALLY_SUCCEEDED',
      message: undefined,
    },
    {
      name: 'a larger share than tolerated',
      bad: [3, 4],
      template: { toleratedFailurePercentage: 19.9 },
      state: 'JOB_STATE_FAILED',
      message: '2 of 10 rows failed: more than the tolerated 19.9 %',
    },
    {
      name: 'more failed rows than tolerated',
      bad: [3, 4],
      template: { toleratedFailureCount: 1 },
      state: 'JOB_STATE_FAILED',
      message: '2 of 10 rows failed: more than the tolerated count of 1',
    },
  ])('of a job with $name makes it $state, with all its output', async ({ bad, template, state, message }) => {
    const pipeline = new MemoryPipeline({ model: timesFive((x) => bad.includes(x)) });
    await pipeline.put('a.jsonl', jsonLines(10));
    const job = await pipeline.submit(['a.jsonl'], { ...KEYED, ...template });
    await pipeline.settle();
    const ended = await pipeline.job(job.id);
    expect(ended.state).toBe(state);
    expect(ended.error?.message).toBe(message);
    expect(await pipeline.lines(ended)).toHaveLength(10);
    expect((await manifestOf(pipeline, ended)).job['state']).toBe(state);
  });
});
