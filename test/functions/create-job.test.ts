import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { createJob } from '../../functions/upload/create-job.ts';
import type { JobRequest } from '../../functions/upload/create-job.ts';
import { PermanentError } from '../../shared/errors.ts';
import type { Status } from '../../shared/errors.ts';
import { transition } from '../../shared/job.ts';
import { expectPermanent } from '../contract/builders.ts';
import { failFirst, jsonLines, KEYED, MemoryPipeline } from './memory-pipeline.ts';

const MODELS = {
  'm/1/model.onnx': 'one',
  'm/2/model.onnx': 'two',
  'm/config.json': '{"labels": {"canary": "2"}}',
  'odd/1/model.onnx': 'bytes',
  'odd/1/serving.json': '{"batch": 3}',
};

interface Refusal {
  readonly name: string;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly inputs?: readonly string[];
  readonly request?: Partial<JobRequest>;
  readonly status: Status;
  readonly message: RegExp;
}

const line = '{"x":1}\n';

const REFUSALS: readonly Refusal[] = [
  {
    name: 'a missing input',
    inputs: ['gone.jsonl'],
    status: 'NOT_FOUND',
    message: /input input\/gone\.jsonl: no such file/,
  },
  { name: 'no input at all', inputs: [], status: 'INVALID_ARGUMENT', message: /no input file/ },
  {
    name: 'a name without a known suffix',
    files: { 'a.json': line },
    status: 'INVALID_ARGUMENT',
    message: /a\.json: the format cannot be told from its name/,
  },
  {
    name: 'inputs of several formats',
    files: { 'a.jsonl': line, 'b.csv': 'x\n1\n' },
    status: 'INVALID_ARGUMENT',
    message: /several formats \(jsonl, csv\)/,
  },
  {
    name: 'a file named .gz that holds no gzip data',
    files: { 'a.jsonl.gz': line },
    status: 'INVALID_ARGUMENT',
    message: /a\.jsonl\.gz: named \.gz, but it holds no gzip data/,
  },
  {
    name: 'gzip data that is broken at its start',
    files: { 'a.jsonl.gz': Buffer.concat([gzipSync(line).subarray(0, 10), Buffer.alloc(40, 0xff)]) },
    status: 'INVALID_ARGUMENT',
    message: /a\.jsonl\.gz: /,
  },
  {
    name: 'gzip data that is cut off',
    files: { 'a.jsonl.gz': gzipSync(line).subarray(0, -6) },
    status: 'INVALID_ARGUMENT',
    message: /a\.jsonl\.gz: unexpected end of file/,
  },
  {
    name: 'a CSV file without the key column',
    files: { 'a.csv': 'id,x\n1,2\n' },
    request: { template: { instanceConfig: { keyField: 'key' } } },
    status: 'INVALID_ARGUMENT',
    message: /no column "key"; its header has "id", "x"/,
  },
  {
    name: 'a CSV file without a field that the model shall see',
    files: { 'a.csv': 'id,x\n1,2\n' },
    request: { template: { instanceConfig: { includedFields: ['x', 'z'] } } },
    status: 'INVALID_ARGUMENT',
    message: /no column "z"/,
  },
  {
    name: 'a CSV header that names a column twice',
    files: { 'a.csv': 'x,x\n1,2\n' },
    status: 'INVALID_ARGUMENT',
    message: /a\.csv: CSV header: found the column "x" twice/,
  },
  { name: 'an unknown model', request: { model: 'n' }, status: 'NOT_FOUND', message: /no model n: there are m, odd/ },
  {
    name: 'an unknown version',
    request: { model: 'm@7' },
    status: 'NOT_FOUND',
    message: /no version 7: there are 1, 2/,
  },
  {
    name: 'an unknown label',
    request: { model: 'm@stable' },
    status: 'NOT_FOUND',
    message: /no label stable: there are canary/,
  },
  {
    name: 'a malformed reference',
    request: { model: 'm@1@2' },
    status: 'INVALID_ARGUMENT',
    message: /no model reference/,
  },
  {
    name: 'a serving.json with an unknown field',
    request: { model: 'odd' },
    status: 'INVALID_ARGUMENT',
    message: /odd@1: serving\.json: .*batch/,
  },
  {
    name: 'an unknown signature',
    request: { template: { signatureName: 'embed' } },
    status: 'NOT_FOUND',
    message: /m@2 has no signature "embed"; it has serving_default/,
  },
  {
    name: 'too many inputs',
    inputs: Array.from({ length: 2001 }, (_, index) => `${index}.jsonl`),
    status: 'INVALID_ARGUMENT',
    message: /2001 input files; a job has at most 2000/,
  },
  {
    name: 'more splits than a job may have',
    files: { 'a.jsonl': 'x'.repeat(100_001) },
    request: { splitBytes: 1 },
    status: 'RESOURCE_EXHAUSTED',
    message: /100001 splits of 1 bytes/,
  },
];

describe('createJob refuses', () => {
  it.each(REFUSALS)(
    '$name',
    async ({ files = { 'a.jsonl': line }, inputs = Object.keys(files), request, status, message }) => {
      const pipeline = new MemoryPipeline({ models: MODELS });
      for (const [name, content] of Object.entries(files)) await pipeline.put(name, content);
      await expectPermanent(createJob(pipeline.ports, pipeline.request(inputs, {}, request)), status, message);
      expect(pipeline.queue.messages).toEqual([]);
      expect((await pipeline.ledger.listJobs({ pageSize: 10 })).jobs).toEqual([]);
      expect(await pipeline.names('scratch')).toEqual([]);
    },
  );

  it('a model that cannot be loaded', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', line);
    const scorer = {
      ...pipeline.ports.scorer,
      inspect: () => Promise.reject(new PermanentError('INVALID_ARGUMENT', 'm@1: model.onnx is no ONNX model')),
    };
    const created = createJob({ ...pipeline.ports, scorer }, pipeline.request(['a.jsonl']));
    await expectPermanent(created, 'INVALID_ARGUMENT', /no ONNX model/);
    expect(pipeline.queue.messages).toEqual([]);
  });
});

describe('createJob', () => {
  it('pins inputs and model version, publishes a task per split and sets the job running', async () => {
    const pipeline = new MemoryPipeline({ models: MODELS, splitBytes: 100 });
    const input = await pipeline.put('a.jsonl', jsonLines(20));
    const job = await pipeline.submit(['a.jsonl'], KEYED);
    expect(job).toMatchObject({
      state: 'JOB_STATE_RUNNING',
      startTime: '2026-01-01T00:00:00.000Z',
      plan: {
        model: { model: 'm', version: '2' },
        inputs: [{ ...input, format: 'jsonl', compression: 'none', headerBytes: 0 }],
        splits: Math.ceil(input.size / 100),
      },
    });
    expect(pipeline.queue.messages).toEqual(
      Array.from({ length: job.plan.splits }, (_, split) => ({ kind: 'split', job: job.id, split })),
    );
  });

  it('fills in what the request leaves open from serving.json, then from the defaults', async () => {
    const serving = JSON.stringify({ batchSize: 7, instanceConfig: { keyField: 'id' } });
    const pipeline = new MemoryPipeline({ models: { 'm/1/model.onnx': 'bytes', 'm/1/serving.json': serving } });
    await pipeline.put('a.jsonl', line);
    const { spec } = await pipeline.submit(['a.jsonl'], { manualBatchTuningParameters: { batchSize: 9 } });
    expect(spec).toMatchObject({
      batchSize: 9,
      instanceConfig: { keyField: 'id' },
      displayName: 'm@1',
      signatureName: 'serving_default',
      maxItemsPerBatch: 10_000,
      toleratedFailurePercentage: 100,
    });
  });

  it('asked twice, leaves the first job as it is and publishes nothing again', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', line);
    const first = await pipeline.submit(['a.jsonl']);
    pipeline.queue.drain();
    pipeline.clock.advance(1000);
    expect(await pipeline.submit(['a.jsonl'])).toEqual(first);
    expect(pipeline.queue.messages).toEqual([]);
  });

  it('after a crash between storing and publishing, publishes what is missing', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', line);
    const broken = { ...pipeline.ports, queue: failFirst(pipeline.queue, 'publish') };
    await expect(createJob(broken, pipeline.request(['a.jsonl']))).rejects.toThrow('publish failed');
    const { jobs } = await pipeline.ledger.listJobs({ pageSize: 10 });
    expect(jobs.map(({ state }) => state)).toEqual(['JOB_STATE_QUEUED']);
    const job = await pipeline.submit(['a.jsonl']);
    expect(job.state).toBe('JOB_STATE_RUNNING');
    expect(pipeline.waiting()).toEqual({ split: 1 });
  });

  it('leaves a job that has ended alone', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', line);
    const job = await pipeline.submit(['a.jsonl']);
    pipeline.queue.drain();
    await pipeline.ledger.updateJob(job.id, (current) => transition(current, 'JOB_STATE_FAILED', 0));
    expect((await pipeline.submit(['a.jsonl'])).state).toBe('JOB_STATE_FAILED');
    expect(pipeline.queue.messages).toEqual([]);
  });

  it('of inputs without a record, publishes the commit alone', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.csv', 'key,x\n');
    await pipeline.put('b.csv', '');
    const job = await pipeline.submit(['a.csv', 'b.csv']);
    expect(pipeline.queue.messages).toEqual([{ kind: 'commit', job: job.id }]);
  });

  it('takes a format that is said over the one of the name, and gzip data for what it is whatever it is named', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.data', gzipSync(line));
    const { plan } = await pipeline.submit(['a.data'], { instancesFormat: 'jsonl' });
    expect(plan.inputs).toMatchObject([{ format: 'jsonl', compression: 'gzip' }]);
  });
});
