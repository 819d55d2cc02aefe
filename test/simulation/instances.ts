import { JobCache } from '../../functions/score/job-cache.ts';
import type { Clock, Ledger } from '../../shared/ports.ts';

/** A scorer's instance: what it remembers of jobs outlives a run, and may be old. */
export class Instance {
  readonly #cache: JobCache;
  /** Of the run that asks now. */
  #ledger: Pick<Ledger, 'getJob'> | undefined;

  constructor(clock: Clock) {
    const getJob: Ledger['getJob'] = (job) => this.#ledger?.getJob(job) ?? Promise.resolve(undefined);
    this.#cache = new JobCache({ getJob }, clock);
  }

  /** The memory, asking through this run's ledger where it does not know. */
  jobsFor(ledger: Pick<Ledger, 'getJob'>): Pick<Ledger, 'getJob'> {
    return {
      getJob: (job) => {
        this.#ledger = ledger;
        return this.#cache.getJob(job);
      },
    };
  }
}
