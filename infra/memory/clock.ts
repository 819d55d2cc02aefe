import type { Clock } from '../../shared/ports.ts';

/** Stands still until it is told otherwise. */
export class ManualClock implements Clock {
  #now: number;

  constructor(now = Date.parse('2026-01-01T00:00:00.000Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}
