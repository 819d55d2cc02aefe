import { toErrorInfo } from '../../shared/errors.ts';
import { TOPICS, topicOf } from '../../shared/messages.ts';
import type { Message, Topic } from '../../shared/messages.ts';
import type { Logger, Queue } from '../../shared/ports.ts';
import { Fifo } from './fifo.ts';

/** Waits between attempts: `minMs` after the first failure, `multiplier` times as long after each further one, up to `maxMs`. */
interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
  readonly multiplier: number;
  /** The share of the wait that is random (0–1): failures of one moment then do not come back in one moment. */
  readonly jitter: number;
}

const DEFAULT_BACKOFF: Backoff = { minMs: 100, maxMs: 10_000, multiplier: 3, jitter: 0.5 };
/** As the deployed subscriptions' dead-letter policy: the least that Pub/Sub takes. */
const DEFAULT_MAX_ATTEMPTS = 5;

/** Calls `run` after the wait; the answer calls it off. */
export type Schedule = (run: () => void, milliseconds: number) => () => void;

export interface LocalQueueOptions {
  /** Whatever a handler throws is retried: it records permanent errors itself. `attempt` counts from 1. */
  readonly handlers: Readonly<
    Record<Topic, (message: Message, context: { readonly attempt: number }) => Promise<void>>
  >;
  /** Takes a message whose attempts all failed, with the last failure; retried in its turn as often. */
  readonly deadLetter: (message: Message, error: unknown) => Promise<void>;
  /** How many messages of a topic are handled at once. */
  readonly concurrency: Readonly<Record<Topic, number>>;
  readonly maxAttempts?: number;
  readonly backoff?: Backoff;
  /** `publish` waits while so many messages of the topic are waiting. A handler must not publish to its own topic under such a mark. */
  readonly highWater?: Readonly<Partial<Record<Topic, number>>>;
  readonly logger?: Logger;
  readonly schedule?: Schedule;
  /** In [0, 1). */
  readonly random?: () => number;
}

interface TopicStats {
  readonly waiting: number;
  readonly running: number;
  /** Failed, and waiting for their next attempt. */
  readonly retrying: number;
}

export interface LocalQueueStats {
  readonly topics: Readonly<Record<Topic, TopicStats>>;
  readonly deadLettered: number;
  readonly lost: number;
}

/** A message that neither its handler nor the dead-letter handler could take. */
export interface LostMessage {
  readonly message: Message;
  readonly error: unknown;
}

/**
 * One message's way:
 *
 *   waiting ──▶ running ──▶ done
 *      ▲           │ failed
 *      └─ retrying ◀┘         after the last attempt: waiting again, for the dead-letter handler (`buried`); after *its* last: lost
 */
interface Delivery {
  readonly message: Message;
  readonly attempt: number;
  /** Set once the message is for the dead-letter handler: the failure that brought it there. */
  readonly buried?: { readonly error: unknown };
}

interface Lane {
  readonly topic: Topic;
  readonly waiting: Fifo<Delivery>;
  readonly concurrency: number;
  readonly highWater: number;
  running: number;
  retrying: number;
  /** Publishers that wait for room. */
  blocked: (() => void)[];
}

/** The queue of one process, in memory: what is in it when the process ends is found again by the sweep. */
export class LocalQueue implements Queue {
  /** What was lost so far: each was logged as an error. */
  readonly lost: LostMessage[] = [];
  readonly #options: LocalQueueOptions;
  readonly #lanes: Readonly<Record<Topic, Lane>>;
  readonly #retries = new Set<() => void>();
  readonly #schedule: Schedule;
  readonly #maxAttempts: number;
  /** Messages published and neither done nor lost. */
  #pending = 0;
  #deadLettered = 0;
  #closed = false;
  #watchers: (() => void)[] = [];

  constructor(options: LocalQueueOptions) {
    this.#options = options;
    this.#schedule = options.schedule ?? scheduleTimer;
    this.#maxAttempts = options.maxAttempts ?? DEFAULT_MAX_ATTEMPTS;
    this.#lanes = mapTopics((topic) => ({
      topic,
      waiting: new Fifo<Delivery>(),
      concurrency: options.concurrency[topic],
      highWater: options.highWater?.[topic] ?? Infinity,
      running: 0,
      retrying: 0,
      blocked: [],
    }));
  }

  /**
   * Resolves once all are queued, which waits where a topic is at its high-water mark.
   * @throws Error when the queue is closed, also while it waits: some may be queued by then.
   */
  async publish(messages: readonly Message[]): Promise<void> {
    this.#pending += messages.length; // before any wait: the queue is not idle while a publisher is blocked
    let queued = 0;
    try {
      for (const message of messages) {
        const lane = this.#lanes[topicOf(message)];
        while (!this.#closed && lane.waiting.size >= lane.highWater)
          await new Promise<void>((wake) => lane.blocked.push(wake));
        if (this.#closed) throw new Error('the queue is closed');
        queued++;
        lane.waiting.push({ message, attempt: 1 });
        this.#pump(lane);
      }
    } finally {
      this.#settle(messages.length - queued);
    }
  }

  /** Resolves when no message is waiting, running or to be retried; or the queue is closed. */
  async idle(): Promise<void> {
    await this.#until(() => this.#closed || this.#pending === 0);
  }

  /**
   * With `drain`, ends when everything that is queued, and what that publishes, is done; without, hands out nothing more and waits
   * for what is running. The queue takes no message afterwards.
   */
  async close(options: { readonly drain: boolean }): Promise<void> {
    if (options.drain) await this.idle();
    this.#closed = true;
    for (const cancel of this.#retries) cancel();
    this.#retries.clear();
    for (const lane of Object.values(this.#lanes)) wakeAll(lane);
    this.#settle(0);
    await this.#until(() => Object.values(this.#lanes).every((lane) => lane.running === 0));
  }

  stats(): LocalQueueStats {
    return {
      topics: mapTopics((topic) => {
        const { waiting, running, retrying } = this.#lanes[topic];
        return { waiting: waiting.size, running, retrying };
      }),
      deadLettered: this.#deadLettered,
      lost: this.lost.length,
    };
  }

  #pump(lane: Lane): void {
    while (!this.#closed && lane.running < lane.concurrency) {
      const delivery = lane.waiting.shift();
      if (delivery === undefined) break;
      lane.running++;
      void this.#deliver(lane, delivery);
    }
    if (lane.waiting.size < lane.highWater) wakeAll(lane);
  }

  async #deliver(lane: Lane, delivery: Delivery): Promise<void> {
    const { message, attempt, buried } = delivery;
    let settled = 1;
    try {
      await Promise.resolve(); // a handler never runs inside the call that published to it
      if (buried === undefined) await this.#options.handlers[lane.topic](message, { attempt });
      else await this.#options.deadLetter(message, buried.error);
    } catch (error) {
      settled = this.#failed(lane, delivery, error) ? 0 : 1;
    } finally {
      lane.running--;
      this.#pump(lane);
      this.#settle(settled);
    }
  }

  /** @returns whether the message comes back. */
  #failed(lane: Lane, { message, attempt, buried }: Delivery, error: unknown): boolean {
    if (this.#closed) return true; // in the next process
    const fields = { ...message, attempt, error: toErrorInfo(error).message };
    if (attempt < this.#maxAttempts) {
      this.#options.logger?.log('WARNING', buried ? 'dead-letter attempt failed' : 'attempt failed', fields);
      this.#retry(lane, { message, attempt: attempt + 1, ...(buried && { buried }) });
      return true;
    }
    if (buried === undefined) {
      this.#options.logger?.log('WARNING', 'all attempts failed: the message is a dead letter', fields);
      this.#deadLettered++;
      lane.waiting.push({ message, attempt: 1, buried: { error } });
      return true;
    }
    this.#options.logger?.log('ERROR', 'message lost: the dead-letter handler failed too', fields);
    this.lost.push({ message, error });
    return false;
  }

  #retry(lane: Lane, delivery: Delivery): void {
    lane.retrying++;
    const cancel = this.#schedule(
      () => {
        this.#retries.delete(cancel);
        lane.retrying--;
        lane.waiting.push(delivery);
        this.#pump(lane);
      },
      this.#wait(delivery.attempt - 1),
    );
    this.#retries.add(cancel);
  }

  /** Milliseconds to wait after so many failures. */
  #wait(failures: number): number {
    const { minMs, maxMs, multiplier, jitter } = this.#options.backoff ?? DEFAULT_BACKOFF;
    const full = Math.min(maxMs, minMs * multiplier ** (failures - 1));
    return full * (1 - jitter * (this.#options.random ?? Math.random)());
  }

  #settle(messages: number): void {
    this.#pending -= messages;
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const look of watchers) look();
  }

  /** Resolves when the condition holds; it is looked at whenever a message is settled. */
  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (condition()) resolve();
        else this.#watchers.push(look);
      };
      look();
    });
  }
}

function wakeAll(lane: Lane): void {
  const blocked = lane.blocked;
  lane.blocked = [];
  for (const wake of blocked) wake();
}

function mapTopics<T>(make: (topic: Topic) => T): Record<Topic, T> {
  const topics = Object.keys(TOPICS) as Topic[];
  return Object.fromEntries(topics.map((topic) => [topic, make(topic)])) as Record<Topic, T>;
}

function scheduleTimer(run: () => void, milliseconds: number): () => void {
  const timer = setTimeout(run, milliseconds);
  return () => {
    clearTimeout(timer);
  };
}
