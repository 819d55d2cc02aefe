import { describe, expect, it } from 'vitest';

import { parsePushEnvelope } from '../../../infra/gcp/push-envelope.ts';
import type { Message } from '../../../shared/messages.ts';
import { expectPermanent } from '../../contract/builders.ts';

const TASK: Message = { kind: 'assemble', job: 'j1', split: 3 };
const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64');

function push(change: { readonly message?: object; readonly [field: string]: unknown } = {}): object {
  const message = {
    data: base64(JSON.stringify(TASK)),
    messageId: '136969346945',
    message_id: '136969346945',
    publishTime: '2026-01-01T00:00:00.000Z',
    attributes: { job: 'j1', kind: 'assemble' },
    ...change.message,
  };
  return { subscription: 'projects/p/subscriptions/assembly', deliveryAttempt: 2, ...change, message };
}

describe('a push', () => {
  it('is a message, its id, and how often it was tried', () => {
    expect(parsePushEnvelope(push())).toEqual({
      message: TASK,
      messageId: '136969346945',
      subscription: 'projects/p/subscriptions/assembly',
      attempt: 2,
    });
  });

  it('of a subscription without dead letters is a first attempt', () => {
    expect(parsePushEnvelope(push({ deliveryAttempt: undefined })).attempt).toBe(1);
  });

  it('keeps names of any script', () => {
    const object = { bucket: 'b', name: 'é 😀', generation: '1' };
    const task: Message = {
      kind: 'score',
      job: 'j1',
      split: 0,
      shard: 0,
      object,
      start: 0,
      end: 9,
      rows: 1,
      oversize: false,
    };
    expect(parsePushEnvelope(push({ message: { data: base64(JSON.stringify(task)) } })).message).toEqual(task);
  });

  it.each([
    { name: 'nothing', body: undefined, message: /not a Pub\/Sub push/ },
    { name: 'a text', body: 'x', message: /not a Pub\/Sub push/ },
    { name: 'no message', body: { subscription: 's' }, message: /message/ },
    { name: 'no data', body: push({ message: { data: undefined } }), message: /message\.data/ },
    { name: 'empty data', body: push({ message: { data: '' } }), message: /message\.data/ },
    { name: 'data that is not base64', body: push({ message: { data: '{"kind":1}' } }), message: /message\.data/ },
    {
      name: 'data without end',
      body: push({ message: { data: base64('x'.repeat(100_000)) } }),
      message: /message\.data/,
    },
    { name: 'no id', body: push({ message: { messageId: undefined } }), message: /message\.messageId/ },
    { name: 'no subscription', body: push({ subscription: undefined }), message: /subscription/ },
    { name: 'attempt 0', body: push({ deliveryAttempt: 0 }), message: /deliveryAttempt/ },
    {
      name: 'data that is not JSON',
      body: push({ message: { data: base64('{') } }),
      message: /136969346945.*not JSON/,
    },
    {
      name: 'data that is not UTF-8',
      body: push({ message: { data: base64(Uint8Array.of(0x22, 0xff, 0x22)) } }),
      message: /not JSON/,
    },
    {
      name: 'a task of nobody',
      body: push({ message: { data: base64('{"kind":"dance"}') } }),
      message: /not a task.*kind/s,
    },
  ])('of $name is refused', async ({ body, message }) => {
    await expectPermanent(
      Promise.resolve().then(() => parsePushEnvelope(body)),
      'INVALID_ARGUMENT',
      message,
    );
  });
});
