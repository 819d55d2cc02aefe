import type { ErrorInfo } from '../errors.ts';
import type { Tensors } from '../tensor.ts';

/**
 * Thrown by a model's `predict` where only some rows of the batch cannot be scored, and it knows which: the caller makes those rows
 * errors and gives the others again.
 */
export class RowFailures extends Error {
  override readonly name = 'RowFailures';
  /** By the row's place in the batch, from 0; not empty. */
  readonly failures: ReadonlyMap<number, ErrorInfo>;
  /** The outputs of the rows that did not fail, in their order, where the model has them already: nobody has to ask it again. */
  readonly scored: Tensors | undefined;

  constructor(failures: ReadonlyMap<number, ErrorInfo>, scored?: Tensors) {
    super([...failures.values()][0]?.message ?? 'no row failed');
    this.failures = failures;
    this.scored = scored;
  }
}
