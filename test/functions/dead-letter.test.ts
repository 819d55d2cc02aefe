import { describe, expect, it } from 'vitest';

import { errorInfo } from '../../shared/errors.ts';
import type { Job } from '../../shared/job.ts';
import type { Message } from '../../shared/messages.ts';
import { failFirst, jsonLines, KEYED, MemoryPipeline } from './memory-pipeline.ts';

async function jobWith(pipeline: MemoryPipeline): Promise<{ job: Job; messages: Message[] }> {
  await pipeline.put('a.jsonl', jsonLines(6));
  const job = await pipeline.submit(['a.jsonl'], { ...KEYED, maxItemsPerBatch: 2 });
  await pipeline.settle('split');
  return { job, messages: pipeline.queue.drain() };
}

describe('a dead letter', () => {
  it('of a shard makes its rows errors with their keys, and the job ends', async () => {
    const pipeline = new MemoryPipeline();
    const { job, messages } = await jobWith(pipeline);
    const [first, poison, last] = messages;
    if (first === undefined || poison === undefined || last === undefined) throw new Error('no shards');
    await pipeline.deliver(first);
    await pipeline.deliver(last);
    await pipeline.bury(poison, errorInfo('INTERNAL', 'the worker died'));
    await pipeline.settle();
    const ended = await pipeline.job(job.id);
    const tail = '"error":{"code":13,"status":"INTERNAL","message":"the shard could not be scored: the worker died"}}';
    expect(await pipeline.lines(ended)).toEqual([
      '{"key":0,"prediction":0}',
      '{"key":1,"prediction":5}',
      `{"key":2,${tail}`,
      `{"key":3,${tail}`,
      '{"key":4,"prediction":20}',
      '{"key":5,"prediction":25}',
    ]);
    expect(ended).toMatchObject({ state: 'JOB_STATE_PARTIALLY_SUCCEEDED', outcome: { failed: 2 } });
  });

  it('whose queue does not know why, takes the last failure that an attempt recorded', async () => {
    const pipeline = new MemoryPipeline();
    const { job, messages } = await jobWith(pipeline);
    await pipeline.ledger.recordFailure(job.id, 0, 1, errorInfo('UNAVAILABLE', 'out of memory'));
    for (const message of messages) await pipeline.bury(message);
    await pipeline.settle();
    const [unknown, , recorded] = await pipeline.lines(await pipeline.job(job.id));
    expect(unknown).toContain('"status":"INTERNAL","message":"the shard could not be scored: no attempt recorded why"');
    expect(recorded).toContain('"status":"UNAVAILABLE","message":"the shard could not be scored: out of memory"');
  });

  it('of a shard that was scored after all leaves its result', async () => {
    const pipeline = new MemoryPipeline();
    const { job, messages } = await jobWith(pipeline);
    for (const message of messages) await pipeline.deliver(message);
    for (const message of messages) await pipeline.bury(message);
    await pipeline.settle();
    expect(await pipeline.job(job.id)).toMatchObject({ state: 'JOB_STATE_SUCCEEDED' });
  });

  it('delivered twice leaves one result, and the completion check is made again', async () => {
    const pipeline = new MemoryPipeline();
    const { job, messages } = await jobWith(pipeline);
    const [first, ...others] = messages;
    if (first === undefined) throw new Error('no shard');
    for (const message of others) await pipeline.deliver(message);
    const broken = { ...pipeline.ports, queue: failFirst(pipeline.queue, 'publish') };
    const { deadLetter } = await import('../../functions/dead-letter/dead-letter.ts');
    if (first.kind !== 'score') throw new Error('no shard');
    await expect(deadLetter(broken, first)).rejects.toThrow('publish failed');
    expect(await pipeline.ledger.countResults(job.id, 0)).toBe(3);
    await deadLetter(broken, first);
    expect(pipeline.queue.messages).toEqual([{ kind: 'assemble', job: job.id, split: 0 }]);
  });

  it.each([
    { kind: 'split', message: 'split 0 could not be cut: the store is down' },
    { kind: 'assemble', message: 'split 0 could not be assembled: the store is down' },
    { kind: 'commit', message: 'the output could not be written: the store is down' },
  ] as const)('of $kind fails the job and deletes what it left', async ({ kind, message }) => {
    const pipeline = new MemoryPipeline();
    const { job } = await jobWith(pipeline);
    await pipeline.objects.create('scratch', `_fanfold/${job.id}/parts/00000`, Buffer.from('x'));
    const task = kind === 'commit' ? { kind, job: job.id } : { kind, job: job.id, split: 0 };
    await pipeline.bury(task, errorInfo('UNAVAILABLE', 'the store is down'));
    expect(await pipeline.job(job.id)).toMatchObject({
      state: 'JOB_STATE_FAILED',
      error: { status: 'UNAVAILABLE', message },
    });
    expect(await pipeline.names('scratch')).toEqual([]);
    expect(await pipeline.ledger.countSplits(job.id)).toBe(0);
  });

  it('of a job that has ended changes nothing', async () => {
    const pipeline = new MemoryPipeline();
    const { job, messages } = await jobWith(pipeline);
    for (const message of messages) await pipeline.deliver(message);
    await pipeline.settle();
    const ended = await pipeline.job(job.id);
    for (const message of messages) await pipeline.bury(message);
    await pipeline.bury({ kind: 'commit', job: job.id });
    expect(await pipeline.job(job.id)).toEqual(ended);
  });
});
