import type { Clock } from '../../shared/ports.ts';

/**
 * Never tells the same millisecond twice: an output folder is named by its model and its job's creation time, and two jobs submitted at
 * once must not meet in one.
 */
export class UniqueClock implements Clock {
  readonly #clock: () => Clock;
  #last = 0;

  constructor(clock: () => Clock) {
    this.#clock = clock;
  }

  now(): number {
    this.#last = Math.max(this.#last + 1, this.#clock().now());
    return this.#last;
  }
}
