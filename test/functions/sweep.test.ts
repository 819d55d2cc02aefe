import { describe, expect, it } from 'vitest';

import { sweep } from '../../functions/sweep/sweep.ts';
import { createJob } from '../../functions/upload/create-job.ts';
import { CLEANUP_MS, JOB_LIFETIME_MS, STALE_MS } from '../../shared/config.ts';
import { transition } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import { csvLines, expectedLines, failFirst, jsonLines, KEYED, MemoryPipeline } from './memory-pipeline.ts';

/** A job in three splits, none of whose messages was delivered. */
async function stranded(name = 'a.jsonl', text = jsonLines(12)): Promise<[MemoryPipeline, Job]> {
  const pipeline = new MemoryPipeline({ splitBytes: Math.ceil(text.length / 3) });
  await pipeline.put(name, text);
  const job = await pipeline.submit([name], { ...KEYED, maxItemsPerBatch: 2 });
  return [pipeline, job];
}

/** Two looks, so far apart that a job which stands still is stale. */
async function sweepTwice(pipeline: MemoryPipeline): Promise<void> {
  await sweep(pipeline.ports);
  pipeline.clock.advance(STALE_MS);
  await sweep(pipeline.ports);
}

describe('the sweep', () => {
  it('publishes the missing work of a job whose counts stood still for 15 minutes', async () => {
    const [pipeline, job] = await stranded();
    const published = pipeline.queue.drain();
    await sweep(pipeline.ports);
    pipeline.clock.advance(STALE_MS - 1);
    await sweep(pipeline.ports);
    expect(pipeline.queue.messages).toEqual([]);
    pipeline.clock.advance(1);
    await sweep(pipeline.ports);
    expect(pipeline.queue.messages).toEqual(published);
    await pipeline.settle();
    expect(await pipeline.lines(await pipeline.job(job.id))).toEqual(expectedLines(12));
  });

  it('leaves a job alone that moved between two looks', async () => {
    const [pipeline] = await stranded();
    await sweep(pipeline.ports);
    const [first, ...others] = pipeline.queue.drain();
    if (first === undefined) throw new Error('no split');
    await pipeline.deliver(first);
    pipeline.queue.drain();
    pipeline.clock.advance(STALE_MS);
    await sweep(pipeline.ports);
    expect(pipeline.queue.messages).toEqual([]);
    pipeline.clock.advance(STALE_MS);
    await sweep(pipeline.ports);
    expect(pipeline.queue.messages).toEqual([first, ...others]);
  });

  it('asked to, publishes at once', async () => {
    const [pipeline] = await stranded();
    const published = pipeline.queue.drain();
    await sweep(pipeline.ports, { force: true });
    expect(pipeline.queue.messages).toEqual(published);
  });

  it('publishes only what is missing: no split that has its part, no cutting where all results are there', async () => {
    const [pipeline, job] = await stranded();
    const [first, second, third] = pipeline.queue.drain();
    if (first === undefined || second === undefined || third === undefined) throw new Error('not three splits');
    await pipeline.deliver(first);
    await pipeline.settle();
    await pipeline.deliver(second);
    await pipeline.settle('score');
    pipeline.queue.drain();
    await sweepTwice(pipeline);
    expect(pipeline.queue.messages).toEqual([{ kind: 'assemble', job: job.id, split: 1 }, third]);
    const scored = pipeline.scored.length;
    await pipeline.settle();
    expect(pipeline.scored.slice(scored).every((shard) => shard.startsWith('2-'))).toBe(true);
    expect(await pipeline.lines(await pipeline.job(job.id))).toEqual(expectedLines(12));
  });

  it('publishes the commit where all parts are there', async () => {
    const [pipeline, job] = await stranded();
    await pipeline.settle('split', 'score', 'assemble');
    pipeline.queue.drain();
    await sweepTwice(pipeline);
    expect(pipeline.queue.messages).toEqual([{ kind: 'commit', job: job.id }]);
  });

  it('takes up a chain of CSV splits where it broke', async () => {
    const [pipeline, job] = await stranded('a.csv', csvLines(12));
    const [first] = pipeline.queue.drain();
    if (first === undefined) throw new Error('no split');
    await sweepTwice(pipeline);
    expect(pipeline.queue.drain()).toEqual([first]);
    await pipeline.deliver(first);
    pipeline.queue.drain();
    await sweepTwice(pipeline);
    const record = await pipeline.ledger.getSplit(job.id, 0);
    expect(pipeline.queue.messages).toEqual([
      { kind: 'split', job: job.id, split: 0 },
      { kind: 'split', job: job.id, split: 1, start: record?.end },
    ]);
    await pipeline.settle();
    expect(await pipeline.lines(await pipeline.job(job.id))).toEqual(expectedLines(12));
  });

  it('starts a queued job that a crash kept from being published', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', jsonLines(3));
    const broken = { ...pipeline.ports, queue: failFirst(pipeline.queue, 'publish') };
    await expect(createJob(broken, pipeline.request(['a.jsonl'], KEYED))).rejects.toThrow();
    await sweepTwice(pipeline);
    expect(pipeline.waiting()).toEqual({ split: 1 });
    const { jobs } = await pipeline.ledger.listJobs({ pageSize: 1 });
    expect(jobs[0]?.state).toBe('JOB_STATE_RUNNING');
  });

  it('finishes a cancellation that stopped half way', async () => {
    const [pipeline, job] = await stranded();
    await pipeline.ledger.updateJob(job.id, (current) => transition(current, 'JOB_STATE_CANCELLING', 0));
    await pipeline.objects.create('scratch', `_fanfold/${job.id}/staged/00000-00000`, Buffer.from('x'));
    await sweep(pipeline.ports);
    expect(await pipeline.job(job.id)).toMatchObject({ state: 'JOB_STATE_CANCELLED' });
    expect(await pipeline.names('scratch')).toEqual([]);
  });

  it('expires a job that is not done after a week', async () => {
    const [pipeline, job] = await stranded();
    pipeline.queue.drain();
    pipeline.clock.advance(JOB_LIFETIME_MS);
    await sweep(pipeline.ports);
    expect((await pipeline.job(job.id)).state).toBe('JOB_STATE_RUNNING');
    pipeline.clock.advance(1);
    await sweep(pipeline.ports);
    expect(await pipeline.job(job.id)).toMatchObject({
      state: 'JOB_STATE_EXPIRED',
      error: { status: 'DEADLINE_EXCEEDED', message: 'not done 7 days after its creation' },
    });
  });

  it('deletes what a straggler wrote after its job had ended, for an hour', async () => {
    const [pipeline, job] = await stranded();
    await pipeline.settle();
    const straggle = (): Promise<unknown> =>
      pipeline.objects.create('scratch', `_fanfold/${job.id}/results/late`, Buffer.from('x'));
    await straggle();
    await pipeline.ledger.putSplit(job.id, { split: 0, start: 0, end: 1, shards: 1, rows: 1 });
    await sweep(pipeline.ports);
    expect(await pipeline.names('scratch')).toEqual([]);
    expect(await pipeline.ledger.countSplits(job.id)).toBe(0);
    expect(await pipeline.ledger.countParts(job.id)).toBe(3);
    pipeline.clock.advance(CLEANUP_MS + 1);
    await straggle();
    await sweep(pipeline.ports);
    expect(await pipeline.names('scratch')).toHaveLength(1);
  });

  it('looks at every open job, also beyond a page', async () => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', jsonLines(1));
    const job = await pipeline.submit(['a.jsonl'], KEYED);
    pipeline.queue.drain();
    for (let index = 0; index < 120; index++) await pipeline.ledger.createJob({ ...job, id: `j${index}` });
    await sweep(pipeline.ports, { force: true });
    expect(pipeline.waiting()).toEqual({ split: 121 });
  });
});
