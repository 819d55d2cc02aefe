import type { Job } from '../../shared/job.ts';
import type { Clock, Ledger } from '../../shared/ports.ts';

/**
 * For how long one instance believes a job to be running. Ten thousand scorers that each look at every shard would ask one document for
 * thousands of reads a second; so they ask for hundreds. A shard scored after its job has ended costs a second, and the sweep deletes its result.
 */
const BELIEF_MS = 30_000;

const MAX_JOBS = 100;

/** Remembers running jobs for a while. Any other state is looked up again. */
export class JobCache implements Pick<Ledger, 'getJob'> {
  readonly #ledger: Pick<Ledger, 'getJob'>;
  readonly #clock: Clock;
  readonly #seen = new Map<string, { readonly job: Job; readonly until: number }>();

  constructor(ledger: Pick<Ledger, 'getJob'>, clock: Clock) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  async getJob(id: string): Promise<Job | undefined> {
    const now = this.#clock.now();
    const seen = this.#seen.get(id);
    if (seen !== undefined && now < seen.until) return seen.job;
    this.#seen.delete(id);
    const job = await this.#ledger.getJob(id);
    if (job?.state === 'JOB_STATE_RUNNING') {
      if (this.#seen.size >= MAX_JOBS) this.#seen.clear();
      this.#seen.set(id, { job, until: now + BELIEF_MS });
    }
    return job;
  }
}
