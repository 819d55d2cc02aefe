import { PermanentError } from '../../shared/errors.ts';
import { isActive } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import type { Message, ScoreTask, SplitTask } from '../../shared/messages.ts';
import { stagedName } from '../../shared/names.ts';
import type { Ledger } from '../../shared/ports.ts';
import { isIndependent, splitAt } from '../../shared/split-plan.ts';

/** What cannot have come from its job. */
export class RefusedTask extends PermanentError {
  constructor(task: Message, what: string) {
    super('INVALID_ARGUMENT', `not a task of job ${task.job}: ${what}`);
  }
}

/**
 * Looks whether a task can have come from its job. One that cannot is forged, or garbled on its way: handled, it would fail a sound job, read an
 * object that is none of the job's, or leave a result that no count expects, and the job would wait for ever. A task of
 * a job that is gone or has ended passes: its handler drops it.
 * @param jobs where the job is looked up: many scorers of one job do not all ask the same document.
 * @throws RefusedTask saying what does not fit.
 */
export async function checkTask(
  ledger: Pick<Ledger, 'getSplit'>,
  jobs: Pick<Ledger, 'getJob'>,
  task: Message,
): Promise<void> {
  const job = await jobs.getJob(task.job);
  if (job === undefined || !isActive(job) || task.kind === 'commit') return;
  if (task.split >= job.plan.splits) refuse(task, `split ${task.split} of a job that has ${job.plan.splits}`);
  switch (task.kind) {
    case 'split':
      return checkSplit(ledger, job, task);
    case 'score':
      return checkShard(ledger, job, task);
    case 'assemble':
      return;
    default:
      task satisfies never;
  }
}

/** Only a split that cannot find its first record by itself is told where it begins: where the split before it ended. */
async function checkSplit(ledger: Pick<Ledger, 'getSplit'>, job: Job, task: SplitTask): Promise<void> {
  if (isIndependent(splitAt(job.plan, task.split))) {
    if (task.start !== undefined) refuse(task, `a start (${task.start}) for a split that finds its own`);
    return;
  }
  const before = await ledger.getSplit(job.id, task.split - 1);
  if (task.start !== before?.end)
    refuse(task, `start ${task.start}: the split before it ends at ${before?.end ?? 'an unknown offset'}`);
}

async function checkShard(ledger: Pick<Ledger, 'getSplit'>, job: Job, task: ScoreTask): Promise<void> {
  const { object, start, end } = task;
  const { input, whole } = splitAt(job.plan, task.split);
  const { scratch } = job.plan;
  const staged = object.bucket === scratch.bucket && object.name === stagedName(scratch.prefix, task.split, task.shard);
  const own = object.bucket === input.bucket && object.name === input.name && object.generation === input.generation;
  if (!staged && !own) refuse(task, `an object (${object.bucket}/${object.name}) that is none of the job's`);
  if (start > end || (own && !whole && end > input.size)) refuse(task, `no range of the object: ${start} to ${end}`);
  const record = await ledger.getSplit(job.id, task.split);
  if (record !== undefined && task.shard >= record.shards)
    refuse(task, `shard ${task.shard} of a split that has ${record.shards}`);
}

function refuse(task: Message, what: string): never {
  throw new RefusedTask(task, what);
}
