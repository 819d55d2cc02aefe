import type { Fault } from './attack.ts';

export type RunKind =
  'upload' | 'submit' | 'split' | 'score' | 'assemble' | 'commit' | 'dead-letter' | 'sweep' | 'client';

/** One run of a handler. It is blocked while it waits for a port, and over when it ended or crashed. */
export class Run {
  readonly id: number;
  readonly kind: RunKind;
  readonly label: string;
  readonly fault: Fault | undefined;
  /** Calls to ports so far, and those not answered yet. */
  calls = 0;
  pending = 0;
  state: 'alive' | 'ended' | 'crashed' = 'alive';
  /** Whether its fault has happened. */
  faulted = false;
  onCrash: () => void = () => undefined;

  constructor(id: number, kind: RunKind, label: string, fault: Fault | undefined) {
    this.id = id;
    this.kind = kind;
    this.label = label;
    this.fault = fault;
  }

  /** It computes, or waits for something that is no port. */
  get moving(): boolean {
    return this.state === 'alive' && this.pending === 0;
  }
}
