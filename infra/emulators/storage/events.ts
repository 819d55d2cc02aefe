import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectRecord } from './records.ts';
import { objectResource } from './resources.ts';

/** Where a bucket's events go, and how hard the emulator tries. */
export interface NotifyOptions {
  /** Bucket name → URLs that get its events. */
  readonly urls: Readonly<Record<string, readonly string[]>>;
  /** Deliveries of each event that are sent again after it was accepted, as at-least-once allows; default 0. */
  readonly duplicates: number;
  /** How long a delivery is retried before it is given up; Eventarc's day is too long here. */
  readonly retryForMs: number;
  /** Pause before the first retry, doubled each time up to {@link MAX_BACKOFF_MS}. */
  readonly firstBackoffMs: number;
}

const MAX_BACKOFF_MS = 10_000;

/** An answer that takes longer counts as none: Cloud Run functions for events have nine minutes. */
const ANSWER_WITHIN_MS = 540_000;

/** A CloudEvent in binary content mode: its headers, and the body. */
export interface EventRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The event of a new generation, as Eventarc sends it: StorageObjectData in JSON, attributes in headers. The attributes
 * are percent-encoded as the HTTP binding asks, so take the name from the body, not from `ce-subject`.
 * Source: https://cloud.google.com/eventarc/docs/cloudevents, https://github.com/googleapis/google-cloudevents and
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md (3.1.3.2)
 */
function finalizedEvent(record: ObjectRecord, id: string, baseUrl: string): EventRequest {
  const headers = {
    'ce-id': id,
    'ce-source': `//storage.googleapis.com/projects/_/buckets/${record.bucket}`,
    'ce-specversion': '1.0',
    'ce-type': 'google.cloud.storage.object.v1.finalized',
    'ce-subject': `objects/${record.name}`,
    'ce-time': record.timeCreated,
    'ce-bucket': record.bucket,
  };
  const encoded = Object.entries(headers).map(([name, value]) => [name, encodeAttribute(value)] as const);
  return {
    headers: { ...Object.fromEntries(encoded), 'content-type': 'application/json' },
    body: JSON.stringify(objectResource(record, baseUrl)),
  };
}

const encodeAttribute = (text: string) =>
  Array.from(text, (char) => (/^[!-~]$/.test(char) && !/["%]/.test(char) ? char : encodeURIComponent(char))).join('');

/** Delivers events over HTTP, each until it is accepted or its time is over. */
export class EventSender {
  readonly #options: NotifyOptions;
  readonly #stop = new AbortController();
  readonly #pending = new Set<Promise<void>>();
  #lastId = Date.now() * 1000;

  constructor(options: NotifyOptions) {
    this.#options = options;
  }

  /** Starts delivering the event of a new generation. */
  raise(record: ObjectRecord, baseUrl: string): void {
    for (const url of this.#options.urls[record.bucket] ?? []) {
      const event = finalizedEvent(record, String(++this.#lastId), baseUrl);
      const delivery = this.#deliver(url, event).finally(() => this.#pending.delete(delivery));
      this.#pending.add(delivery);
    }
  }

  /** Resolves when every event raised so far was accepted or given up. */
  async idle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** Gives up what is not delivered yet. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.idle();
  }

  async #deliver(url: string, event: EventRequest): Promise<void> {
    const { duplicates, retryForMs, firstBackoffMs } = this.#options;
    const deadline = Date.now() + retryForMs;
    let backoff = firstBackoffMs;
    for (let accepted = 0; accepted <= duplicates && !this.#stop.signal.aborted;) {
      if (await this.#post(url, event)) accepted++;
      else if (Date.now() + backoff > deadline) return;
      else {
        await sleep(backoff, undefined, { signal: this.#stop.signal }).catch(() => undefined);
        backoff = Math.min(backoff * 2, MAX_BACKOFF_MS);
      }
    }
  }

  async #post(url: string, { headers, body }: EventRequest): Promise<boolean> {
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
      const response = await fetch(url, { method: 'POST', headers, body, signal });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }
}
