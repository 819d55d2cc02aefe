import { errorInfo } from '../../shared/errors.ts';
import type { ErrorInfo } from '../../shared/errors.ts';
import { announceSplit } from '../../shared/fan-in.ts';
import { isActive, isStoppable } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import type { Message, ScoreTask } from '../../shared/messages.ts';
import { shardId } from '../../shared/names.ts';
import type { Ports } from '../../shared/ports.ts';
import { failJob, runTask } from '../job-task.ts';
import { failShard } from '../score/fail-shard.ts';
import { scoreRequest, storeResult } from '../score/score.ts';

export type DeadLetterPorts = Pick<Ports, 'objects' | 'queue' | 'ledger' | 'clock' | 'logger'>;

/**
 * Takes what the queue gave up on, so that every job ends: a shard's rows become error rows with their keys, and the completion check is
 * made; without a split or the assembly there is no output, and the job fails.
 * @param last the last attempt's error, where the queue knows it.
 */
export async function deadLetter(ports: DeadLetterPorts, task: Message, last?: ErrorInfo): Promise<void> {
  switch (task.kind) {
    case 'score':
      return buryShard(ports, task, last);
    case 'split':
      return endJob(ports, task, `split ${task.split} could not be cut`, last, isStoppable);
    case 'assemble':
      return endJob(ports, task, `split ${task.split} could not be assembled`, last, isStoppable);
    case 'commit':
      return endJob(ports, task, 'the output could not be written', last, isActive);
    default:
      task satisfies never;
  }
}

async function buryShard(ports: DeadLetterPorts, task: ScoreTask, last?: ErrorInfo): Promise<void> {
  await runTask(ports, task.job, async (job) => {
    const failure = last ?? (await ports.ledger.getFailure(job.id, task.split, task.shard));
    const error = errorInfo(
      failure?.status ?? 'INTERNAL',
      `the shard could not be scored: ${failure?.message ?? 'no attempt recorded why'}`,
    );
    ports.logger.log('ERROR', error.message, { job: job.id, shard: shardId(task.split, task.shard) });
    await storeResult(ports, job, task, await failShard(ports.objects, scoreRequest(job, task), error));
    await announceSplit(ports, job, task.split);
  });
}

async function endJob(
  ports: DeadLetterPorts,
  task: Message,
  what: string,
  last: ErrorInfo | undefined,
  mayFail: (job: Job) => boolean,
): Promise<void> {
  const error = errorInfo(last?.status ?? 'INTERNAL', last === undefined ? what : `${what}: ${last.message}`);
  await runTask(ports, task.job, (job) => failJob(ports, job, error, mayFail), mayFail);
}
