import type { ErrorInfo } from '../errors.ts';

/**
 * Thrown by a model's `predict` where only some rows of the batch cannot be scored, and it knows which: the caller makes those rows
 * errors and gives the others again.
 */
export class RowFailures extends Error {
  override readonly name = 'RowFailures';
  /** By the row's place in the batch, from 0; not empty. */
  readonly failures: ReadonlyMap<number, ErrorInfo>;

  constructor(failures: ReadonlyMap<number, ErrorInfo>) {
    super([...failures.values()][0]?.message ?? 'no row failed');
    this.failures = failures;
  }
}
