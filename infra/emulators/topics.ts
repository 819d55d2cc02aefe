import { MAX_ATTEMPTS } from '../../shared/config.ts';
import type { Topic } from '../../shared/messages.ts';
import { createPubSub } from '../gcp/clients.ts';

/** As terraform/subscriptions.tf has it. */
const ACK_DEADLINE_SECONDS = 600;

export const DEAD_LETTERS = 'dead-letters';

export interface TopicsOptions {
  readonly projectId: string;
  readonly host: string;
  readonly prefix: string;
  /** Where each topic's messages are pushed to. */
  readonly endpoints: Readonly<Record<Topic | typeof DEAD_LETTERS, string>>;
}

/**
 * Creates the topics and their push subscriptions, with dead letters after as many attempts as deployed. What fails is delivered again after a
 * second: that is the emulator's own retry policy. Another must not be set: with a `retryPolicy` the emulator (2026-11) loses deliveries for good as soon as
 * several messages wait for one (thirty that always fail: none got to its fifth attempt; without the policy all did, in ten seconds).
 */
export async function createTopics({ projectId, host, prefix, endpoints }: TopicsOptions): Promise<void> {
  const pubsub = createPubSub({ projectId, pubsubEmulatorHost: host });
  try {
    const deadLetterTopic = `projects/${projectId}/topics/${prefix}${DEAD_LETTERS}`;
    await pubsub.createTopic(deadLetterTopic);
    for (const [topic, pushEndpoint] of Object.entries(endpoints)) {
      const name = `${prefix}${topic}`;
      if (topic !== DEAD_LETTERS) await pubsub.createTopic(name);
      await pubsub.topic(name).createSubscription(name, {
        ackDeadlineSeconds: ACK_DEADLINE_SECONDS,
        pushConfig: { pushEndpoint },
        ...(topic !== DEAD_LETTERS && { deadLetterPolicy: { deadLetterTopic, maxDeliveryAttempts: MAX_ATTEMPTS } }),
      });
    }
  } finally {
    await pubsub.close();
  }
}
