import type { ErrorInfo } from '../../errors.ts';
import type { Tensors } from '../../tensor.ts';
import { RowFailures } from '../row-failures.ts';

/** Some rows of a batch failed; what the server answered for the others comes along, so that nobody has to ask it again. */
export class PartlyScored extends RowFailures {
  /** The outputs of the rows that did not fail, in their order; undefined where there is none. */
  readonly scored: Tensors | undefined;

  constructor(failures: ReadonlyMap<number, ErrorInfo>, scored: Tensors | undefined) {
    super(failures);
    this.scored = scored;
  }
}
