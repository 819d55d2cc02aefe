import type { Job } from './job.ts';
import type { Ports } from './ports.ts';

/**
 * The two fan-ins: results into their split's part, parts into the job's output. Completion is a set, never a counter: whoever creates a
 * document counts the full set afterwards, and announces completion where nothing is missing. Two that finish at once may both announce, and
 * a redelivery announces again: what they announce is idempotent. Nobody can miss it, because the ledger's counts are strongly
 * consistent (Firestore's queries are; so is SQLite): of two creators, the one that counts last sees both documents.
 */

type FanInPorts = Pick<Ports, 'ledger' | 'queue'>;

/** Publishes the assembly of a split once all its results are there. Called after a result or the split's record was written. */
export async function announceSplit(ports: FanInPorts, job: Job, split: number): Promise<void> {
  if (await isSplitComplete(ports, job, split)) await ports.queue.publish([{ kind: 'assemble', job: job.id, split }]);
}

export async function isSplitComplete(ports: Pick<Ports, 'ledger'>, job: Job, split: number): Promise<boolean> {
  const record = await ports.ledger.getSplit(job.id, split);
  if (record === undefined) return false;
  if ((await ports.ledger.countResults(job.id, split)) !== record.shards) return false;
  // Rows are numbered through the whole job: a part that carries their numbers waits until every split before it is counted.
  return !needsRowNumbers(job) || (await ports.ledger.countSplits(job.id)) === job.plan.splits;
}

/** Publishes every complete split, where the last split record is what they all waited for. Called after that record was written. */
export async function announceNumberedSplits(ports: FanInPorts, job: Job): Promise<void> {
  if (!needsRowNumbers(job) || (await ports.ledger.countSplits(job.id)) !== job.plan.splits) return;
  for (let split = 0; split < job.plan.splits; split++) await announceSplit(ports, job, split);
}

/** Publishes the commit once all parts are there. Called after a part was written. */
export async function announceJob(ports: FanInPorts, job: Job): Promise<void> {
  const parts = await ports.ledger.countParts(job.id);
  if (parts === job.plan.splits) await ports.queue.publish([{ kind: 'commit', job: job.id }]);
}

/** Whether lines get their row as key when they are assembled. */
export function needsRowNumbers(job: Job): boolean {
  return job.spec.instanceConfig.rowKeys === true;
}
