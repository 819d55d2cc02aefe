import { expect, test } from 'vitest';

import { assemble } from '../../functions/finalize/assemble.ts';
import { checkTask } from '../../functions/http/check-task.ts';
import { JobCache } from '../../functions/score/job-cache.ts';
import { score } from '../../functions/score/score.ts';
import { split } from '../../functions/split/split.ts';
import { ManualClock } from '../../infra/memory/clock.ts';
import { MemoryLogger } from '../../infra/memory/logger.ts';
import { MemoryObjectStore } from '../../infra/memory/object-store.ts';
import { MemoryQueue } from '../../infra/memory/queue.ts';
import { resultId } from '../../shared/names.ts';
import { PRICES, QUOTAS } from '../../shared/prices.ts';
import { makeJob } from '../contract/builders.ts';
import type { Operation } from './recording-ledger.ts';
import { recordingLedger } from './recording-ledger.ts';

/**
 * 1 TB scored by 10,000 at once, second by second. What one split, one shard and one assembly ask of the ledger is not assumed: the real handlers
 * run over a recording ledger, and the simulation repeats what they did for every split and shard.
 */
const SPLITS = 16_384;
const SHARDS_PER_SPLIT = 72; // 64 MiB of 10,000-row shards, 93 bytes a row
const SCORERS = 10_000;
const SCORERS_PER_INSTANCE = 2;
const SPLITTERS = 100;
const SECONDS_PER_SHARD = { least: 3, most: 6 };
const SECONDS_PER_SPLIT = { least: 1, most: 3 };
const CACHE_SECONDS = 30;

interface Footprint {
  readonly split: readonly Operation[];
  readonly score: readonly Operation[];
  readonly assemble: readonly Operation[];
}

/** What each handler does to the ledger, from a real job of two splits of two shards. */
async function footprint(): Promise<Footprint> {
  const objects = new MemoryObjectStore();
  const { object } = await objects.create('in', 'x.jsonl', Buffer.from('1\n2\n3\n4\n'));
  const { spec, plan } = makeJob();
  const input = { ...object, format: 'jsonl', compression: 'none', headerBytes: 0 } as const;
  const job = makeJob({
    id: 'job',
    state: 'JOB_STATE_RUNNING',
    plan: { ...plan, inputs: [input], splitBytes: 4, splits: 2 },
    spec: { ...spec, maxItemsPerBatch: 1 },
  });
  const { ledger, take } = recordingLedger();
  const queue = new MemoryQueue();
  const clock = new ManualClock();
  const ports = {
    objects,
    ledger,
    queue,
    clock,
    logger: new MemoryLogger(),
    jobs: new JobCache(ledger, clock),
    scorer: {
      score: () => Promise.resolve({ lines: Buffer.from('{}\n'), rows: 1, failed: 0, errors: [] }),
      inspect: () => Promise.reject(new Error('not asked for')),
    },
  };
  await ledger.createJob(job);
  take();
  await split(ports, { kind: 'split', job: job.id, split: 0 });
  const splitting = take();
  const tasks = queue.messages.filter((message) => message.kind === 'score');
  const [first, second] = tasks;
  if (first === undefined || second === undefined) throw new Error('no shards');
  await score(ports, first);
  take(); // the job was looked up; from now on it is remembered
  await checkTask(ledger, ports.jobs, second);
  await score(ports, second);
  const scoring = take();
  await assemble(ports, { kind: 'assemble', job: job.id, split: 0 });
  const assembling = take();
  return { split: splitting, score: scoring, assemble: assembling };
}

/** An operation of the recorded split or shard, to be repeated for another: `place` lacks that one's name. */
interface Repeated {
  readonly kind: Operation['kind'];
  readonly place: string;
  readonly isResult: boolean;
}

function repeated(operations: readonly Operation[]): readonly Repeated[] {
  return operations
    .filter(({ document }) => document.includes('/'))
    .map(({ kind, document }) => {
      const isResult = document.includes('/results/');
      const place = isResult
        ? document.slice(0, document.lastIndexOf('/') + 1)
        : document.replace(/(\/|split=)0+$/, '$1');
      return { kind, place, isResult };
    });
}

/** Most operations in any one second, by what was asked; and in all. */
class Meter {
  readonly #peaks = new Map<string, number>();
  readonly #now = new Map<string, number>();
  #second = -1;

  add(second: number, what: string): void {
    if (second !== this.#second) {
      this.#now.clear();
      this.#second = second;
    }
    const count = (this.#now.get(what) ?? 0) + 1;
    this.#now.set(what, count);
    if (count > (this.#peaks.get(what) ?? 0)) this.#peaks.set(what, count);
  }

  peak(matching: RegExp): { readonly what: string; readonly perSecond: number } {
    let most = { what: '', perSecond: 0 };
    for (const [what, perSecond] of this.#peaks) {
      if (matching.test(what) && perSecond > most.perSecond) most = { what, perSecond };
    }
    return most;
  }
}

/** Deterministic numbers in [0, 1). */
function makeRandom(): () => number {
  let state = 7;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function simulate(print: Footprint): { meter: Meter; prefixes: Map<string, number>; seconds: number } {
  const [split, score, assemble] = [repeated(print.split), repeated(print.score), repeated(print.assemble)];
  const random = makeRandom();
  const meter = new Meter();
  const prefixes = new Map<string, number>();
  const duration = ({ least, most }: { least: number; most: number }): number =>
    least + Math.floor(random() * (most - least + 1));
  const left = new Int32Array(SPLITS).fill(SHARDS_PER_SPLIT);
  const waiting: { split: number; shard: number }[] = [];
  const endings = new Map<number, (() => void)[]>();
  const at = (second: number, ending: () => void): void => {
    endings.set(second, [...(endings.get(second) ?? []), ending]);
  };
  const on = (now: number, operations: readonly Repeated[], splitIndex: number, shard: number): void => {
    const result = shard < 0 ? '' : resultId(splitIndex, shard);
    for (const { kind, place, isResult } of operations) {
      meter.add(now, `${kind} ${place}${isResult ? result : splitIndex}`);
    }
    if (result !== '') prefixes.set(result.slice(0, 2), (prefixes.get(result.slice(0, 2)) ?? 0) + 1);
  };
  let nextSplit = 0;
  let splitting = 0;
  let scoring = 0;
  let taken = 0;
  let parts = 0;
  let second = 0;
  for (; parts < SPLITS; second++) {
    const now = second;
    for (const end of endings.get(now) ?? []) end();
    endings.delete(now);
    if (now % CACHE_SECONDS === 0) {
      // every instance's memory of the job runs out once in so many seconds: spread, not all at once
      for (let i = 0; i < SCORERS / SCORERS_PER_INSTANCE / CACHE_SECONDS; i++) meter.add(now, 'read jobs/job');
    }
    for (
      ;
      splitting < SPLITTERS && nextSplit < SPLITS && waiting.length - taken < 4 * SCORERS;
      nextSplit++, splitting++
    ) {
      const index = nextSplit;
      at(now + duration(SECONDS_PER_SPLIT), () => {
        splitting--;
        on(second, split, index, -1);
        for (let shard = 0; shard < SHARDS_PER_SPLIT; shard++) waiting.push({ split: index, shard });
        meter.add(second, 'publish splits');
      });
    }
    for (; scoring < SCORERS && taken < waiting.length; scoring++) {
      const shard = waiting[taken++];
      if (shard === undefined) break;
      at(now + duration(SECONDS_PER_SHARD), () => {
        scoring--;
        on(second, score, shard.split, shard.shard);
        meter.add(second, 'publish shards');
        left[shard.split] = (left[shard.split] ?? 0) - 1;
        if (left[shard.split] !== 0) return;
        meter.add(second, 'publish assembly');
        parts++;
        on(second, assemble, shard.split, -1);
      });
    }
  }
  return { meter, prefixes, seconds: second };
}

test('10,000 scorers on 1 TB ask no document, prefix or topic for more than its limit', async () => {
  const { meter, prefixes, seconds } = simulate(await footprint());
  const rows = (what: string, { perSecond }: { perSecond: number }): string => `  ${what.padEnd(44)}${perSecond} /s\n`;
  const writes = {
    job: meter.peak(/^write jobs\/[^/]+$/),
    split: meter.peak(/^write .*\/splits\//),
    result: meter.peak(/^write .*\/results\//),
    part: meter.peak(/^write .*\/parts\//),
  };
  process.stdout.write(
    `1 TB, ${SPLITS} splits, ${SPLITS * SHARDS_PER_SPLIT} shards, ${SCORERS} scorers: ${seconds} s\n` +
      rows('writes of the job document', writes.job) +
      rows('reads of the job document', meter.peak(/^read jobs\/[^/]+$/)) +
      rows("writes of a split's record", writes.split) +
      rows("reads of a split's record", meter.peak(/^read .*\/splits\//)) +
      rows('writes of one result', writes.result) +
      rows("counts of one split's results", meter.peak(/^count .*results/)) +
      rows("counts of the job's parts", meter.peak(/^count .*parts/)) +
      rows('messages on the busiest topic', meter.peak(/^publish/)),
  );
  // No document is written more than once: the fan-in counts a set, nobody increments anything.
  for (const { perSecond, what } of Object.values(writes)) {
    expect(perSecond, what).toBeLessThanOrEqual(QUOTAS.writesPerSecondOfOneName);
  }
  expect(meter.peak(/^read /).perSecond, meter.peak(/^read /).what).toBeLessThan(QUOTAS.firestoreStartPerSecond);
  // A split's results are counted by its own scorers only: at most once for each of its shards.
  expect(meter.peak(/^count .*results/).perSecond).toBeLessThanOrEqual(SHARDS_PER_SPLIT);
  expect(meter.peak(/^count .*parts/).perSecond).toBeLessThan(QUOTAS.firestoreStartPerSecond);
  // Hashed ids: writes spread over the key space, so no range of it is hot.
  const average = [...prefixes.values()].reduce((sum, count) => sum + count, 0) / prefixes.size;
  expect(prefixes.size).toBe(256);
  expect(Math.max(...prefixes.values())).toBeLessThan(1.2 * average);
  expect(meter.peak(/^publish/).perSecond * PRICES.pubsubMinimumBytes).toBeLessThan(QUOTAS.pubsubPushBytesPerSecond);
});
