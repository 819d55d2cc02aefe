import type { Random } from './random.ts';

/** How the world treats a job: every rate is a probability. */
export interface Attack {
  /** That a run of a handler meets a fault. */
  readonly faults: number;
  /** Of the faults: the run stops for ever at some call (a crash), as against one call failing. */
  readonly crashes: number;
  /** Faults in all; the world is calm when they are spent. */
  readonly faultBudget: number;
  /** That a message is delivered twice; of these, long afterwards. */
  readonly duplicates: number;
  readonly late: number;
  /** That a call takes minutes. */
  readonly slow: number;
  /** That a message is lost: its receiver crashed after it had acknowledged it. Only a sweep helps. */
  readonly losses: number;
  readonly lossBudget: number;
  /** Moments at which every run dies and all messages are gone: the end of a process that holds its own queue. */
  readonly blackouts: readonly number[];
  /** Milliseconds between two sweeps; undefined: nobody sweeps before the end. */
  readonly sweepEvery: number | undefined;
  /** That a ledger transaction runs its change more often than once. */
  readonly contention: number;
}

const MINUTE = 60_000;

export interface AttackOptions {
  /** False: nothing is lost for good, and a job must end without a sweep. */
  readonly sweep?: boolean;
}

/** From a breeze to a storm. */
export function makeAttack(random: Random, { sweep = true }: AttackOptions = {}): Attack {
  const force = random.next();
  return {
    faults: 0.7 * force,
    crashes: random.pick([0, 0.5, 1]),
    faultBudget: random.int(2, 50),
    duplicates: 0.5 * random.next(),
    late: 0.3,
    slow: random.chance(0.3) ? 0.03 : 0,
    losses: sweep && random.chance(0.4) ? 0.15 : 0,
    lossBudget: 5,
    blackouts: sweep && random.chance(0.25) ? [random.delay(0, 5 * MINUTE), random.delay(0, 20 * MINUTE)] : [],
    sweepEvery: sweep ? 5 * MINUTE : undefined,
    contention: 0.1,
  };
}

type FaultKind = 'fail-before' | 'fail-after' | 'crash-before' | 'crash-after';

/** What happens to one run of a handler: at its n-th call to a port. */
export interface Fault {
  readonly call: number;
  readonly kind: FaultKind;
}

/** Calls of one run up to which faults are spread. */
const CALLS = 14;

export function makeFault(random: Random, crashes: number): Fault {
  const when = random.chance(0.5) ? 'before' : 'after';
  return {
    call: random.int(0, random.chance(0.2) ? 4 * CALLS : CALLS),
    kind: random.chance(crashes) ? `crash-${when}` : `fail-${when}`,
  };
}
