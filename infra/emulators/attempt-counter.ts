/**
 * Tells a function which delivery of a message it has before it, as Pub/Sub does where a subscription has a dead-letter policy. Google's emulator counts
 * deliveries (after the last one the message is a dead letter), but its pushes do not say the number.
 */
export class AttemptCounter {
  readonly #attempts = new Map<string, number>();

  /** The push with its `deliveryAttempt`; a body that is no push, as it is. */
  stamp(body: Buffer): Buffer {
    const push = parse(body);
    const key = keyOf(push);
    if (push === undefined || key === undefined) return body;
    const deliveryAttempt = (this.#attempts.get(key) ?? 0) + 1;
    this.#attempts.set(key, deliveryAttempt);
    return Buffer.from(JSON.stringify({ ...push, deliveryAttempt }));
  }

  /** Forgets a message that was acknowledged. */
  settle(body: Buffer, status: number): void {
    const key = keyOf(parse(body));
    if (key !== undefined && status < 300) this.#attempts.delete(key);
  }
}

interface Push {
  readonly subscription?: unknown;
  readonly message?: { readonly messageId?: unknown };
}

function keyOf(push: Push | undefined): string | undefined {
  const { subscription, message } = push ?? {};
  return typeof message?.messageId === 'string' ? JSON.stringify([subscription, message.messageId]) : undefined;
}

function parse(body: Buffer): Push | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
