import { setTimeout as sleep } from 'node:timers/promises';

import { toErrorInfo } from '../../shared/errors.ts';
import type { Logger } from '../../shared/ports.ts';

/** This instance is going: whoever called calls another one. */
export class StoppingError extends Error {
  override readonly name = 'StoppingError';

  constructor() {
    super('this instance is stopping');
  }
}

export interface LifecycleOptions {
  readonly logger: () => Pick<Logger, 'log'>;
  readonly exit: (code: number) => void;
  /** How long work under way may take to end. Cloud Run kills an instance 10 s after SIGTERM. */
  readonly graceMs?: number;
  /** How long the last answers may take to leave the process. */
  readonly flushMs?: number;
}

const GRACE_MS = 8_000;
const FLUSH_MS = 100;

/**
 * The life of one instance:
 *
 *   serving ──▶ stopping ──▶ (process ends)
 *
 * Stopping: SIGTERM came, or the model's runtime broke. New work is refused. Work under way ends and is answered for what it was; what does
 * not end within the grace time is answered as failed, so that it is delivered again: nothing is acknowledged that was not done.
 */
export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #cut = Promise.withResolvers<never>();
  readonly #idle = Promise.withResolvers<undefined>();
  #running = 0;
  #state: 'serving' | 'stopping' = 'serving';

  constructor(options: LifecycleOptions) {
    this.#options = options;
    this.#cut.promise.catch(() => undefined);
  }

  /** @throws StoppingError where the work was not begun, or not done in time; whatever the work throws. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isStopping()) throw new StoppingError();
    this.#running++;
    const done = work();
    // Work that is cut may fail later: nobody waits for it then.
    done.catch(() => undefined);
    try {
      return await Promise.race([done, this.#cut.promise]);
    } finally {
      this.#running--;
      if (this.#running === 0 && this.#isStopping()) this.#idle.resolve(undefined);
    }
  }

  /** Lets work under way end, then ends the process. */
  stop(why: string, code: number): void {
    if (this.#isStopping()) return;
    this.#state = 'stopping';
    void this.#end(why, code).catch((error: unknown) => {
      this.#options.logger().log('ERROR', `stopping: ${toErrorInfo(error).message}`);
      this.#options.exit(1);
    });
  }

  #isStopping(): boolean {
    return this.#state === 'stopping';
  }

  async #end(why: string, code: number): Promise<void> {
    const { logger, exit, graceMs = GRACE_MS, flushMs = FLUSH_MS } = this.#options;
    if (this.#running > 0) {
      logger().log('INFO', `stopping: ${why}`, { running: this.#running });
      await Promise.race([this.#idle.promise, sleep(graceMs, undefined, { ref: true })]);
    }
    if (this.#running > 0)
      logger().log('WARNING', 'stopping: handing back what is not done', { running: this.#running });
    this.#cut.reject(new StoppingError());
    await sleep(flushMs);
    exit(code);
  }
}

/**
 * On SIGTERM the Functions Framework answers 500 to the latest request and exits: other requests are cut, and the latest may have been done. So its
 * handler, registered once it listens, is taken off again and ours stays alone.
 */
export function takeOverSigterm(lifecycle: Lifecycle): void {
  const stop = (): void => {
    lifecycle.stop('SIGTERM', 0);
  };
  process.on('SIGTERM', stop);
  process.on('newListener', (event, listener) => {
    if (event !== 'SIGTERM' || (listener as unknown) === stop) return;
    setImmediate(() => process.off('SIGTERM', listener as NodeJS.SignalsListener));
  });
}
