import { describe, expect, it } from 'vitest';

import { MAX_ATTEMPTS } from '../../shared/config.ts';
import type { Message } from '../../shared/messages.ts';
import { expectedLines, failFirst, jsonLines, KEYED, MemoryPipeline } from '../functions/memory-pipeline.ts';
import { pushOf, startFunctions, SUBSCRIPTION, waiting } from './server.ts';
import type { Functions } from './server.ts';

/** A job of one shard whose score task waits. */
async function withShard(functions: Functions): Promise<Extract<Message, { kind: 'score' }>> {
  const { pipeline } = functions;
  await pipeline.put('m/a.jsonl', jsonLines(3));
  await pipeline.submit(['m/a.jsonl'], KEYED);
  await pipeline.settle('split');
  return waiting(pipeline, 'score');
}

describe('a push', () => {
  it('carries a job through split, score and finalize, each answered with 204', async () => {
    const functions = await startFunctions();
    const { pipeline, push } = functions;
    await pipeline.put('m/a.jsonl', jsonLines(3));
    const job = await pipeline.submit(['m/a.jsonl'], KEYED);
    const targets = { split: 'split', score: 'score', assemble: 'finalize', commit: 'finalize' } as const;
    for (let tasks = pipeline.queue.drain(); tasks.length > 0; tasks = pipeline.queue.drain()) {
      for (const task of tasks) expect(await push(targets[task.kind], task)).toMatchObject({ status: 204, text: '' });
    }
    expect(await pipeline.lines(await pipeline.job(job.id))).toEqual(expectedLines(3));
  });

  it('to score reads its job once for many shards: thousands of scorers must not ask one document each time', async () => {
    const pipeline = new MemoryPipeline();
    let reads = 0;
    const counted = new Proxy(pipeline.ports.ledger, {
      get(ledger, name) {
        if (name === 'getJob') reads++;
        const method: unknown = Reflect.get(ledger, name, ledger);
        return typeof method === 'function' ? (method.bind(ledger) as unknown) : method;
      },
    });
    const functions = await startFunctions({ pipeline, ports: () => ({ ledger: counted }) });
    await pipeline.put('m/a.jsonl', jsonLines(8));
    await pipeline.submit(['m/a.jsonl'], { ...KEYED, maxItemsPerBatch: 1 });
    await pipeline.settle('split');
    const tasks = pipeline.queue.drain();
    expect(tasks.length).toBe(8);
    for (const task of tasks) expect((await functions.push('score', task)).status).toBe(204);
    expect(reads).toBe(1);
  });

  it('of a task of a job that nobody knows is acknowledged', async () => {
    const { push } = await startFunctions();
    expect((await push('finalize', { kind: 'commit', job: 'j0' })).status).toBe(204);
  });

  it('whose task fails is answered with 500, so that it is delivered again', async () => {
    const functions = await startFunctions({ ports: ({ ledger }) => ({ ledger: failFirst(ledger, 'hasResult') }) });
    const task = await withShard(functions);
    expect((await functions.push('score', task)).status).toBe(500);
    expect((await functions.push('score', task, { deliveryAttempt: 2 })).status).toBe(204);
  });

  it('that fails for the last time tells the dead letter why', async () => {
    const pipeline = new MemoryPipeline();
    const functions = await startFunctions({
      pipeline,
      ports: ({ ledger }) => ({ ledger: failFirst(ledger, 'hasResult', 2) }),
    });
    const task = await withShard(functions);
    expect((await functions.push('score', task, { deliveryAttempt: MAX_ATTEMPTS - 1 })).status).toBe(500);
    expect(await pipeline.ledger.getFailure(task.job, task.split, task.shard)).toBeUndefined();
    expect((await functions.push('score', task, { deliveryAttempt: MAX_ATTEMPTS })).status).toBe(500);
    expect((await functions.push('deadLetter', task, { deliveryAttempt: undefined })).status).toBe(204);
    await pipeline.settle();
    const [line] = await pipeline.lines(await pipeline.job(task.job));
    expect(line).toContain('the shard could not be scored: hasResult failed');
  });

  it('of a split that fails for the last time ends its job with that error', async () => {
    const functions = await startFunctions({
      ports: ({ ledger }) => ({ ledger: failFirst(ledger, 'listResultShards') }),
    });
    const { pipeline } = functions;
    await pipeline.put('m/a.jsonl', jsonLines(3));
    const { id } = await pipeline.submit(['m/a.jsonl'], KEYED);
    const task = waiting(pipeline, 'split');
    expect((await functions.push('split', task, { deliveryAttempt: MAX_ATTEMPTS })).status).toBe(500);
    expect((await functions.push('deadLetter', task, { deliveryAttempt: undefined })).status).toBe(204);
    const job = await pipeline.job(id);
    expect(job).toMatchObject({
      state: 'JOB_STATE_FAILED',
      error: { message: 'split 0 could not be cut: listResultShards failed' },
    });
  });

  it.each(['GET', 'PUT', 'DELETE'])('by %s is not allowed', async (method) => {
    const { call } = await startFunctions();
    const answer = await call('score', { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
  });
});

describe('a body that is no push', () => {
  const bodies = [
    { name: 'nothing', body: undefined },
    { name: 'a list', body: [] },
    { name: 'a task without an envelope', body: { kind: 'commit', job: 'j1' } },
    { name: 'a message without a subscription', body: { message: { data: '', messageId: '1' } } },
    { name: 'a subscription that is no name', body: pushOf('{}', { subscription: 'shards' }) },
    { name: 'an attempt that is no number', body: pushOf('{}', { deliveryAttempt: 'first' }) },
  ];
  it.each(bodies)('($name) is refused', async ({ body }) => {
    const { call } = await startFunctions();
    for (const name of ['split', 'score', 'finalize', 'deadLetter'] as const)
      expect((await call(name, { body })).status).toBe(400);
  });
});

const MESSAGES = [
  { name: 'no data', data: '', status: 400 },
  { name: 'no JSON', data: 'hello', status: 400 },
  { name: 'no UTF-8', data: Buffer.from([0xff, 0xfe]).toString('latin1'), status: 400 },
  { name: 'an unknown kind', data: { kind: 'predict', job: 'j1' }, status: 400 },
  { name: 'a field too many', data: { kind: 'commit', job: 'j1', split: 3 }, status: 400 },
  { name: 'a negative split', data: { kind: 'split', job: 'j1', split: -1 }, status: 400 },
  { name: 'a job that names a document elsewhere', data: { kind: 'commit', job: '../jobs/j2' }, status: 400 },
  { name: 'more than any task needs', data: { kind: 'commit', job: 'j1', padding: 'x'.repeat(100_000) }, status: 413 },
];

describe('a message that can never be a task', () => {
  it.each(MESSAGES)(
    '($name) is refused where attempts are counted: it ends among the dead letters',
    async ({ data, status }) => {
      const { push, pipeline } = await startFunctions();
      expect((await push('finalize', data)).status).toBe(status);
      expect(pipeline.logger.entries).toMatchObject([
        { severity: 'ERROR', fields: { subscription: SUBSCRIPTION, messageId: '42' } },
      ]);
    },
  );

  it.each(MESSAGES)('($name) is logged and acknowledged where nothing would end its deliveries', async ({ data }) => {
    const { push, pipeline } = await startFunctions();
    expect((await push('deadLetter', data, { deliveryAttempt: undefined })).status).toBe(204);
    expect(pipeline.logger.entries).toMatchObject([{ severity: 'ERROR' }]);
  });

  it('because it is another topic’s is refused', async () => {
    const { push } = await startFunctions();
    expect((await push('score', { kind: 'commit', job: 'j1' })).status).toBe(400);
    expect((await push('split', { kind: 'assemble', job: 'j1', split: 0 })).status).toBe(400);
    expect((await push('finalize', { kind: 'split', job: 'j1', split: 0 })).status).toBe(400);
  });
});

describe('a task that its job cannot have sent', () => {
  type Shard = Extract<Message, { kind: 'score' }>;
  const forgeries: readonly { name: string; forge: (task: Shard) => Message }[] = [
    { name: 'a split that the plan does not have', forge: ({ job }) => ({ kind: 'split', job, split: 7 }) },
    { name: 'an assembly of such a split', forge: ({ job }) => ({ kind: 'assemble', job, split: 7 }) },
    {
      name: 'a start for a split that finds its own',
      forge: ({ job }) => ({ kind: 'split', job, split: 0, start: 5 }),
    },
    {
      name: 'an object of somebody else',
      forge: (task) => ({ ...task, object: { ...task.object, name: 'secret.jsonl' } }),
    },
    { name: 'another generation', forge: (task) => ({ ...task, object: { ...task.object, generation: '77' } }) },
    { name: 'a range that ends before it starts', forge: (task) => ({ ...task, start: 9, end: 3 }) },
    { name: 'a range behind the input', forge: (task) => ({ ...task, end: task.end + 1 }) },
    { name: 'a shard that the split does not have', forge: (task) => ({ ...task, shard: 1 }) },
  ];
  it.each(forgeries)('($name) is refused, and does its job no harm', async ({ forge }) => {
    const functions = await startFunctions();
    const { pipeline, push } = functions;
    const task = await withShard(functions);
    const forged = forge(task);
    const target = { split: 'split', score: 'score', assemble: 'finalize', commit: 'finalize' } as const;
    expect((await push(target[forged.kind], forged)).status).toBe(400);
    expect((await push('deadLetter', forged, { deliveryAttempt: undefined })).status).toBe(204);
    await pipeline.settle();
    const job = await pipeline.job(task.job);
    expect(job.state).toBe('JOB_STATE_SUCCEEDED');
    expect(await pipeline.lines(job)).toEqual(expectedLines(3));
  });

  it('is dropped where the job has ended: a straggler', async () => {
    const functions = await startFunctions();
    const task = await withShard(functions);
    await functions.pipeline.settle();
    expect((await functions.push('score', { ...task, shard: 5 })).status).toBe(204);
  });
});
