import { z } from 'zod';

import { PermanentError } from '../../shared/errors.ts';
import { parseMessage } from '../../shared/message-schema.ts';
import type { Message } from '../../shared/messages.ts';

/** Characters of a task in base64: two names of 4 KiB in JSON are far below. */
const MAX_DATA_CHARS = 96 * 1024;

/** Source: https://cloud.google.com/pubsub/docs/push#receive_push */
const envelope = z.object({
  message: z.object({
    data: z.base64().min(1).max(MAX_DATA_CHARS),
    messageId: z.string().min(1).max(1024),
  }),
  subscription: z.string().min(1).max(1024),
  /** Only where the subscription has a dead-letter topic. */
  deliveryAttempt: z.int().min(1).optional(),
});

export interface Delivery {
  readonly message: Message;
  /** Pub/Sub's own: a message that was published twice has two. */
  readonly messageId: string;
  /** Full name of the subscription. */
  readonly subscription: string;
  /** From 1; always 1 where the subscription has no dead-letter topic. */
  readonly attempt: number;
}

/**
 * Takes apart the body of a Pub/Sub push request.
 * @param body parsed JSON.
 * @throws PermanentError INVALID_ARGUMENT naming the field: it will never be a task.
 */
export function parsePushEnvelope(body: unknown): Delivery {
  const parsed = envelope.safeParse(body);
  if (!parsed.success) {
    throw new PermanentError('INVALID_ARGUMENT', `not a Pub/Sub push: ${z.prettifyError(parsed.error)}`);
  }
  const { message, subscription, deliveryAttempt } = parsed.data;
  const task = parseMessage(parseJson(Buffer.from(message.data, 'base64'), message.messageId));
  return { message: task, messageId: message.messageId, subscription, attempt: deliveryAttempt ?? 1 };
}

function parseJson(data: Buffer, messageId: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (error) {
    throw new PermanentError('INVALID_ARGUMENT', `message ${messageId}: its data is not JSON`, { cause: error });
  }
}
