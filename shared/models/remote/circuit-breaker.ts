import type { Clock } from '../../ports.ts';

type State =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly until: number }
  | { readonly kind: 'half-open' };

/**
 * Spares a server that is down, and the rows' time.
 *
 * - **closed**: requests pass. A success sets the count of failures to 0; so many failures in a row open the circuit.
 * - **open**: no request passes until `resetSeconds` have gone by; the first one that asks after that makes it half-open, and passes.
 * - **half-open**: that one request is under way, no other passes. Its success closes the circuit; its failure opens it again.
 *
 * A request that began while the circuit was closed may end after it opened: its success closes nothing (only the trial's does), and its failure
 * does not make the pause longer.
 */
export class CircuitBreaker {
  readonly #failures: number;
  readonly #resetMs: number;
  readonly #clock: Clock;
  #state: State = { kind: 'closed', failures: 0 };

  constructor(options: { readonly failures: number; readonly resetSeconds: number }, clock: Clock) {
    this.#failures = options.failures;
    this.#resetMs = options.resetSeconds * 1000;
    this.#clock = clock;
  }

  /** Asks to send a request. @returns what to report its outcome to; undefined where none may be sent now. */
  enter(): ((succeeded: boolean) => void) | undefined {
    switch (this.#state.kind) {
      case 'closed':
        return (succeeded) => {
          this.#count(succeeded);
        };
      case 'open':
        if (this.#clock.now() < this.#state.until) return undefined;
        this.#state = { kind: 'half-open' };
        return (succeeded) => {
          if (succeeded) this.#state = { kind: 'closed', failures: 0 };
          else this.#open();
        };
      case 'half-open':
        return undefined;
      default:
        return this.#state satisfies never;
    }
  }

  #count(succeeded: boolean): void {
    if (this.#state.kind !== 'closed') return;
    const failures = succeeded ? 0 : this.#state.failures + 1;
    if (failures >= this.#failures) this.#open();
    else this.#state = { kind: 'closed', failures };
  }

  #open(): void {
    this.#state = { kind: 'open', until: this.#clock.now() + this.#resetMs };
  }
}
