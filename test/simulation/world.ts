import { deadLetter } from '../../functions/dead-letter/dead-letter.ts';
import { finalize } from '../../functions/finalize/finalize.ts';
import { score } from '../../functions/score/score.ts';
import type { ScorePorts } from '../../functions/score/score.ts';
import { split } from '../../functions/split/split.ts';
import { sweep } from '../../functions/sweep/sweep.ts';
import { MemoryLedger } from '../../infra/memory/ledger.ts';
import { MemoryModelStore } from '../../infra/memory/model-store.ts';
import { MemoryObjectStore } from '../../infra/memory/object-store.ts';
import { shardId, splitId } from '../../shared/names.ts';
import { parseMessage } from '../../shared/message-schema.ts';
import type { Message } from '../../shared/messages.ts';
import type { Ports, ScoredShard } from '../../shared/ports.ts';
import { makeFault } from './attack.ts';
import type { Attack, Fault } from './attack.ts';
import { Instance } from './instances.ts';
import { Random } from './random.ts';
import { Run } from './run.ts';
import type { RunKind } from './run.ts';
import { Scheduler } from './scheduler.ts';
import { InjectedError, portsOf } from './simulated-ports.ts';
import { REJECTED } from './tiny-model.ts';
import { Trace } from './trace.ts';
import { countDecompressions, isDecompressing } from './zlib-work.ts';

/** Something that is done at least once. */
export interface Work {
  readonly kind: RunKind;
  readonly label: string;
  run(ports: Ports): Promise<unknown>;
  /** Attempts after which it is given up; unset: never. */
  readonly maxAttempts?: number;
  onDead?(): void;
  onDone?(value: unknown): void;
  /** Nobody asks again where it fails. */
  readonly once?: boolean;
  /** It survives a blackout: who asks for it is somebody else. */
  readonly durable?: boolean;
}

export type UnderPorts = Pick<Ports, 'objects' | 'ledger' | 'models' | 'queue'>;

export interface WorldOptions {
  readonly seed: number;
  /** Undefined: calm. */
  readonly attack?: Attack;
  /** Replaces a safeguard by something weaker. */
  readonly sabotage?: (ports: UnderPorts, run: Run, world: World) => UnderPorts;
  /** Shards on which the scorer always breaks down, as `shardId`. */
  readonly poison?: ReadonlySet<string>;
  /** Bytes of the chunks that objects are read in; unset: by the seed. */
  readonly chunkBytes?: number;
  /** Changes what a scoring gives. */
  readonly scored?: (result: ScoredShard, random: Random) => ScoredShard;
}

const START = Date.parse('2026-01-01T00:00:00.000Z');
const ACK_DEADLINE = 600_000;
const MAX_ATTEMPTS = 5;
/** So that none of a message's faults makes it a dead letter. */
const MAX_FAULTS = 3;
/** Real time after which a run that waits for no port is stuck. */
const STUCK_MS = 20_000;

/** Whole jobs over the real handlers, on ports in memory, a virtual clock and a queue that delivers at least once. */
export class World {
  readonly scheduler: Scheduler;
  readonly objects: MemoryObjectStore;
  readonly ledger = new MemoryLedger();
  readonly models = new MemoryModelStore({ 'tiny/1/model.tiny': 'y = 5x' });
  readonly trace = new Trace(START);
  readonly random: Random;
  readonly attack: Attack | undefined;
  /** Whether the model refuses REJECTED. */
  strict = true;
  /** Deliveries that are not over: waiting, or under way. */
  outstanding = 0;
  readonly #options: WorldOptions;
  readonly #alive = new Set<Run>();
  readonly #instances: readonly Instance[];
  #runs = 0;
  #faultsLeft: number;
  #lossesLeft: number;
  /** Deliveries planned before the last blackout are void. */
  #era = 0;

  constructor(options: WorldOptions) {
    countDecompressions();
    this.#options = options;
    this.random = new Random(options.seed);
    this.objects = new MemoryObjectStore({ chunkBytes: options.chunkBytes ?? this.random.pick([13, 200, 65_536]) });
    this.attack = options.attack;
    this.#faultsLeft = options.attack?.faultBudget ?? 0;
    this.#lossesLeft = options.attack?.lossBudget ?? 0;
    this.scheduler = new Scheduler(START, () => this.#settled());
    this.#instances = [new Instance(this.scheduler), new Instance(this.scheduler)];
  }

  readonly refuses = (x: number): boolean => this.strict && x === REJECTED;

  isPoison({ split: index, shard }: { readonly split: number; readonly shard: number }): boolean {
    return this.#options.poison?.has(shardId(index, shard)) ?? false;
  }

  scored(result: ScoredShard): ScoredShard {
    return this.#options.scored?.(result, this.random) ?? result;
  }

  /** The adapters below the attack. */
  underneath(run: Run): UnderPorts {
    const ports: UnderPorts = {
      objects: this.objects,
      ledger: this.ledger,
      models: this.models,
      queue: {
        publish: (messages) => {
          for (const message of messages) this.#enqueue(parseMessage(JSON.parse(JSON.stringify(message))));
          return Promise.resolve();
        },
      },
    };
    return this.#options.sabotage?.(ports, run, this) ?? ports;
  }

  /** Calls a port for a run: waits for its turn, meets the run's fault, has its effect. `effect` learns whether the call will fail after it. */
  async call<T>(run: Run, name: string, effect: (failing: boolean) => Promise<T>): Promise<T> {
    const fault = run.fault?.call === run.calls++ && this.#faultsLeft > 0 ? run.fault.kind : undefined;
    await this.#turn(run);
    this.trace.add(this.scheduler.now(), run, fault === undefined ? name : `${name}  ✗ ${fault}`);
    if (fault !== undefined) {
      this.#faultsLeft--;
      run.faulted = true;
      if (fault === 'crash-before') return this.#crash(run);
      if (fault === 'fail-before') throw new InjectedError(`${name} failed before its effect`);
    }
    const result = await effect(fault === 'fail-after');
    if (fault === 'crash-after') return this.#crash(run);
    if (fault === 'fail-after') throw new InjectedError(`${name} failed after its effect`);
    return result;
  }

  /** Gives the work to the queue: it is delivered once or more, sooner or later, until one attempt succeeds. */
  deliver(work: Work): void {
    const { random, attack } = this;
    this.#plan(work, random.delay(0, 5_000), 1, 0);
    if (attack === undefined || work.once || !random.chance(attack.duplicates)) return;
    const delay = random.chance(attack.late)
      ? random.delay(60_000, random.pick([2_400_000, 10_800_000]))
      : random.delay(0, 20_000);
    this.trace.add(this.scheduler.now(), undefined, `${work.label} will be delivered twice`);
    this.#plan(work, delay, 1, 0);
  }

  /** Runs every death at once: all that runs stops, all that waits is gone. Then a new process publishes what is missing. */
  blackout(): void {
    this.trace.add(this.scheduler.now(), undefined, '✗ blackout');
    this.#era++;
    for (const run of [...this.#alive]) this.#end(run, 'crashed');
    this.deliver({ kind: 'sweep', label: 'resume', run: (ports) => sweep(ports, { force: true }) });
  }

  #enqueue(message: Message): void {
    const work = this.#workOf(message);
    if (this.#lossesLeft > 0 && this.random.chance(this.attack?.losses ?? 0)) {
      this.#lossesLeft--;
      this.trace.add(this.scheduler.now(), undefined, `✗ ${work.label} is lost`);
      return;
    }
    this.deliver(work);
  }

  #workOf(message: Message): Work {
    const label = labelOf(message);
    return {
      kind: message.kind,
      label,
      run: (ports) => handle(this.#onInstance(message, ports), message),
      maxAttempts: MAX_ATTEMPTS,
      onDead: () => {
        this.trace.add(this.scheduler.now(), undefined, `✗ ${label} is a dead letter`);
        this.deliver({ kind: 'dead-letter', label: `dead ${label}`, run: (ports) => deadLetter(ports, message) });
      },
    };
  }

  /** Scorers run on some instance, or on a new one. */
  #onInstance(message: Message, ports: Ports): ScorePorts {
    if (message.kind !== 'score') return ports;
    const instance = this.random.pick([...this.#instances, undefined]);
    return instance === undefined ? ports : { ...ports, jobs: instance.jobsFor(ports.ledger) };
  }

  #plan(work: Work, delay: number, attempt: number, faults: number): void {
    const era = this.#era;
    this.outstanding++;
    this.scheduler.after(delay, () => {
      if (era === this.#era || work.durable) this.#start(work, attempt, faults);
      else this.outstanding--;
    });
  }

  #start(work: Work, attempt: number, faults: number): void {
    const run = new Run(this.#runs++, work.kind, work.label, this.#faultFor(faults));
    const era = this.#era;
    const again = (delay: number): void => {
      this.outstanding--;
      if (work.once || (era !== this.#era && !work.durable)) return;
      if (attempt >= (work.maxAttempts ?? Infinity)) work.onDead?.();
      else this.#plan(work, delay, attempt + 1, faults + (run.faulted ? 1 : 0));
    };
    run.onCrash = () => {
      again(ACK_DEADLINE);
    };
    this.#alive.add(run);
    this.trace.add(this.scheduler.now(), run, `starts (attempt ${attempt})`);
    work.run(portsOf(this, run)).then(
      (value) => {
        if (run.state !== 'alive') return;
        this.#end(run, 'ended');
        this.outstanding--;
        work.onDone?.(value);
      },
      (error: unknown) => {
        if (run.state !== 'alive') return;
        this.trace.add(this.scheduler.now(), run, `throws ${String(error)}`);
        this.#end(run, 'ended');
        again(this.random.delay(10_000, 600_000));
      },
    );
  }

  #faultFor(faults: number): Fault | undefined {
    const { attack, random } = this;
    if (attack === undefined || faults >= MAX_FAULTS || !random.chance(attack.faults)) return undefined;
    return makeFault(random, attack.crashes);
  }

  /** Waits until the scheduler picks this call. What a dead run asks for never comes. */
  #turn(run: Run): Promise<void> {
    if (run.state !== 'alive') return new Promise(() => undefined);
    if (this.attack === undefined) return Promise.resolve();
    run.pending++;
    const delay = this.random.chance(this.attack.slow) ? this.random.delay(1_000, 240_000) : this.random.delay(1, 400);
    return new Promise((resolve) => {
      this.scheduler.after(delay, () => {
        if (run.state !== 'alive') return;
        run.pending--;
        resolve();
      });
    });
  }

  #crash(run: Run): Promise<never> {
    this.#end(run, 'crashed');
    return new Promise(() => undefined);
  }

  #end(run: Run, state: 'ended' | 'crashed'): void {
    if (run.state !== 'alive') return;
    run.state = state;
    this.#alive.delete(run);
    if (state === 'crashed') run.onCrash();
  }

  async #settled(): Promise<void> {
    let deadline: number | undefined;
    for (let round = 1; ; round++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!isDecompressing() && !this.#isMoving()) return;
      if (round % 1_000 !== 0) continue;
      // A thread that decompresses has not got its turn yet, or nothing will ever come.
      deadline ??= performance.now() + STUCK_MS;
      if (performance.now() > deadline) break;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const stuck = [...this.#alive].filter((run) => run.moving).map(({ label }) => label);
    throw new Error(`waiting for nothing that a port could give: ${stuck.join(', ')}`);
  }

  #isMoving(): boolean {
    for (const run of this.#alive) if (run.moving) return true;
    return false;
  }
}

function handle(ports: ScorePorts, message: Message): Promise<void> {
  switch (message.kind) {
    case 'split':
      return split(ports, message);
    case 'score':
      return score(ports, message);
    case 'assemble':
    case 'commit':
      return finalize(ports, message);
    default:
      return message satisfies never;
  }
}

function labelOf(message: Message): string {
  if (message.kind === 'commit') return 'commit';
  if (message.kind === 'score') return `score ${shardId(message.split, message.shard)}`;
  return `${message.kind} ${splitId(message.split)}`;
}
