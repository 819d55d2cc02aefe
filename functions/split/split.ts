import { PUBLISH_BATCH } from '../../shared/config.ts';
import { announceNumberedSplits, announceSplit } from '../../shared/fan-in.ts';
import type { Job } from '../../shared/job.ts';
import type { Message, SplitTask } from '../../shared/messages.ts';
import type { Ports } from '../../shared/ports.ts';
import type { Shard, Split, SplitRecord } from '../../shared/shard.ts';
import { isIndependent, splitAt } from '../../shared/split-plan.ts';
import { runTask } from '../job-task.ts';
import { cutSplit } from './cut-split.ts';
import { reuseResults } from './reuse-results.ts';

export type SplitPorts = Pick<Ports, 'objects' | 'queue' | 'ledger' | 'clock' | 'logger' | 'tables'>;

/**
 * Cuts one split into shards and publishes one task for each that has no result yet; then records what the split holds, and makes the
 * completion check itself, because its last shard may be done already. Cutting is deterministic: a retry, or the sweep,
 * publishes exactly what is missing.
 */
export async function split(ports: SplitPorts, task: SplitTask): Promise<void> {
  await runTask(ports, task.job, async (job) => {
    const planned = splitAt(job.plan, task.split);
    const record = (await settled(ports, job, task.split)) ?? (await cutAndPublish(ports, job, planned, task.start));
    await announceSplit(ports, job, task.split);
    await announceNumberedSplits(ports, job);
    await publishNext(ports, job, planned, record);
  });
}

/** The record of a split that needs no cutting any more: every one of its shards has a result. */
async function settled(ports: SplitPorts, job: Job, split: number): Promise<SplitRecord | undefined> {
  const record = await ports.ledger.getSplit(job.id, split);
  if (record === undefined) return undefined;
  return (await ports.ledger.countResults(job.id, split)) === record.shards ? record : undefined;
}

async function cutAndPublish(ports: SplitPorts, job: Job, planned: Split, start?: number): Promise<SplitRecord> {
  const done = new Set(await ports.ledger.listResultShards(job.id, planned.index));
  for (const shard of await reuseResults(ports, job, planned.index)) done.add(shard);
  let tasks: Message[] = [];
  // The first shards leave at once, so that scoring starts while the rest is still being cut; later ones in larger and larger batches.
  let batch = 1;
  const record = await cutSplit(
    ports.objects,
    job,
    planned,
    start,
    (shard) => !done.has(shard),
    async (shard) => {
      if (!done.has(shard.shard)) tasks.push(scoreTask(job, shard));
      // A file that cannot be ranged may turn out broken at its end: then none of its shards was published.
      if (tasks.length < batch || planned.whole) return;
      await ports.queue.publish(tasks);
      tasks = [];
      batch = Math.min(PUBLISH_BATCH, batch * 2);
    },
    ports.tables,
  );
  for (let at = 0; at < tasks.length; at += PUBLISH_BATCH)
    await ports.queue.publish(tasks.slice(at, at + PUBLISH_BATCH));
  await ports.ledger.putSplit(job.id, record);
  return record;
}

/** In a file whose records can only be found from its start, each split tells the next one where it begins. */
async function publishNext(ports: SplitPorts, job: Job, planned: Split, record: SplitRecord): Promise<void> {
  if (planned.last) return;
  const next = splitAt(job.plan, planned.index + 1);
  if (isIndependent(next) || (await ports.ledger.getSplit(job.id, next.index)) !== undefined) return;
  await ports.queue.publish([{ kind: 'split', job: job.id, split: next.index, start: record.end }]);
}

function scoreTask(job: Job, shard: Shard): Message {
  return { kind: 'score', job: job.id, ...shard };
}
