import type { PubSub, Topic as PubSubTopic } from '@google-cloud/pubsub';

import { topicOf } from '../../shared/messages.ts';
import type { Message, Topic } from '../../shared/messages.ts';
import type { Queue } from '../../shared/ports.ts';

/** One request of Pub/Sub takes 1000 messages and 10 MB; the rest is headroom for its framing. Calls within 10 ms share one. */
const BATCHING = { maxMessages: 1000, maxBytes: 9_000_000, maxMilliseconds: 10 };

/** Messages under way of one call: what is published beyond waits for them. */
const MAX_OUTSTANDING = 5_000;

export interface QueueOptions {
  /** Stands before the core's names: topics are `<prefix>splits`, `<prefix>shards`, `<prefix>assembly`. */
  readonly topicPrefix: string;
}

/** Publishes to Pub/Sub. A call that fails may have published some of its messages: whoever tries again publishes all, and receivers take duplicates. */
export class GoogleQueue implements Queue {
  readonly #pubsub: PubSub;
  readonly #prefix: string;
  readonly #topics = new Map<Topic, PubSubTopic>();

  constructor(pubsub: PubSub, { topicPrefix }: QueueOptions) {
    this.#pubsub = pubsub;
    this.#prefix = topicPrefix;
  }

  async publish(messages: readonly Message[]): Promise<void> {
    for (let at = 0; at < messages.length; at += MAX_OUTSTANDING) {
      await Promise.all(messages.slice(at, at + MAX_OUTSTANDING).map((message) => this.#publishOne(message)));
    }
  }

  #publishOne(message: Message): Promise<string> {
    const { job, kind } = message;
    return this.#topic(topicOf(message)).publishMessage({ json: message, attributes: { job, kind } });
  }

  #topic(name: Topic): PubSubTopic {
    const topic = this.#topics.get(name) ?? this.#pubsub.topic(`${this.#prefix}${name}`, { batching: BATCHING });
    this.#topics.set(name, topic);
    return topic;
  }
}
