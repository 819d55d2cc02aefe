import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import type { Message } from '../../shared/messages.ts';
import { ModelLostError } from '../../shared/models/model-lost-error.ts';
import type { Scorer } from '../../shared/ports.ts';
import { jsonLines, KEYED } from '../functions/memory-pipeline.ts';
import { startFunctions, waiting } from './server.ts';
import type { Functions } from './server.ts';

async function shardTask({ pipeline }: Functions): Promise<Message> {
  await pipeline.put('m/a.jsonl', jsonLines(3));
  await pipeline.submit(['m/a.jsonl'], KEYED);
  await pipeline.settle('split');
  return waiting(pipeline, 'score');
}

/** A scorer that waits until it is let go. */
function slow(scorer: Scorer): { scorer: Scorer; begun: Promise<void>; go: () => void } {
  const begun = Promise.withResolvers<undefined>();
  const gate = Promise.withResolvers<undefined>();
  return {
    begun: begun.promise,
    go: () => {
      gate.resolve(undefined);
    },
    scorer: {
      inspect: (model) => scorer.inspect(model),
      score: async (request) => {
        begun.resolve(undefined);
        await gate.promise;
        return scorer.score(request);
      },
    },
  };
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await sleep(5);
}

describe('an instance that is told to stop', () => {
  it('lets shards in flight finish, acknowledges them, and ends', async () => {
    let held: ReturnType<typeof slow> | undefined;
    const functions = await startFunctions({ ports: ({ scorer }) => ({ scorer: (held = slow(scorer)).scorer }) });
    const task = await shardTask(functions);
    const answer = functions.push('score', task);
    await held?.begun;
    functions.lifecycle.stop('SIGTERM', 0);
    await sleep(20);
    expect(functions.exits).toEqual([]);
    held?.go();
    expect((await answer).status).toBe(204);
    await until(() => functions.exits.length > 0);
    expect(functions.exits).toEqual([0]);
    expect(await functions.pipeline.ledger.countResults(task.job, 0)).toBe(1);
  });

  it('hands back what does not finish in time: 503, and nothing is acknowledged', async () => {
    let held: ReturnType<typeof slow> | undefined;
    const functions = await startFunctions({
      graceMs: 30,
      ports: ({ scorer }) => ({ scorer: (held = slow(scorer)).scorer }),
    });
    const task = await shardTask(functions);
    const answer = functions.push('score', task);
    await held?.begun;
    functions.lifecycle.stop('SIGTERM', 0);
    expect((await answer).status).toBe(503);
    expect(await functions.pipeline.ledger.countResults(task.job, 0)).toBe(0);
    await until(() => functions.exits.length > 0);
  });

  it('takes nothing new: pushes, uploads, sweeps and requests of the API are refused', async () => {
    let held: ReturnType<typeof slow> | undefined;
    const functions = await startFunctions({ ports: ({ scorer }) => ({ scorer: (held = slow(scorer)).scorer }) });
    const task = await shardTask(functions);
    const answer = functions.push('score', task);
    await held?.begun;
    functions.lifecycle.stop('SIGTERM', 0);
    expect((await functions.push('score', task)).status).toBe(503);
    expect((await functions.call('sweep')).status).toBe(503);
    expect(
      await functions.call('jobs', {
        method: 'GET',
        path: '/v1/projects/p1/locations/us-central1/batchPredictionJobs',
      }),
    ).toMatchObject({
      status: 503,
      json: { error: { status: 'UNAVAILABLE' } },
    });
    held?.go();
    expect((await answer).status).toBe(204);
  });

  it('ends at once where nothing is in flight', async () => {
    const { lifecycle, exits } = await startFunctions();
    lifecycle.stop('SIGTERM', 0);
    lifecycle.stop('SIGTERM', 0);
    await until(() => exits.length > 0);
    expect(exits).toEqual([0]);
  });
});

describe('an instance whose model runtime broke', () => {
  it('hands the shard back and ends, so that the platform starts a fresh one', async () => {
    const functions = await startFunctions({
      ports: ({ scorer }) => ({
        scorer: {
          inspect: (model) => scorer.inspect(model),
          score: () => Promise.reject(new ModelLostError('wasm aborted')),
        },
      }),
    });
    const task = await shardTask(functions);
    expect((await functions.push('score', task)).status).toBe(503);
    await until(() => functions.exits.length > 0);
    expect(functions.exits).toEqual([1]);
    expect((await functions.push('score', task)).status).toBe(503);
  });
});
