import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Fifo } from '../../../infra/local/fifo.ts';
import { LocalQueue } from '../../../infra/local/queue.ts';
import type { LocalQueueOptions } from '../../../infra/local/queue.ts';
import { MemoryLogger } from '../../../infra/memory/logger.ts';
import type { Message } from '../../../shared/messages.ts';
import { makeTask } from '../../contract/builders.ts';

const BACKOFF = { minMs: 100, maxMs: 1000, multiplier: 3, jitter: 0 };
const commit: Message = { kind: 'commit', job: 'job-1' };
const tasks = (count: number, from = 0): Message[] =>
  Array.from({ length: count }, (_, index) => makeTask(from + index));
const indexOf = (message: Message): number => (message.kind === 'split' ? message.split : -1);

describe('the queue of one process', () => {
  let log: MemoryLogger;
  let dead: { message: Message; error: unknown }[];
  beforeEach(() => {
    vi.useFakeTimers();
    log = new MemoryLogger();
    dead = [];
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function makeQueue(
    splits: (message: Message, context: { readonly attempt: number }) => Promise<void>,
    options: Partial<LocalQueueOptions> = {},
  ): LocalQueue {
    return new LocalQueue({
      handlers: { splits, shards: () => Promise.resolve(), assembly: () => Promise.resolve() },
      deadLetter: (message, error) => {
        dead.push({ message, error });
        return Promise.resolve();
      },
      concurrency: { splits: 1, shards: 1, assembly: 1 },
      backoff: BACKOFF,
      logger: log,
      ...options,
    });
  }

  /** A handler that the test lets go on, message by message. */
  function gate(): { handler: () => Promise<void>; running: () => number; open: () => Promise<void> } {
    const waiting: (() => void)[] = [];
    return {
      handler: () => new Promise<void>((resolve) => waiting.push(resolve)),
      running: () => waiting.length,
      open: async () => {
        waiting.shift()?.();
        await vi.advanceTimersByTimeAsync(0);
      },
    };
  }

  it('hands out first what was published first', async () => {
    const seen: number[] = [];
    const queue = makeQueue((message) => {
      seen.push(indexOf(message));
      return Promise.resolve();
    });
    await queue.publish(tasks(3000));
    await queue.idle();
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen).toHaveLength(3000);
  });

  it('runs no more of a topic at once than it may, and topics beside each other', async () => {
    const splits = gate();
    const assembly = gate();
    const queue = makeQueue(splits.handler, {
      handlers: { splits: splits.handler, shards: splits.handler, assembly: assembly.handler },
      concurrency: { splits: 3, shards: 1, assembly: 1 },
    });
    await queue.publish([...tasks(5), commit, commit]);
    await vi.advanceTimersByTimeAsync(0);
    expect([splits.running(), assembly.running()]).toEqual([3, 1]);
    expect(queue.stats().topics.splits).toEqual({ waiting: 2, running: 3, retrying: 0 });
    await splits.open();
    expect(splits.running()).toBe(3);
    expect(queue.stats().topics.splits).toEqual({ waiting: 1, running: 3, retrying: 0 });
  });

  it('never runs a handler inside the call that published', async () => {
    let inside = true;
    const queue = makeQueue(() => {
      expect(inside).toBe(false);
      return Promise.resolve();
    });
    const published = queue.publish(tasks(1));
    inside = false;
    await published;
    await queue.idle();
    expect(log.entries).toEqual([]);
  });

  it('waits longer before each further attempt, up to the longest wait', async () => {
    const times: number[] = [];
    const attempts: number[] = [];
    const queue = makeQueue(
      (_message, { attempt }) => {
        times.push(Date.now());
        attempts.push(attempt);
        return attempt < 6 ? Promise.reject(new Error('not yet')) : Promise.resolve();
      },
      { maxAttempts: 6 },
    );
    await queue.publish(tasks(1));
    await vi.advanceTimersByTimeAsync(50);
    expect(queue.stats().topics.splits).toEqual({ waiting: 0, running: 0, retrying: 1 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(times.slice(1).map((time, index) => time - (times[index] ?? 0))).toEqual([100, 300, 900, 1000, 1000]);
    expect(attempts).toEqual([1, 2, 3, 4, 5, 6]);
    expect(dead).toEqual([]);
    await queue.idle();
  });

  it('takes a random share off each wait', async () => {
    const waits: number[] = [];
    const queue = makeQueue(() => Promise.reject(new Error('no')), {
      backoff: { ...BACKOFF, jitter: 0.5 },
      random: () => 0.5,
      maxAttempts: 3,
      schedule: (run, milliseconds) => {
        waits.push(milliseconds);
        queueMicrotask(run);
        return () => undefined;
      },
    });
    await queue.publish(tasks(1));
    await queue.idle();
    expect(waits).toEqual([75, 225]);
  });

  it('gives a message that failed five times to the dead-letter handler, with the last failure', async () => {
    let attempts = 0;
    const queue = makeQueue(() => Promise.reject(new Error(`failure ${++attempts}`)));
    await queue.publish(tasks(1));
    await vi.advanceTimersByTimeAsync(60_000);
    await queue.idle();
    expect(attempts).toBe(5);
    expect(dead).toEqual([{ message: makeTask(0), error: new Error('failure 5') }]);
    expect(queue.stats()).toMatchObject({ deadLettered: 1, lost: 0 });
    expect(log.entries.every((entry) => entry.severity === 'WARNING')).toBe(true);
    expect(log.entries.at(-1)).toMatchObject({ fields: { kind: 'split', split: 0, attempt: 5, error: 'failure 5' } });
  });

  it('goes on with others while one is retried', async () => {
    const done: number[] = [];
    const queue = makeQueue((message) => {
      if (indexOf(message) === 0) return Promise.reject(new Error('poison'));
      done.push(indexOf(message));
      return Promise.resolve();
    });
    await queue.publish(tasks(10));
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toHaveLength(9);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(dead).toHaveLength(1);
  });

  it('retries the dead-letter handler, and counts as lost what it cannot take', async () => {
    let failures = 3;
    const deadLetter = (message: Message): Promise<void> =>
      indexOf(message) === 1 || failures-- > 0 ? Promise.reject(new Error('ledger down')) : Promise.resolve();
    const queue = makeQueue(() => Promise.reject(new Error('no')), { deadLetter });
    await queue.publish(tasks(2));
    await vi.advanceTimersByTimeAsync(60_000);
    await queue.idle();
    expect(queue.stats()).toMatchObject({ deadLettered: 2, lost: 1 });
    expect(queue.lost).toEqual([{ message: makeTask(1), error: new Error('ledger down') }]);
    expect(log.entries.filter((entry) => entry.severity === 'ERROR')).toMatchObject([{ fields: { split: 1 } }]);
  });

  it('survives a handler that throws at once', async () => {
    const queue = makeQueue(() => {
      throw new Error('at once');
    });
    await queue.publish(tasks(1));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(dead).toHaveLength(1);
  });

  it('holds a publisher back at the high-water mark, and nobody else', async () => {
    const splits = gate();
    const queue = makeQueue(splits.handler, { highWater: { splits: 2 } });
    let published = false;
    const publishing = queue.publish(tasks(5)).then(() => (published = true));
    await vi.advanceTimersByTimeAsync(0);
    expect(queue.stats().topics.splits).toEqual({ waiting: 2, running: 1, retrying: 0 });
    await queue.publish([commit]); // another topic does not wait
    await splits.open();
    expect(queue.stats().topics.splits.waiting).toBe(2);
    expect(published).toBe(false);
    await splits.open();
    expect(published).toBe(true);
    await publishing;
    for (let n = 0; n < 5; n++) await splits.open();
    await queue.idle();
  });

  it('is not idle while a publisher waits', async () => {
    const queue = makeQueue(() => Promise.resolve(), { highWater: { splits: 1 } });
    const seen: string[] = [];
    void queue.publish(tasks(50)).then(() => seen.push('published'));
    await queue.idle();
    expect(queue.stats().topics.splits).toEqual({ waiting: 0, running: 0, retrying: 0 });
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual(['published']);
  });

  it('is idle when it is new, and again after what handlers publish', async () => {
    const seen: number[] = [];
    const queue: LocalQueue = makeQueue(async (message) => {
      seen.push(indexOf(message));
      if (indexOf(message) < 20) await queue.publish([makeTask(indexOf(message) + 1)]);
    });
    await queue.idle();
    await queue.publish(tasks(1));
    await queue.idle();
    expect(seen).toHaveLength(21);
  });

  describe('closing', () => {
    it('with drain, ends everything first, retries too', async () => {
      let failures = 2;
      const queue = makeQueue(() => (failures-- > 0 ? Promise.reject(new Error('no')) : Promise.resolve()));
      await queue.publish(tasks(3));
      let closed = false;
      const closing = queue.close({ drain: true }).then(() => (closed = true));
      await vi.advanceTimersByTimeAsync(50);
      expect(closed).toBe(false);
      await vi.advanceTimersByTimeAsync(1000);
      expect(closed).toBe(true);
      await closing;
      await expect(queue.publish(tasks(1))).rejects.toThrow('closed');
    });

    it('without drain, waits only for what is running', async () => {
      const splits = gate();
      const queue = makeQueue(splits.handler, { highWater: { splits: 1 } });
      const publishing = queue.publish(tasks(5));
      const refused = expect(publishing).rejects.toThrow('closed');
      await vi.advanceTimersByTimeAsync(0);
      let closed = false;
      const closing = queue.close({ drain: false }).then(() => (closed = true));
      await refused; // a publisher that waits is told
      expect(closed).toBe(false);
      await splits.open();
      await closing;
      expect(splits.running()).toBe(0);
      await queue.idle();
      await queue.close({ drain: true });
    });

    it('without drain, calls retries off and leaves no timer', async () => {
      const queue = makeQueue(() => Promise.reject(new Error('no')));
      await queue.publish(tasks(3));
      await vi.advanceTimersByTimeAsync(0);
      expect(vi.getTimerCount()).toBe(3);
      await queue.close({ drain: false });
      expect(vi.getTimerCount()).toBe(0);
      expect(dead).toEqual([]);
    });
  });

  it('takes a million messages', async () => {
    vi.useRealTimers();
    let seen = 0;
    const queue = makeQueue(() => {
      seen++;
      return Promise.resolve();
    });
    await queue.publish(Array<Message>(1_000_000).fill(commit));
    await queue.publish(tasks(1));
    await queue.idle();
    expect(seen).toBe(1);
    expect(queue.stats().topics.assembly).toEqual({ waiting: 0, running: 0, retrying: 0 });
  });
});

describe('Fifo', () => {
  it('gives back in order whatever was pushed, however pushes and shifts alternate', () => {
    const fifo = new Fifo<number>();
    const out: number[] = [];
    for (let next = 0, round = 0; next < 20_000; round++) {
      for (let n = 0; n < (round * 7) % 50; n++) fifo.push(next++);
      for (let n = 0; n < (round * 5) % 40; n++) {
        const item = fifo.shift();
        if (item !== undefined) out.push(item);
      }
    }
    while (fifo.size > 0) out.push(fifo.shift() as number);
    expect(out.every((item, index) => item === index)).toBe(true);
    expect(fifo.shift()).toBeUndefined();
  });
});
