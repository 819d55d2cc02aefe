import { CLEANUP_MS, JOB_LIFETIME_MS, STALE_MS } from '../../shared/config.ts';
import { errorInfo } from '../../shared/errors.ts';
import { isSplitComplete } from '../../shared/fan-in.ts';
import { isActive, isEnded, isStoppable, transition } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import type { Ports } from '../../shared/ports.ts';
import { isIndependent, splitAt } from '../../shared/split-plan.ts';
import { deleteScratch, finishCancelling } from '../job-task.ts';
import { startJob } from '../upload/create-job.ts';

export type SweepPorts = Pick<Ports, 'objects' | 'queue' | 'ledger' | 'clock' | 'logger'>;

export interface SweepOptions {
  /** Publish what is missing of every job now, whether it moves or not: its queue is known to be empty. */
  readonly force?: boolean;
  readonly staleMs?: number;
}

/**
 * Finds what a crash could strand: jobs that stopped moving, whose missing work is published again; cancellations half done; jobs too
 * old; leftovers of jobs that have ended. Nothing depends on it being fast, and running it twice does no harm.
 */
export async function sweep(ports: SweepPorts, options: SweepOptions = {}): Promise<void> {
  for await (const job of jobsToLookAt(ports)) {
    if (isEnded(job)) await deleteScratch(ports, job);
    else if (job.state === 'JOB_STATE_CANCELLING') await finishCancelling(ports, job);
    else if (ports.clock.now() - Date.parse(job.createTime) > JOB_LIFETIME_MS) await expire(ports, job);
    else if (options.force === true || (await isStale(ports, job, options.staleMs ?? STALE_MS)))
      await resume(ports, job);
  }
}

/** Newest first, until only jobs are left that ended long ago; those that have not ended are all looked at. */
async function* jobsToLookAt(ports: SweepPorts): AsyncGenerator<Job> {
  const open = ['JOB_STATE_QUEUED', 'JOB_STATE_RUNNING', 'JOB_STATE_CANCELLING'];
  yield* pages(ports, open);
  const oldest = ports.clock.now() - CLEANUP_MS;
  for await (const job of pages(ports)) {
    if (isEnded(job) && Date.parse(job.endTime ?? job.createTime) >= oldest) yield job;
    if (Date.parse(job.createTime) < oldest - JOB_LIFETIME_MS) return;
  }
}

async function* pages(ports: SweepPorts, states?: readonly string[]): AsyncGenerator<Job> {
  let pageToken: string | undefined;
  do {
    const page = await ports.ledger.listJobs({
      pageSize: 100,
      ...(states && { states }),
      ...(pageToken && { pageToken }),
    });
    yield* page.jobs;
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}

/** Whether the job's counts stand where they stood `staleMs` ago. Remembers what it saw with the job. */
async function isStale(ports: SweepPorts, job: Job, staleMs: number): Promise<boolean> {
  const seen = JSON.stringify(await ports.ledger.progress(job.id));
  const now = ports.clock.now();
  if (job.watch?.seen === seen && now - Date.parse(job.watch.since) < staleMs) return false;
  const stale = job.watch?.seen === seen;
  const watch = { seen, since: new Date(now).toISOString() };
  await ports.ledger.updateJob(job.id, (current) => (isActive(current) ? { ...current, watch } : undefined));
  return stale;
}

/** Publishes exactly what is missing of one job. */
async function resume(ports: SweepPorts, job: Job): Promise<void> {
  ports.logger.log('INFO', 'publishing what is missing', { job: job.id });
  if (job.state === 'JOB_STATE_QUEUED') {
    await startJob(ports, job);
    return;
  }
  let missing = 0;
  for (let split = 0; split < job.plan.splits; split++) {
    if ((await ports.ledger.getPart(job.id, split)) !== undefined) continue;
    missing++;
    await resumeSplit(ports, job, split);
  }
  if (missing === 0) await ports.queue.publish([{ kind: 'commit', job: job.id }]);
}

async function resumeSplit(ports: SweepPorts, job: Job, split: number): Promise<void> {
  if (await isSplitComplete(ports, job, split)) return ports.queue.publish([{ kind: 'assemble', job: job.id, split }]);
  if (isIndependent(splitAt(job.plan, split))) return ports.queue.publish([{ kind: 'split', job: job.id, split }]);
  // Where a split begins that needs the one before it is in that one's record; without it, that one is published and hands on.
  const before = await ports.ledger.getSplit(job.id, split - 1);
  if (before !== undefined) await ports.queue.publish([{ kind: 'split', job: job.id, split, start: before.end }]);
  return undefined;
}

async function expire(ports: SweepPorts, job: Job): Promise<void> {
  const error = errorInfo('DEADLINE_EXCEEDED', `not done ${JOB_LIFETIME_MS / 86_400_000} days after its creation`);
  await ports.ledger.updateJob(job.id, (current) =>
    isStoppable(current) ? transition(current, 'JOB_STATE_EXPIRED', ports.clock.now(), { error }) : undefined,
  );
  await deleteScratch(ports, job);
}
