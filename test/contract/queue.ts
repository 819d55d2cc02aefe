import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { TOPICS, topicOf } from '../../shared/messages.ts';
import type { Message } from '../../shared/messages.ts';
import type { Queue } from '../../shared/ports.ts';
import { makeTask, uniqueName } from './builders.ts';

export interface QueueSubject {
  readonly queue: Queue;
  close?(): Promise<void>;
}

export interface QueueContractOptions {
  /** Whether the adapter itself delivers again what a handler failed (with a delay of less than `timeout`). */
  readonly redelivers: boolean;
  /** How long a delivery may take, in milliseconds. */
  readonly timeout?: number;
}

/** @param makeQueue sets up a queue that hands every message of every topic to the handler. */
export function queueContract(
  name: string,
  makeQueue: (handler: (message: Message) => Promise<void>) => Promise<QueueSubject>,
  { redelivers, timeout = 5_000 }: QueueContractOptions,
): void {
  describe(`queue: ${name}`, () => {
    let subject: QueueSubject;
    let job: string;
    let delivered: Message[];
    let handle: (message: Message) => Promise<void>;

    beforeEach(async () => {
      job = uniqueName('job');
      delivered = [];
      handle = () => Promise.resolve();
      subject = await makeQueue((message) => {
        if (message.job === job) delivered.push(message); // a stranger's: left over from another test
        return handle(message);
      });
    });
    afterEach(async () => {
      await subject.close?.();
    });

    const kinds = (): readonly Message[] => [
      makeTask(0, job),
      {
        kind: 'score',
        job,
        split: 1,
        shard: 2,
        object: { bucket: 'input', name: 'a/é 😀.jsonl', generation: '1234567890123456' },
        start: 2 ** 40,
        end: 2 ** 40 + 5,
        rows: 3,
        oversize: false,
      },
      { kind: 'assemble', job, split: 3 },
      { kind: 'commit', job },
    ];

    const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout, interval: 10 });

    it('delivers every kind of message as it was published', async () => {
      const messages = kinds();
      expect(new Set(messages.map(topicOf))).toEqual(new Set(Object.keys(TOPICS)));
      await subject.queue.publish(messages);
      await until(() => {
        expect(unique(delivered)).toEqual(unique(messages));
      });
    });

    it('delivers each of many messages at least once', async () => {
      const messages = Array.from({ length: 2_500 }, (_, split) => makeTask(split, job));
      await Promise.all([
        subject.queue.publish(messages.slice(0, 1_200)),
        subject.queue.publish(messages.slice(1_200)),
      ]);
      await until(() => {
        expect(new Set(delivered.map((message) => message.kind === 'split' && message.split)).size).toBe(
          messages.length,
        );
      });
    });

    it('takes an empty publish', async () => {
      await subject.queue.publish([]);
      expect(delivered).toEqual([]);
    });

    it.runIf(redelivers)('delivers again what a handler failed', async () => {
      let failures = 2;
      handle = (message) =>
        message.job === job && failures-- > 0 ? Promise.reject(new Error('not yet')) : Promise.resolve();
      await subject.queue.publish([makeTask(7, job)]);
      await until(() => {
        expect(delivered.length).toBeGreaterThanOrEqual(3);
      });
    });

    it.runIf(redelivers)('goes on with others while one keeps failing', async () => {
      handle = (message) =>
        message.kind === 'split' && message.split === 0 ? Promise.reject(new Error('poison')) : Promise.resolve();
      await subject.queue.publish(Array.from({ length: 20 }, (_, split) => makeTask(split, job)));
      await until(() => {
        expect(new Set(delivered.map((message) => message.kind === 'split' && message.split)).size).toBe(20);
      });
    });
  });
}

/** In an order of its own: neither duplicates nor order count. */
function unique(messages: readonly Message[]): readonly string[] {
  const sorted = (_key: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return [...new Set(messages.map((message) => JSON.stringify(message, sorted)))].sort();
}
