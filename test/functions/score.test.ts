import { describe, expect, it } from 'vitest';

import { score, scoreRequest, storeResult } from '../../functions/score/score.ts';
import { MAX_INLINE_RESULT_BYTES } from '../../shared/config.ts';
import { errorInfo, PermanentError } from '../../shared/errors.ts';
import type { Job } from '../../shared/job.ts';
import type { ScoreTask } from '../../shared/messages.ts';
import type { Ports, ScoredShard, ScoreRequest } from '../../shared/ports.ts';
import { collect } from '../contract/builders.ts';
import { jsonLines, KEYED, MemoryPipeline } from './memory-pipeline.ts';

async function splitJob(pipeline: MemoryPipeline, rows = 4): Promise<{ job: Job; tasks: ScoreTask[] }> {
  await pipeline.put('a.jsonl', jsonLines(rows));
  const job = await pipeline.submit(['a.jsonl'], { ...KEYED, maxItemsPerBatch: 2 });
  await pipeline.settle('split');
  const tasks = pipeline.queue.drain().filter((message) => message.kind === 'score');
  return { job, tasks };
}

/** The ports with another way to score. */
function scoring(pipeline: MemoryPipeline, score: (request: ScoreRequest) => Promise<ScoredShard>): Ports {
  return { ...pipeline.ports, scorer: { ...pipeline.ports.scorer, score } };
}

function task(tasks: readonly ScoreTask[], shard: number): ScoreTask {
  const found = tasks[shard];
  if (found === undefined) throw new Error(`no shard ${shard}`);
  return found;
}

describe('score', () => {
  it('creates the result; the last one of a split announces its assembly', async () => {
    const pipeline = new MemoryPipeline();
    const { job, tasks } = await splitJob(pipeline);
    await pipeline.deliver(task(tasks, 1));
    expect(pipeline.queue.messages).toEqual([]);
    await pipeline.deliver(task(tasks, 0));
    expect(pipeline.queue.messages).toEqual([{ kind: 'assemble', job: job.id, split: 0 }]);
    const lines = [
      '{"key":0,"prediction":0}\n{"key":1,"prediction":5}\n',
      '{"key":2,"prediction":10}\n{"key":3,"prediction":15}\n',
    ];
    expect(await collect(pipeline.ledger.readResults(job.id, 0))).toEqual(
      lines.map((text, shard) => ({
        split: 0,
        shard,
        rows: 2,
        failed: 0,
        errors: [],
        runtime: 'fake 1.0',
        metrics: expect.objectContaining({ num_inferences: 2, failed_batches_counter: 0 }) as unknown,
        lines: { kind: 'inline', bytes: new Uint8Array(Buffer.from(text)) },
      })),
    );
  });

  it('logs what it measured of each shard, by model version: at the severity that it is told', async () => {
    const pipeline = new MemoryPipeline();
    const { job, tasks } = await splitJob(pipeline);
    await score(pipeline.ports, task(tasks, 0));
    await score({ ...pipeline.ports, shardSeverity: 'INFO' }, task(tasks, 1));
    const entries = pipeline.logger.entries.filter(({ message }) => message === 'shard scored');
    expect(entries.map(({ severity }) => severity)).toEqual(['DEBUG', 'INFO']);
    expect(entries[0]?.fields).toMatchObject({
      job: job.id,
      model: 'm',
      version: '1',
      split: 0,
      shard: 0,
      rows: 2,
      failed: 0,
      num_inferences: 2,
      inference_request_batch_size: { count: 1, sum: 2, min: 2, max: 2 },
    });
  });

  it('keeps the outputs’ names and types with a result where the predictions are not written as JSON', async () => {
    const pipeline = new MemoryPipeline();
    const { job, tasks } = await splitJob(pipeline);
    const scored = await pipeline.ports.scorer.score(scoreRequest(job, task(tasks, 0)));
    const csv: Job = { ...job, spec: { ...job.spec, predictionsFormat: 'csv' } };
    await storeResult(pipeline.ports, csv, { split: 0, shard: 0 }, scored);
    await storeResult(pipeline.ports, job, { split: 0, shard: 1 }, scored);
    const [first, second] = await collect(pipeline.ledger.readResults(job.id, 0));
    expect(first?.outputs).toEqual([{ name: 'y', dtype: 'float32', shape: [null] }]);
    expect(second?.outputs).toBeUndefined();
  });

  it('delivered again, scores nothing and announces the assembly again', async () => {
    const pipeline = new MemoryPipeline();
    const { job, tasks } = await splitJob(pipeline);
    for (const each of [...tasks, ...tasks]) await pipeline.deliver(each);
    expect(pipeline.scored).toEqual(['0-0', '0-1']);
    expect(await pipeline.ledger.countResults(job.id, 0)).toBe(2);
    expect(pipeline.waiting()).toEqual({ assemble: 3 });
  });

  it('keeps the first of two results that are made at once', async () => {
    const pipeline = new MemoryPipeline();
    const { job, tasks } = await splitJob(pipeline);
    const slow = scoring(pipeline, async (request) => {
      const scored = await pipeline.ports.scorer.score(request);
      await pipeline.deliver(task(tasks, 0)); // overtakes
      return { ...scored, lines: Buffer.from('{"late":true}\n') };
    });
    await pipeline.deliver(task(tasks, 0), slow);
    const [first] = await collect(pipeline.ledger.readResults(job.id, 0));
    expect(first?.lines.kind === 'inline' && Buffer.from(first.lines.bytes).toString()).toContain('"prediction":0');
  });

  it('fails the job where no attempt can succeed', async () => {
    const pipeline = new MemoryPipeline();
    const { job, tasks } = await splitJob(pipeline);
    const gone = scoring(pipeline, () =>
      Promise.reject(new PermanentError('FAILED_PRECONDITION', 'model m@1 has changed')),
    );
    await pipeline.deliver(task(tasks, 0), gone);
    expect(await pipeline.job(job.id)).toMatchObject({
      state: 'JOB_STATE_FAILED',
      error: errorInfo('FAILED_PRECONDITION', 'model m@1 has changed'),
    });
    expect(await pipeline.ledger.getFailure(job.id, 0, 0)).toBeUndefined();
  });

  it('records any other failure for the dead letter, and throws it on', async () => {
    const pipeline = new MemoryPipeline();
    const { job, tasks } = await splitJob(pipeline);
    const broken = scoring(pipeline, () => Promise.reject(new Error('worker died')));
    await expect(pipeline.deliver(task(tasks, 1), broken)).rejects.toThrow('worker died');
    expect(await pipeline.ledger.getFailure(job.id, 0, 1)).toEqual(errorInfo('INTERNAL', 'worker died'));
    expect((await pipeline.job(job.id)).state).toBe('JOB_STATE_RUNNING');
    expect(await pipeline.ledger.countResults(job.id, 0)).toBe(0);
  });

  it('puts lines that no document holds into an object, and the job ends with the same bytes', async () => {
    const pipeline = new MemoryPipeline();
    const { job, tasks } = await splitJob(pipeline);
    const wide = (size: number): Promise<ScoredShard> => {
      const lines = Buffer.alloc(size, 'x');
      lines.write('\n', size - 1);
      return Promise.resolve({ lines, rows: 2, failed: 0, errors: [] });
    };
    await pipeline.deliver(
      task(tasks, 0),
      scoring(pipeline, () => wide(MAX_INLINE_RESULT_BYTES)),
    );
    await pipeline.deliver(
      task(tasks, 1),
      scoring(pipeline, () => wide(MAX_INLINE_RESULT_BYTES + 1)),
    );
    const results = await collect(pipeline.ledger.readResults(job.id, 0));
    expect(results.map(({ lines }) => lines.kind)).toEqual(['inline', 'object']);
    expect(await pipeline.names('scratch')).toEqual([
      expect.stringMatching(`^_fanfold/${job.id}/results/00000-00001-[0-9a-f]{16}$`) as unknown,
    ]);
    await pipeline.settle();
    expect(await pipeline.job(job.id)).toMatchObject({
      state: 'JOB_STATE_SUCCEEDED',
      outcome: { results: { size: 2 * MAX_INLINE_RESULT_BYTES + 1 } },
    });
    expect(await pipeline.names('scratch')).toEqual([]);
  });

  it('of a job that has ended is dropped', async () => {
    const pipeline = new MemoryPipeline();
    const { job, tasks } = await splitJob(pipeline);
    await pipeline.bury({ kind: 'commit', job: job.id });
    await pipeline.deliver(task(tasks, 0));
    expect(pipeline.scored).toEqual([]);
  });
});
