import { setTimeout } from 'node:timers/promises';

import type { Clock } from '../../ports.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { authenticator } from './google-auth.ts';
import type { Authenticate } from './google-auth.ts';
import { HttpClient } from './http-client.ts';
import type { RemoteConfig } from './remote-config.ts';
import { RemoteError } from './remote-error.ts';
import { Semaphore } from './semaphore.ts';

/** What time is, and chance: tests bring their own. */
export interface RemotePorts {
  readonly clock: Clock;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export const REAL_PORTS: RemotePorts = {
  clock: { now: () => Date.now() },
  sleep: (milliseconds) => setTimeout(milliseconds),
  random: () => Math.random(),
};

/** Asks a remote model's server: so many requests at a time, again where that may help, not at all while the server is down. */
export class RemoteClient {
  readonly #config: RemoteConfig;
  readonly #ports: RemotePorts;
  readonly #http: HttpClient;
  readonly #breaker: CircuitBreaker;
  readonly #slots: Semaphore;
  readonly #authenticate: Authenticate;

  constructor(config: RemoteConfig, ports: RemotePorts) {
    this.#config = config;
    this.#ports = ports;
    this.#http = new HttpClient({
      timeoutMs: config.timeoutSeconds * 1000,
      maxResponseBytes: config.maxResponseBytes,
      maxConnections: config.maxConcurrency,
      headers: config.headers,
    });
    this.#breaker = new CircuitBreaker(config.circuitBreaker, ports.clock);
    this.#slots = new Semaphore(config.maxConcurrency);
    this.#authenticate = authenticator(config);
  }

  /**
   * A request waits for its turn, and keeps it while it pauses between attempts: a server in trouble is not asked by more.
   * @returns the answer's text.
   * @throws RemoteError of the last attempt.
   */
  ask(url: URL, body: Uint8Array | undefined): Promise<string> {
    return this.#slots.run(() => this.#persist(url, body));
  }

  close(): void {
    this.#http.close();
  }

  async #persist(url: URL, body: Uint8Array | undefined): Promise<string> {
    for (let attempt = 0, last: RemoteError | undefined; ; attempt++) {
      const report = this.#breaker.enter();
      if (report === undefined) {
        const { failures, resetSeconds } = this.#config.circuitBreaker;
        const why = last === undefined ? '' : `; it last said: ${last.message}`;
        const message = `${url.host} is not asked now: it failed ${failures} times in a row, and is left alone for ${resetSeconds} s${why}`;
        throw new RemoteError('UNAVAILABLE', message);
      }
      const outcome = await this.#attempt(url, body, report);
      if (typeof outcome === 'string') return outcome;
      const pause = this.#pause(outcome, attempt);
      if (pause === undefined) throw outcome;
      last = outcome;
      await this.#ports.sleep(pause);
    }
  }

  async #attempt(
    url: URL,
    body: Uint8Array | undefined,
    report: (succeeded: boolean) => void,
  ): Promise<string | RemoteError> {
    let isAlive = false;
    try {
      const text = await this.#http.ask(url, body, await this.#authenticate());
      isAlive = true;
      return text;
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      // A server that refuses a request works; what it refuses is no reason to spare it.
      isAlive = !error.isTransient;
      return error;
    } finally {
      report(isAlive);
    }
  }

  /**
   * Milliseconds until the next attempt, undefined where there is none: "full jitter", from 0 up to a bound that doubles with each attempt, and no
   * less than the server asks for. Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
   */
  #pause(error: RemoteError, attempt: number): number | undefined {
    const { max, initialBackoffSeconds, maxBackoffSeconds, maxRetryAfterSeconds } = this.#config.retries;
    if (!error.isTransient || attempt >= max) return undefined;
    const asked = error.retryAfterSeconds ?? 0;
    if (asked > maxRetryAfterSeconds) return undefined;
    const bound = Math.min(maxBackoffSeconds, initialBackoffSeconds * 2 ** attempt);
    return 1000 * Math.max(asked, this.#ports.random() * bound);
  }
}
