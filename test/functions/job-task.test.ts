import { describe, expect, it } from 'vitest';

import { cancelJob, failJob, runTask } from '../../functions/job-task.ts';
import { errorInfo, PermanentError } from '../../shared/errors.ts';
import { expectPermanent } from '../contract/builders.ts';
import { failFirst, jsonLines, KEYED, MemoryPipeline } from './memory-pipeline.ts';

async function running(): Promise<[MemoryPipeline, string]> {
  const pipeline = new MemoryPipeline();
  await pipeline.put('a.jsonl', jsonLines(4));
  const { id } = await pipeline.submit(['a.jsonl'], { ...KEYED, maxItemsPerBatch: 2 });
  return [pipeline, id];
}

describe('cancel', () => {
  it('ends the job; what is still queued is dropped', async () => {
    const [pipeline, id] = await running();
    await pipeline.settle('split');
    pipeline.clock.advance(5000);
    expect(await cancelJob(pipeline.ports, id)).toMatchObject({
      state: 'JOB_STATE_CANCELLED',
      endTime: '2026-01-01T00:00:05.000Z',
    });
    await pipeline.settle();
    expect(pipeline.scored).toEqual([]);
    expect(await pipeline.names('output')).toEqual([]);
    expect(await pipeline.ledger.countSplits(id)).toBe(0);
  });

  it('asked twice, or of a job that has ended, changes nothing', async () => {
    const [pipeline, id] = await running();
    const cancelled = await cancelJob(pipeline.ports, id);
    expect(await cancelJob(pipeline.ports, id)).toEqual(cancelled);
  });

  it('that crashed half way is finished when it is asked for again', async () => {
    const [pipeline, id] = await running();
    const broken = { ...pipeline.ports, ledger: failFirst(pipeline.ledger, 'deleteScratch') };
    await expect(cancelJob(broken, id)).rejects.toThrow('deleteScratch failed');
    expect((await pipeline.job(id)).state).toBe('JOB_STATE_CANCELLING');
    expect((await cancelJob(pipeline.ports, id)).state).toBe('JOB_STATE_CANCELLED');
  });

  it('refuses a job that is not there', async () => {
    await expectPermanent(cancelJob(new MemoryPipeline().ports, 'j1'), 'NOT_FOUND', /no job j1/);
  });
});

describe('a task', () => {
  it('of a job that is being cancelled is dropped', async () => {
    const [pipeline, id] = await running();
    await cancelJob(pipeline.ports, id);
    let ran = false;
    await runTask(pipeline.ports, id, () => Promise.resolve(void (ran = true)));
    expect(ran).toBe(false);
  });

  it('that no attempt can mend fails the job, once, with the first reason', async () => {
    const [pipeline, id] = await running();
    const fail = (message: string): Promise<void> =>
      runTask(pipeline.ports, id, () => Promise.reject(new PermanentError('DATA_LOSS', message)));
    await fail('first');
    await fail('second');
    expect((await pipeline.job(id)).error).toEqual(errorInfo('DATA_LOSS', 'first'));
    expect(pipeline.logger.entries.map(({ message }) => message)).toEqual(['job failed: first']);
  });

  it('that may succeed later throws on', async () => {
    const [pipeline, id] = await running();
    await expect(runTask(pipeline.ports, id, () => Promise.reject(new Error('later')))).rejects.toThrow('later');
    expect((await pipeline.job(id)).state).toBe('JOB_STATE_RUNNING');
  });

  it('cannot fail a job that has succeeded meanwhile', async () => {
    const [pipeline, id] = await running();
    const before = await pipeline.job(id);
    await pipeline.settle();
    await failJob(pipeline.ports, before, errorInfo('INTERNAL', 'too late'));
    expect(await pipeline.job(id)).toMatchObject({ state: 'JOB_STATE_SUCCEEDED' });
    expect(await pipeline.job(id)).not.toHaveProperty('error');
  });
});
