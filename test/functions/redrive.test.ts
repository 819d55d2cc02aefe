import { describe, expect, it } from 'vitest';

import { cancelJob } from '../../functions/job-task.ts';
import { createRedrive } from '../../functions/jobs/redrive.ts';
import type { RedriveRequest } from '../../functions/jobs/redrive.ts';
import { startJob } from '../../functions/upload/create-job.ts';
import type { Job } from '../../shared/job.ts';
import type { JobTemplate } from '../../shared/job-template.ts';
import { expectPermanent } from '../contract/builders.ts';
import { timesFive } from './fake-model.ts';
import { csvLines, expectedLines, jsonLines, KEYED, MemoryPipeline } from './memory-pipeline.ts';

/** A job over 20 rows in shards of two whose model refused the rows 3 and 12, and a world in which the model has been mended. */
async function mendable(template: JobTemplate = KEYED, name = 'a.jsonl', splits = 3): Promise<[MemoryPipeline, Job]> {
  const bad = new Set([3, 12]);
  const text = name.endsWith('csv') ? csvLines(20) : jsonLines(20);
  const pipeline = new MemoryPipeline({
    model: timesFive((x) => bad.has(x)),
    models: { 'm/1/model.onnx': 'one', 'm/2/model.onnx': 'two', 'm/config.json': '{"defaultVersion": "1"}' },
    splitBytes: Math.ceil(text.length / splits),
  });
  await pipeline.put(name, text);
  const { id } = await pipeline.submit([name], { maxItemsPerBatch: 2, ...template });
  await pipeline.settle();
  const job = await pipeline.job(id);
  expect(job).toMatchObject({ state: 'JOB_STATE_PARTIALLY_SUCCEEDED', outcome: { failed: 2 } });
  bad.clear();
  pipeline.scored.length = 0;
  pipeline.clock.advance(60_000);
  return [pipeline, job];
}

async function redrive(pipeline: MemoryPipeline, request: RedriveRequest): Promise<Job> {
  const job = await createRedrive(pipeline.ports, request);
  expect(job.state).toBe('JOB_STATE_QUEUED');
  await startJob(pipeline.ports, job);
  await pipeline.settle();
  return pipeline.job(job.id);
}

describe('redrive', () => {
  it.each([
    ['a.jsonl', 3],
    ['a.jsonl', 1],
    ['a.csv', 3],
  ])('scores only the shards with failed rows of %s in %i splits again, into a new folder', async (name, splits) => {
    const [pipeline, job] = await mendable(KEYED, name, splits);
    const before = await pipeline.lines(job);
    const mended = await redrive(pipeline, { job: job.id });
    expect(pipeline.scored).toHaveLength(2);
    expect(mended).toMatchObject({
      state: 'JOB_STATE_SUCCEEDED',
      spec: { redriveOf: job.id },
      outcome: { rows: 20, failed: 0 },
    });
    expect(await pipeline.lines(mended)).toEqual(expectedLines(20));
    expect(mended.plan.output.results).not.toBe(job.plan.output.results);
    expect(await pipeline.lines(job)).toEqual(before);
    expect(await pipeline.names('scratch')).toEqual([]);
  });

  it('keeps the keys of lines whose key is their row', async () => {
    const [pipeline, job] = await mendable({ instanceConfig: { rowKeys: true, excludedFields: ['key'] } });
    const mended = await redrive(pipeline, { job: job.id });
    expect(await pipeline.lines(mended)).toEqual(expectedLines(20));
  });

  it('takes another model version and batch size', async () => {
    const [pipeline, job] = await mendable();
    const mended = await redrive(pipeline, { job: job.id, model: 'm@2', batchSize: 1 });
    expect(mended).toMatchObject({ spec: { batchSize: 1 }, plan: { model: { model: 'm', version: '2' } } });
  });

  it('may itself be redriven, and keeps what either scored', async () => {
    const pipeline = new MemoryPipeline({ model: timesFive((x) => x === 3) });
    await pipeline.put('a.jsonl', jsonLines(6));
    const { id } = await pipeline.submit(['a.jsonl'], { ...KEYED, maxItemsPerBatch: 2 });
    await pipeline.settle();
    pipeline.clock.advance(1000);
    const second = await redrive(pipeline, { job: id });
    expect(second.outcome).toMatchObject({ failed: 1 });
    pipeline.clock.advance(1000);
    pipeline.scored.length = 0;
    const third = await redrive(pipeline, { job: second.id });
    expect(pipeline.scored).toEqual(['0-1']);
    expect(await pipeline.lines(third)).toEqual(await pipeline.lines(second));
  });

  it('delivered again half way, scores nothing twice', async () => {
    const [pipeline, job] = await mendable();
    const again = await createRedrive(pipeline.ports, { job: job.id });
    await startJob(pipeline.ports, again);
    const splits = [...pipeline.queue.messages];
    await pipeline.settle('split', 'score');
    for (const message of splits) await pipeline.deliver(message);
    await pipeline.settle();
    expect(pipeline.scored).toHaveLength(2);
    expect((await pipeline.job(again.id)).state).toBe('JOB_STATE_SUCCEEDED');
  });

  it('refuses a job that is not there', async () => {
    await expectPermanent(createRedrive(new MemoryPipeline().ports, { job: 'j1' }), 'NOT_FOUND', /no job j1/);
  });

  it('refuses a job that has not ended, that has no output, or that has no failed row', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', jsonLines(2));
    const { id } = await pipeline.submit(['a.jsonl'], KEYED);
    await expectPermanent(
      createRedrive(pipeline.ports, { job: id }),
      'FAILED_PRECONDITION',
      /is JOB_STATE_RUNNING: redrive it when it has ended/,
    );
    await pipeline.settle();
    await expectPermanent(
      createRedrive(pipeline.ports, { job: id }),
      'FAILED_PRECONDITION',
      /no failed row: there is nothing to redrive/,
    );
    await pipeline.put('b.jsonl', jsonLines(2));
    const { id: cancelled } = await pipeline.submit(['b.jsonl'], KEYED);
    await cancelJob(pipeline.ports, cancelled);
    await expectPermanent(
      createRedrive(pipeline.ports, { job: cancelled }),
      'FAILED_PRECONDITION',
      /no output to mend/,
    );
  });

  it('refuses where the input or the first output has changed since', async () => {
    const [pipeline, job] = await mendable();
    await pipeline.put('a.jsonl', jsonLines(20));
    await expectPermanent(
      createRedrive(pipeline.ports, { job: job.id }),
      'FAILED_PRECONDITION',
      /a\.jsonl has changed since job/,
    );
    await pipeline.objects.delete('input', 'a.jsonl');
    await expectPermanent(
      createRedrive(pipeline.ports, { job: job.id }),
      'FAILED_PRECONDITION',
      /a\.jsonl is gone since job/,
    );
    await pipeline.objects.delete('output', job.plan.output.results);
    await expectPermanent(
      createRedrive(pipeline.ports, { job: job.id }),
      'FAILED_PRECONDITION',
      /results-00000-of-00001 is gone/,
    );
  });

  it('refuses a model version that there is not', async () => {
    const [pipeline, job] = await mendable();
    await expectPermanent(createRedrive(pipeline.ports, { job: job.id, model: 'm@9' }), 'NOT_FOUND', /no version 9/);
  });
});
