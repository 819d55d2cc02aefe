import { setTimeout as sleep } from 'node:timers/promises';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Batcher } from '../../../functions/predict/batcher.ts';
import type { Target } from '../../../functions/predict/batcher.ts';
import { PREDICT_LIMITS } from '../../../functions/predict/limits.ts';
import { PermanentError } from '../../../shared/errors.ts';
import type { ScoredShard, Scorer, ScoreRequest } from '../../../shared/ports.ts';
import { expectPermanent } from '../../contract/builders.ts';

const LIMITS = { ...PREDICT_LIMITS, maxQueuedRequests: 100, maxBatchRows: 8 };
const TARGET: Target = { model: { model: 'm', version: '1', digest: 'd' }, signatureName: 'serving_default' };

/** Echoes each line as its prediction, once it is let go; remembers the rows of each call. */
class EchoScorer implements Pick<Scorer, 'score'> {
  readonly calls: number[] = [];
  readonly #held: (() => void)[] = [];
  hold = false;

  async score({ content = new Uint8Array(), shard }: ScoreRequest): Promise<ScoredShard> {
    this.calls.push(shard.rows);
    if (this.hold) await new Promise<void>((go) => this.#held.push(go));
    const text = Buffer.from(content).toString();
    if (text.includes('"crash"')) throw new Error('the worker died');
    if (text.includes('"gone"')) throw new PermanentError('NOT_FOUND', 'the model is gone');
    const lines = text.replaceAll(/^.*$/gm, (line) => (line === '' ? '' : `{"prediction":${line}}`));
    return { lines: Buffer.from(lines), rows: shard.rows, failed: 0, errors: [] };
  }

  release(): void {
    for (const go of this.#held.splice(0)) go();
  }
}

function linesOf(...values: readonly unknown[]): { bytes: Buffer; rows: number } {
  return { bytes: Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join('')), rows: values.length };
}

async function ask(batcher: Batcher, ...values: readonly unknown[]): Promise<unknown[]> {
  const answer = (await batcher.score(TARGET, linesOf(...values))).toString();
  return answer
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { prediction: unknown }).prediction);
}

describe('the batcher', () => {
  it('scores a request at once where nothing runs', async () => {
    const scorer = new EchoScorer();
    const asked = ask(new Batcher(scorer, LIMITS, 1), 1, 2);
    expect(scorer.calls).toEqual([2]);
    expect(await asked).toEqual([1, 2]);
  });

  it('joins what comes while a batch is being scored, up to its most rows', async () => {
    const scorer = new EchoScorer();
    const batcher = new Batcher(scorer, LIMITS, 1);
    scorer.hold = true;
    const asked = [[1], [2, 3, 4], [5, 6, 7, 8], [9, 10]].map((values) => ask(batcher, ...values));
    expect(batcher.queued).toBe(3);
    scorer.hold = false;
    scorer.release();
    expect(await Promise.all(asked)).toEqual([[1], [2, 3, 4], [5, 6, 7, 8], [9, 10]]);
    expect(scorer.calls).toEqual([1, 7, 2]);
    expect(batcher.queued).toBe(0);
  });

  it('begins another batch beside a slow one: when it is full, or after a moment', async () => {
    const scorer = new EchoScorer();
    const batcher = new Batcher(scorer, LIMITS, 3);
    scorer.hold = true;
    const asked = [ask(batcher, 1), ask(batcher, 2, 3, 4, 5), ask(batcher, 6, 7, 8, 9)];
    expect(scorer.calls).toEqual([1, 8]);
    asked.push(ask(batcher, 10));
    expect(scorer.calls).toEqual([1, 8]);
    while (scorer.calls.length < 3) await sleep(1);
    scorer.release();
    expect(await Promise.all(asked)).toEqual([[1], [2, 3, 4, 5], [6, 7, 8, 9], [10]]);
  });

  it('never mixes versions or signatures', async () => {
    const scorer = new EchoScorer();
    const batcher = new Batcher(scorer, LIMITS, 1);
    const others: readonly Target[] = [
      { ...TARGET, signatureName: 'other' },
      { ...TARGET, model: { ...TARGET.model, digest: 'e' } },
    ];
    scorer.hold = true;
    const asked = [TARGET, ...others].map((target) => batcher.score(target, linesOf(1)));
    expect(scorer.calls).toEqual([1, 1, 1]);
    scorer.release();
    await Promise.all(asked);
  });

  it('refuses a request where too many wait, and takes it when there is room again', async () => {
    const scorer = new EchoScorer();
    const batcher = new Batcher(scorer, { ...LIMITS, maxQueuedRequests: 1 }, 1);
    scorer.hold = true;
    const asked = [ask(batcher, 1), ask(batcher, 2)];
    await expectPermanent(
      Promise.resolve().then(() => ask(batcher, 3)),
      'RESOURCE_EXHAUSTED',
      /1 requests wait already/,
    );
    scorer.hold = false;
    scorer.release();
    await Promise.all(asked);
    expect(await ask(batcher, 3)).toEqual([3]);
  });

  it('scores requests one by one where they fail together', async () => {
    const scorer = new EchoScorer();
    const batcher = new Batcher(scorer, LIMITS, 1);
    scorer.hold = true;
    const asked = [ask(batcher, 0), ask(batcher, 1), ask(batcher, 'crash'), ask(batcher, 2)];
    scorer.hold = false;
    scorer.release();
    const settled = await Promise.allSettled(asked);
    expect(settled.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
      [0],
      [1],
      'Error: the worker died',
      [2],
    ]);
  });

  it('tells all of a batch what no other attempt can mend', async () => {
    const scorer = new EchoScorer();
    const batcher = new Batcher(scorer, LIMITS, 1);
    scorer.hold = true;
    const asked = [ask(batcher, 0), ask(batcher, 1), ask(batcher, 'gone')];
    scorer.hold = false;
    scorer.release();
    expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect(scorer.calls).toEqual([1, 2]);
  });

  it('answers each of many concurrent requests with its own rows, whatever is joined', async () => {
    const requests = fc.array(fc.array(fc.integer(), { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        requests,
        fc.integer({ min: 1, max: 3 }),
        fc.scheduler(),
        async (all, concurrency, scheduler) => {
          const echo = new EchoScorer();
          const scorer = {
            score: (request: ScoreRequest): Promise<ScoredShard> =>
              scheduler.schedule(Promise.resolve()).then(() => echo.score(request)),
          };
          const batcher = new Batcher(scorer, { ...LIMITS, batchDelayMs: 1 }, concurrency);
          const asked = Promise.all(all.map((values, index) => ask(batcher, ...values.map((value) => [index, value]))));
          expect(await scheduler.waitFor(asked)).toEqual(
            all.map((values, index) => values.map((value) => [index, value])),
          );
          const rows = all.reduce((sum, values) => sum + values.length, 0);
          expect(echo.calls.reduce((sum, call) => sum + call, 0)).toBe(rows);
        },
      ),
      { numRuns: 50 },
    );
  });
});
