import { z } from 'zod';

import { PermanentError } from '../../shared/errors.ts';
import { parseMessage } from '../../shared/message-schema.ts';
import type { Message } from '../../shared/messages.ts';

/**
 * The body of a push, as Pub/Sub wraps a message. Fields that are not named here are Google's business.
 * https://cloud.google.com/pubsub/docs/push#receive_push
 */
const envelopeSchema = z.object({
  message: z.object({
    data: z.string().optional(),
    messageId: z.string().min(1).max(200),
    attributes: z.record(z.string(), z.string()).optional(),
  }),
  subscription: z.string().regex(/^projects\/[^/]+\/subscriptions\/[^/]+$/),
  /** Counted only where the subscription has a dead-letter policy. */
  deliveryAttempt: z.int().min(1).optional(),
});

export interface Push {
  readonly messageId: string;
  readonly subscription: string;
  /** Base64. */
  readonly data: string;
  readonly attempt: number | undefined;
}

/** @throws PermanentError INVALID_ARGUMENT where the body is no push of Pub/Sub. */
export function parsePush(body: unknown): Push {
  const parsed = envelopeSchema.safeParse(body);
  if (!parsed.success)
    throw new PermanentError('INVALID_ARGUMENT', `not a Pub/Sub push: ${z.prettifyError(parsed.error)}`);
  const { message, subscription, deliveryAttempt } = parsed.data;
  return { messageId: message.messageId, subscription, data: message.data ?? '', attempt: deliveryAttempt };
}

/**
 * The task in a push.
 * @param kinds what the topic carries.
 * @throws PermanentError INVALID_ARGUMENT where it is none, or one of another topic.
 */
export function parseTask<K extends Message['kind']>(push: Push, kinds: readonly K[]): Extract<Message, { kind: K }> {
  const task = parseMessage(parseData(push.data));
  if (isOneOf(task, kinds)) return task;
  throw new PermanentError('INVALID_ARGUMENT', `a task of kind ${task.kind}: expected ${kinds.join(' or ')}`);
}

function isOneOf<K extends Message['kind']>(task: Message, kinds: readonly K[]): task is Extract<Message, { kind: K }> {
  return (kinds as readonly string[]).includes(task.kind);
}

function parseData(data: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(data, 'base64')));
  } catch (error) {
    throw new PermanentError('INVALID_ARGUMENT', `not a task: ${(error as Error).message}`, { cause: error });
  }
}
