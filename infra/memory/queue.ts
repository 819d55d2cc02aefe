import type { Message } from '../../shared/messages.ts';
import type { Queue } from '../../shared/ports.ts';

/** Keeps every published message, and hands it to a subscriber where there is one. */
export class MemoryQueue implements Queue {
  readonly messages: Message[] = [];
  readonly #subscriber: ((message: Message) => void) | undefined;

  constructor(subscriber?: (message: Message) => void) {
    this.#subscriber = subscriber;
  }

  publish(messages: readonly Message[]): Promise<void> {
    for (const message of messages) {
      const copy = structuredClone(message);
      this.messages.push(copy);
      this.#subscriber?.(copy);
    }
    return Promise.resolve();
  }

  /** Takes all the messages out. */
  drain(): Message[] {
    return this.messages.splice(0);
  }
}
