import { afterAll, beforeAll, describe } from 'vitest';

import { startPubSubEmulator } from '../../infra/emulators/google.ts';
import type { PubSubEmulator } from '../../infra/emulators/google.ts';
import { createPubSub } from '../../infra/gcp/clients.ts';
import { GoogleQueue } from '../../infra/gcp/queue.ts';
import { parseMessage } from '../../shared/message-schema.ts';
import { TOPICS } from '../../shared/messages.ts';
import { uniqueName } from '../contract/builders.ts';
import { queueContract } from '../contract/queue.ts';
import { CONFIG, START_TIMEOUT_MS, withEmulator } from './emulators.ts';

withEmulator('pubsub', () => {
  describe('on the Pub/Sub emulator', () => {
    let emulator: PubSubEmulator;
    beforeAll(async () => {
      emulator = await startPubSubEmulator();
    }, START_TIMEOUT_MS);
    afterAll(async () => {
      await emulator.stop();
    });

    queueContract(
      'gcp',
      async (handler) => {
        const pubsub = createPubSub({ ...CONFIG, pubsubEmulatorHost: emulator.host });
        const topicPrefix = `${uniqueName('t')}-`;
        const subscriptions = await Promise.all(
          Object.keys(TOPICS).map(async (name) => {
            const [topic] = await pubsub.createTopic(`${topicPrefix}${name}`);
            const [subscription] = await topic.createSubscription(topic.name.split('/').at(-1) ?? '');
            return subscription.on('message', (message) => {
              handler(parseMessage(JSON.parse(message.data.toString()))).then(
                () => {
                  message.ack();
                },
                () => {
                  message.nack();
                },
              );
            });
          }),
        );
        return {
          queue: new GoogleQueue(pubsub, { topicPrefix }),
          close: async () => {
            await Promise.all(subscriptions.map((subscription) => subscription.close()));
            await pubsub.close();
          },
        };
      },
      { redelivers: true, timeout: 20_000 },
    );
  });
});
