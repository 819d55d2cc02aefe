import { deadLetter } from '../../functions/dead-letter/dead-letter.ts';
import { finalize } from '../../functions/finalize/finalize.ts';
import { finishCancelling } from '../../functions/job-task.ts';
import { score } from '../../functions/score/score.ts';
import { split } from '../../functions/split/split.ts';
import { sweep } from '../../functions/sweep/sweep.ts';
import { startJob } from '../../functions/upload/create-job.ts';
import { toErrorInfo } from '../../shared/errors.ts';
import { isEnded } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import type { Logger, ModelStore, Ports } from '../../shared/ports.ts';
import { SystemClock } from './clock.ts';
import { LocalLedger } from './ledger.ts';
import { LocalObjectStore } from './object-store.ts';
import type { LocalBuckets } from './object-store.ts';
import { LocalQueue } from './queue.ts';
import { ScorePool } from './score-pool.ts';
import type { ModelSource } from './model-source.ts';
import { openModels } from './model-source.ts';

export interface LocalPipelineOptions {
  /** The SQLite file of the ledger. */
  readonly ledger: string;
  /** Folders by bucket name. */
  readonly buckets: LocalBuckets;
  readonly models: ModelSource;
  readonly workers: number;
  readonly logger: Logger;
  /** The whole state is deleted when its job has ended: nothing in it needs to be tidied up before. */
  readonly disposable?: boolean;
}

/** Leaves an ended job's results where they are: deleting their pages one by one takes longer than deleting the file. */
class DisposableLedger extends LocalLedger {
  override deleteScratch(): Promise<void> {
    return Promise.resolve();
  }

  /** Nor is its log written back into the file: whoever resumes reads both. */
  override close(): void {
    // the process ends now
  }

  /** A job that is started over finds nothing of the one before it. */
  override async deleteJob(job: string): Promise<void> {
    await super.deleteScratch(job);
    await super.deleteJob(job);
  }
}

/** How often a job that another process may end is looked at. */
const POLL_MS = 1_000;

/** How long shards under way may take to finish when the pipeline stops. */
const STOP_GRACE_MS = 5_000;

/** Shards waiting for a worker above which splitting pauses: memory stays flat however large the input. */
const SHARD_HIGH_WATER = 2_000;

/** Shards handed to the pool at once, per worker: one being scored, one ready. */
const SHARDS_PER_WORKER = 2;

/**
 * The whole pipeline in one process tree: the very handlers that are deployed, on folders, SQLite, an in-process queue and worker
 * threads. The queue is lost with the process: `resume` publishes what the ledger says is missing.
 */
export class LocalPipeline {
  readonly ports: Ports;
  readonly #queue: LocalQueue;
  readonly #ledger: LocalLedger;
  readonly #pool: ScorePool;
  readonly #watchers: (() => void)[] = [];

  constructor(options: LocalPipelineOptions) {
    const models: ModelStore = openModels(options.models);
    // Workers first: they start up while the rest does.
    this.#pool = new ScorePool({ buckets: options.buckets, models: options.models, workers: options.workers });
    this.#ledger = options.disposable === true ? new DisposableLedger(options.ledger) : new LocalLedger(options.ledger);
    this.#queue = new LocalQueue({
      handlers: {
        splits: async (message) => {
          if (message.kind === 'split') await split(this.ports, message);
          this.#look();
        },
        shards: async (message) => {
          if (message.kind === 'score') await score(this.ports, message);
        },
        assembly: async (message) => {
          if (message.kind === 'assemble' || message.kind === 'commit') await finalize(this.ports, message);
          this.#look();
        },
      },
      deadLetter: (message, error) => deadLetter(this.ports, message, toErrorInfo(error)),
      concurrency: { splits: 2, shards: options.workers * SHARDS_PER_WORKER, assembly: 2 },
      highWater: { shards: SHARD_HIGH_WATER },
      logger: options.logger,
    });
    this.ports = {
      objects: new LocalObjectStore(options.buckets),
      queue: this.#queue,
      ledger: this.#ledger,
      models,
      scorer: this.#pool,
      clock: new SystemClock(),
      logger: options.logger,
    };
  }

  /** Publishes what is missing of every job that has not ended. Called once, at the start. */
  async resume(): Promise<void> {
    await sweep(this.ports, { force: true });
  }

  /** Takes up what another process asked for through the ledger. */
  async adopt(): Promise<void> {
    const { jobs } = await this.ports.ledger.listJobs({
      pageSize: 100,
      states: ['JOB_STATE_QUEUED', 'JOB_STATE_CANCELLING'],
    });
    for (const job of jobs) {
      if (job.state === 'JOB_STATE_QUEUED') await startJob(this.ports, job);
      else await finishCancelling(this.ports, job);
    }
  }

  /** The job once it has ended: seen at once where this process ends it, within a second where another does. */
  async untilEnded(id: string): Promise<Job> {
    for (;;) {
      const job = await this.ports.ledger.getJob(id);
      if (job !== undefined && isEnded(job)) return job;
      await new Promise<void>((wake) => {
        const timer = setTimeout(wake, POLL_MS);
        this.#watchers.push(() => {
          clearTimeout(timer);
          wake();
        });
      });
    }
  }

  #look(): void {
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  /** Whether the ledger holds a job that has not ended. */
  async unfinished(): Promise<boolean> {
    const states = ['JOB_STATE_QUEUED', 'JOB_STATE_RUNNING', 'JOB_STATE_CANCELLING'];
    return (await this.ports.ledger.listJobs({ pageSize: 1, states })).jobs.length > 0;
  }

  /** Looks after jobs that stopped moving and after leftovers. */
  async sweep(): Promise<void> {
    await sweep(this.ports);
  }

  /**
   * Hands out no more messages, and waits for those under way.
   * @param graceMs how long to wait; a shard cut short is scored again when the job is resumed.
   */
  async stop(graceMs = STOP_GRACE_MS): Promise<void> {
    const drained = this.#queue.close({ drain: false });
    await Promise.race([drained, new Promise<void>((wake) => setTimeout(wake, graceMs).unref())]);
    this.#ledger.close();
  }

  /** Stops, and ends the worker threads. A process that ends anyway can leave them: they end with it. */
  async close(): Promise<void> {
    await this.stop();
    await this.#pool.close();
  }
}
