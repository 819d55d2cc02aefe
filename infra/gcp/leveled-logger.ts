import type { Logger, Severity } from '../../shared/ports.ts';

const RANK: Readonly<Record<Severity, number>> = { DEBUG: 0, INFO: 1, WARNING: 2, ERROR: 3 };

/** Passes on what is at least so severe. */
export class LeveledLogger implements Logger {
  readonly #logger: Logger;
  readonly #minimum: number;

  constructor(logger: Logger, minimum: Severity) {
    this.#logger = logger;
    this.#minimum = RANK[minimum];
  }

  log(severity: Severity, message: string, fields?: Readonly<Record<string, unknown>>): void {
    if (RANK[severity] >= this.#minimum) this.#logger.log(severity, message, fields);
  }
}
