import { describe, expect, it } from 'vitest';

import { upload } from '../../functions/upload/upload.ts';
import type { Job } from '../../shared/job.ts';
import { jobIdOf } from '../../shared/names.ts';
import type { ObjectStat } from '../../shared/ports.ts';
import { expectedLines, failFirst, jsonLines, MemoryPipeline } from './memory-pipeline.ts';

const TARGET = { outputBucket: 'output', scratchBucket: 'scratch' };
const MODELS = { 'm/1/model.onnx': 'one', 'm/2/model.onnx': 'two' };

async function drop(pipeline: MemoryPipeline, name: string, content = jsonLines(3)): Promise<Job | undefined> {
  return raise(pipeline, await pipeline.put(name, content));
}

function raise(pipeline: MemoryPipeline, object: ObjectStat): Promise<Job | undefined> {
  return upload(pipeline.ports, object, TARGET);
}

describe('an uploaded object', () => {
  it.each(['a.jsonl', 'm/readme.md', 'm/fanfold.json', 'm/jsonl', 'm/a.jsonl.tmp', '/a.jsonl'])(
    '%s is no input: it is ignored',
    async (name) => {
      const pipeline = new MemoryPipeline();
      const object = { bucket: 'input', name, generation: '1', size: 9 };
      expect(await raise(pipeline, object)).toBeUndefined();
      expect(pipeline.logger.entries).toMatchObject([{ severity: 'INFO', fields: { object: name } }]);
      expect((await pipeline.ledger.listJobs({ pageSize: 1 })).jobs).toEqual([]);
    },
  );

  it('that is empty is ignored', async () => {
    const pipeline = new MemoryPipeline();
    expect(await drop(pipeline, 'm/a.jsonl', '')).toBeUndefined();
  });

  it('becomes a job, whose output is under its own path', async () => {
    const pipeline = new MemoryPipeline({ models: MODELS });
    await pipeline.put('m/fanfold.json', '{"instanceConfig": {"keyField": "key"}, "labels": {"team": "digits"}}');
    const job = await drop(pipeline, 'm/deep/er/a.jsonl');
    expect(job).toMatchObject({
      state: 'JOB_STATE_RUNNING',
      spec: { labels: { team: 'digits' } },
      plan: { model: { model: 'm', version: '2' } },
    });
    await pipeline.settle();
    const folder = 'm/deep/er/a.jsonl/prediction-m-2026-01-01T00:00:00.000Z';
    expect(await pipeline.names('output')).toEqual([
      `${folder}/manifest.json`,
      `${folder}/prediction.errors_stats-00000-of-00001`,
      `${folder}/prediction.results-00000-of-00001`,
    ]);
    expect(await pipeline.text('output', `${folder}/prediction.results-00000-of-00001`)).toBe(
      expectedLines(3)
        .map((line) => `${line}\n`)
        .join(''),
    );
  });

  it('in a folder with a version is scored by that version; a template of that folder wins over the one of the model', async () => {
    const pipeline = new MemoryPipeline({ models: MODELS });
    await pipeline.put('m/fanfold.json', '{"displayName": "any"}');
    expect(await drop(pipeline, 'm@1/a.jsonl')).toMatchObject({
      spec: { displayName: 'any' },
      plan: { model: { version: '1' } },
    });
    await pipeline.put('m@1/fanfold.json', '{"displayName": "one"}');
    expect(await drop(pipeline, 'm@1/b.jsonl')).toMatchObject({ spec: { displayName: 'one' } });
  });

  it('reported twice makes one job, before and after that has ended', async () => {
    const pipeline = new MemoryPipeline();
    const object = await pipeline.put('m/a.jsonl', '{"x":1}\n');
    const first = await raise(pipeline, object);
    expect(first?.id).toBe(jobIdOf('input', 'm/a.jsonl', object.generation));
    expect((await raise(pipeline, object))?.id).toBe(first?.id);
    expect(pipeline.waiting()).toEqual({ split: 1 });
    await pipeline.settle();
    expect((await raise(pipeline, object))?.state).toBe('JOB_STATE_SUCCEEDED');
    expect(pipeline.queue.messages).toEqual([]);
    expect((await pipeline.ledger.listJobs({ pageSize: 9 })).jobs).toHaveLength(1);
  });

  it('that was overwritten since makes no job; the new generation makes its own', async () => {
    const pipeline = new MemoryPipeline();
    const old = await pipeline.put('m/a.jsonl', jsonLines(3));
    const live = await pipeline.put('m/a.jsonl', jsonLines(4));
    expect(await raise(pipeline, old)).toBeUndefined();
    const job = await raise(pipeline, live);
    expect(job?.id).toBe(jobIdOf('input', 'm/a.jsonl', live.generation));
    expect((await pipeline.ledger.listJobs({ pageSize: 9 })).jobs).toHaveLength(1);
  });

  it('that was deleted since makes no job', async () => {
    const pipeline = new MemoryPipeline();
    const object = await pipeline.put('m/a.jsonl', jsonLines(3));
    await pipeline.objects.delete('input', 'm/a.jsonl');
    expect(await raise(pipeline, object)).toBeUndefined();
  });
});

describe('an upload that cannot become a job leaves a FAILED one that says why', () => {
  it.each([
    { name: 'a template that is no JSON', template: '{"displayName":', message: /^m\/fanfold\.json: not JSON: / },
    {
      name: 'an unknown field of the template',
      template: '{"keyField": "id"}',
      message: /m\/fanfold\.json: .*keyField/s,
    },
    {
      name: 'a wrong value in the template',
      template: '{"maxItemsPerBatch": 0}',
      message: /m\/fanfold\.json: .*maxItemsPerBatch/s,
    },
    {
      name: 'fields of the template that exclude each other',
      template: '{"instanceConfig": {"keyField": "id", "rowKeys": true}}',
      message: /keyField and rowKeys exclude each other/,
    },
    { name: 'a template over the limit', template: `"${'x'.repeat(262_144)}"`, message: /larger than 262144 bytes/ },
  ])('$name', async ({ template, message }) => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('m/fanfold.json', template);
    const job = await drop(pipeline, 'm/a.jsonl');
    expect(job?.state).toBe('JOB_STATE_FAILED');
    expect(job?.error).toMatchObject({
      status: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message) as unknown,
    });
    expect(await pipeline.job(job?.id ?? '')).toEqual(job);
    expect(pipeline.queue.messages).toEqual([]);
  });

  it.each([
    { name: 'nobody/a.jsonl', content: jsonLines(1), status: 'NOT_FOUND', message: /no model nobody: there are m/ },
    { name: 'm@9/a.jsonl', content: jsonLines(1), status: 'NOT_FOUND', message: /no version 9/ },
    { name: 'm m/a.jsonl', content: jsonLines(1), status: 'INVALID_ARGUMENT', message: /no model reference/ },
    { name: 'm/a.jsonl.gz', content: 'no gzip', status: 'INVALID_ARGUMENT', message: /holds no gzip data/ },
    { name: 'm/a.csv', content: 'x,,y\n1,2,3\n', status: 'INVALID_ARGUMENT', message: /no name for column 2/ },
  ])('$name', async ({ name, content, status, message }) => {
    const pipeline = new MemoryPipeline();
    const job = await drop(pipeline, name, content);
    expect(job).toMatchObject({
      state: 'JOB_STATE_FAILED',
      endTime: '2026-01-01T00:00:00.000Z',
      error: { status, message: expect.stringMatching(message) as unknown },
    });
  });

  it('more splits than a job may have', async () => {
    const pipeline = new MemoryPipeline();
    const object = await pipeline.put('m/a.jsonl', 'x'.repeat(100_001));
    const job = await upload(pipeline.ports, object, { ...TARGET, splitBytes: 1 });
    expect(job).toMatchObject({ state: 'JOB_STATE_FAILED', error: { status: 'RESOURCE_EXHAUSTED' } });
  });

  it('and a second event of it finds that job there', async () => {
    const pipeline = new MemoryPipeline();
    const object = await pipeline.put('nobody/a.jsonl', jsonLines(1));
    const first = await raise(pipeline, object);
    expect(await raise(pipeline, object)).toEqual(first);
  });
});

it('a failing port is no verdict on the upload: the event comes again', async () => {
  const pipeline = new MemoryPipeline();
  const object = await pipeline.put('m/a.jsonl', jsonLines(1));
  const broken = { ...pipeline.ports, ledger: failFirst(pipeline.ledger, 'createJob') };
  await expect(upload(broken, object, TARGET)).rejects.toThrow('createJob failed');
  expect((await pipeline.ledger.listJobs({ pageSize: 1 })).jobs).toEqual([]);
  expect((await upload(broken, object, TARGET))?.state).toBe('JOB_STATE_RUNNING');
});
