import { createHash } from 'node:crypto';

import type { Run } from './run.ts';

interface Step {
  readonly time: number;
  readonly run: Run | undefined;
  readonly what: string;
}

/** Everything that happened, in order. */
export class Trace {
  readonly #steps: Step[] = [];
  readonly #start: number;

  constructor(start: number) {
    this.#start = start;
  }

  add(time: number, run: Run | undefined, what: string): void {
    this.#steps.push({ time, run, what });
  }

  get length(): number {
    return this.#steps.length;
  }

  /** The last steps, one a line: `   12.345 s  #17 score 00002-00001  createResult`. */
  tail(count: number): string {
    return this.#steps
      .slice(-count)
      .map((step) => this.#line(step))
      .join('\n');
  }

  /** Equal for two runs in which the same happened. */
  hash(): string {
    const hash = createHash('sha256');
    for (const step of this.#steps) hash.update(`${this.#line(step)}\n`);
    return hash.digest('hex');
  }

  #line({ time, run, what }: Step): string {
    const seconds = ((time - this.#start) / 1000).toFixed(3).padStart(10);
    const who = run === undefined ? '' : `#${run.id} ${run.label}  `;
    return `${seconds} s  ${who}${what}`;
  }
}
