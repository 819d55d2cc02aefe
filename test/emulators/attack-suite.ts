import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { createPubSub } from '../../infra/gcp/clients.ts';
import type { FunctionName } from '../../infra/emulators/stack.ts';
import { embedded } from './embedded.ts';
import { npyRows } from './input-files.ts';
import { idOf, jsonLines, KEYED } from './running.ts';
import type { Running } from './running.ts';

/** A message may be in flight at every one: of its attempts some are left. */
const MAX_KILLS = 8;

/** Answers one push in three with 500. @param refusals what any one message may suffer: of its five attempts some are left. */
function flaky(running: Running, names: readonly FunctionName[], refusals: number): () => void {
  let pushes = 0;
  for (const name of names) {
    running.stack.functions[name].intercept = (body) => {
      const attempt = Number(/"deliveryAttempt":(\d+)/.exec(body.toString())?.[1]);
      return ++pushes % 3 === 0 && attempt <= refusals ? 500 : undefined;
    };
  }
  return () => {
    for (const name of names) running.stack.functions[name].intercept = undefined;
  };
}

/** Kills function processes, one after the other, until it is told to stop. */
function killer(
  running: Running,
  names: readonly FunctionName[],
  signal: NodeJS.Signals,
  pauseMs: number,
): () => Promise<number> {
  let kills = 0;
  const stopping = new AbortController();
  const killing = (async () => {
    while (!stopping.signal.aborted && kills < MAX_KILLS) {
      await sleep(pauseMs);
      const name = names[kills % names.length];
      if (name === undefined) break;
      await running.stack.functions[name].kill(signal);
      kills++;
    }
  })();
  return async () => {
    stopping.abort();
    await killing;
    return kills;
  };
}

/** Everything at least once and at the wrong moment: the same bytes. Every upload event of the stack comes three times anyway. */
export function attackSuite(of: () => Running): void {
  const content = jsonLines(6_000);
  const run = async (name: string): Promise<void> => {
    const job = await of().finished(await of().drop(name, content, KEYED));
    expect(job.state, job.error?.message).toBe('JOB_STATE_PARTIALLY_SUCCEEDED');
    const { results } = await embedded(name, content, KEYED);
    expect(await of().results(job)).toBe(results);
  };

  describe('under attack', () => {
    it('one push in three answered 500 leaves the bytes as they are', async () => {
      const stop = flaky(of(), ['split', 'score', 'finalize'], 3);
      await run('mlp/flaky.jsonl').finally(stop);
      expect(of().stack.functions.score.answered[500]).toBeGreaterThan(3);
    });

    it('function processes killed with -9 while shards are in flight leave the bytes as they are', async () => {
      const stop = killer(of(), ['score', 'finalize', 'score', 'split', 'score', 'upload'], 'SIGKILL', 250);
      await run('mlp/killed.jsonl').finally(stop);
      expect(await stop()).toBeGreaterThan(2);
    });

    it('a killed job over an array leaves the bytes of its Parquet file as they are', async () => {
      const template = { instanceConfig: { rowKeys: true }, predictionsFormat: 'parquet', maxItemsPerBatch: 500 };
      const array = npyRows(12_000);
      const stop = killer(of(), ['score', 'finalize', 'split', 'score'], 'SIGKILL', 250);
      const job = await of()
        .finished(await of().drop('mlp/killed.npy', array, template))
        .finally(stop);
      expect(job.completionStats, job.error?.message).toMatchObject({ successfulCount: 12_000, failedCount: 0 });
      const { bytes } = await embedded('mlp/killed.npy', array, template);
      expect((await of().bytes(job)).equals(bytes)).toBe(true);
    });

    it('instances told to stop hand nothing back that they finish, and acknowledge nothing that they do not', async () => {
      const { score } = of().stack.functions;
      const before = { ...score.answered };
      const stop = killer(of(), ['score'], 'SIGTERM', 400);
      await run('mlp/stopped.jsonl').finally(stop);
      expect(await stop()).toBeGreaterThan(1);
      // The framework's own handler would have answered the latest request with 500.
      expect(score.answered[500]).toBe(before[500]);
    });

    it('storage that fails and breaks off leaves the bytes as they are', async () => {
      const { faults } = of().stack.storage;
      faults.add({ action: { kind: 'status', status: 503 }, operation: 'objects.insert', skip: 1, times: 3 });
      faults.add({ action: { kind: 'status', status: 429 }, operation: 'objects.get', skip: 3, times: 5 });
      faults.add({
        action: { kind: 'drop-response', afterBytes: 5_000 },
        operation: 'objects.download',
        skip: 3,
        times: 8,
      });
      faults.add({ action: { kind: 'drop-response', afterBytes: 0 }, operation: 'objects.compose', times: 1 });
      await run('mlp/broken.jsonl').finally(() => {
        faults.clear();
      });
    });

    it('all of it at once leaves the bytes as they are', async () => {
      const { faults } = of().stack.storage;
      const calm = flaky(of(), ['split', 'score', 'finalize'], 2);
      const stop = killer(of(), ['score', 'split', 'finalize'], 'SIGKILL', 700);
      faults.add({ action: { kind: 'status', status: 503 }, skip: 20, times: 5 });
      await run('mlp/all.jsonl').finally(async () => {
        calm();
        faults.clear();
        await stop();
      });
    });

    it('a shard that no attempt can score becomes error rows with their keys; the job ends', async () => {
      const { score } = of().stack.functions;
      score.intercept = (body) => {
        const data = /"data":"([^"]+)"/.exec(body.toString())?.[1] ?? '';
        return Buffer.from(data, 'base64').toString().includes('"shard":1,') ? 500 : undefined;
      };
      const uri = await of().drop('mlp/poisoned.jsonl', jsonLines(600, { bad: () => false }), KEYED);
      const job = await of()
        .finished(uri)
        .finally(() => {
          score.intercept = undefined;
        });
      expect(job).toMatchObject({
        state: 'JOB_STATE_PARTIALLY_SUCCEEDED',
        completionStats: { successfulCount: 400, failedCount: 200 },
      });
      const lines = (await of().results(job)).trim().split('\n');
      expect(lines).toHaveLength(600);
      expect(lines[200]).toMatch(/^\{"key":9007199254740993000200,"error":\{"code":13,/);
    });

    it('messages that are no tasks are refused, end among the dead letters, and are not delivered for ever', async () => {
      const { stack } = of();
      const pubsub = createPubSub({
        projectId: stack.projectId,
        pubsubEmulatorHost: stack.env['PUBSUB_EMULATOR_HOST'] ?? '',
      });
      const garbage = [
        Buffer.from('hello'),
        Buffer.from([0xff, 0x00]),
        Buffer.from('{"kind":"commit","job":"../x"}'),
        Buffer.alloc(200_000, 'x'),
      ];
      const refusals = (): number => of().lines.filter((line) => line.includes('"refused: ')).length;
      const buried = (): number =>
        of().lines.filter((line) => line.startsWith('dead-letter ') && line.includes('"refused: ')).length;
      for (const topic of ['splits', 'shards', 'assembly']) {
        for (const data of garbage)
          await pubsub.topic(`${stack.env['FANFOLD_TOPIC_PREFIX'] ?? ''}${topic}`).publishMessage({ data });
      }
      await pubsub.close();
      // The pipeline works on.
      const job = await of().finished(await of().drop('mlp/among.jsonl', jsonLines(50), KEYED));
      expect(idOf(job)).not.toBe('');
      await of().until(
        'the dead letters',
        () => Promise.resolve(buried() >= 3 * garbage.length ? true : undefined),
        90_000,
      );
      const settled = refusals();
      await sleep(4_000);
      expect(refusals()).toBe(settled);
    });
  });
}
