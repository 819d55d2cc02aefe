import { PermanentError, toErrorInfo } from '../shared/errors.ts';
import type { ErrorInfo } from '../shared/errors.ts';
import { isActive, isEnded, isStoppable, transition } from '../shared/job.ts';
import type { Job } from '../shared/job.ts';
import type { Ports } from '../shared/ports.ts';

type JobPorts = Pick<Ports, 'ledger' | 'objects' | 'clock' | 'logger'>;

/**
 * Runs one task of a job. A task of a job that has ended, or is being cancelled, is acknowledged and dropped. A PermanentError fails
 * the job and is acknowledged; any other error is thrown on, and the message comes again.
 * @param ports.jobs where the job is looked up, if not in the ledger itself.
 * @param mayFail whether the job, as it is by then, may still fail of this task.
 */
export async function runTask(
  ports: JobPorts & { readonly jobs?: Pick<Ports['ledger'], 'getJob'> },
  id: string,
  task: (job: Job) => Promise<void>,
  mayFail: (current: Job) => boolean = isStoppable,
): Promise<void> {
  const job = await (ports.jobs ?? ports.ledger).getJob(id);
  if (job === undefined || !isActive(job)) return;
  try {
    await task(job);
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    await failJob(ports, job, toErrorInfo(error), mayFail);
  }
}

/**
 * Ends a job as FAILED, keeps why, and deletes what it left.
 * @param mayFail whether the job, as it is by then, may still fail of this.
 */
export async function failJob(
  ports: JobPorts,
  job: Job,
  error: ErrorInfo,
  mayFail: (current: Job) => boolean = isStoppable,
): Promise<void> {
  const ended = await ports.ledger.updateJob(job.id, (current) =>
    mayFail(current) ? transition(current, 'JOB_STATE_FAILED', ports.clock.now(), { error }) : undefined,
  );
  if (!isEnded(ended)) return;
  if (ended.state === 'JOB_STATE_FAILED') ports.logger.log('WARNING', `job failed: ${error.message}`, { job: job.id });
  await deleteScratch(ports, ended);
}

/**
 * Asks a job to stop and ends it. Tasks under way finish; what they still write, the sweep deletes. A job whose output is being written is left
 * to end: so a cancelled job never has output.
 */
export async function cancelJob(ports: JobPorts, id: string): Promise<Job> {
  const job = await ports.ledger.updateJob(id, (current) =>
    isStoppable(current) ? transition(current, 'JOB_STATE_CANCELLING', ports.clock.now()) : undefined,
  );
  return job.state === 'JOB_STATE_CANCELLING' ? finishCancelling(ports, job) : job;
}

export async function finishCancelling(ports: JobPorts, job: Job): Promise<Job> {
  await deleteScratch(ports, job);
  return ports.ledger.updateJob(job.id, (current) =>
    current.state === 'JOB_STATE_CANCELLING'
      ? transition(current, 'JOB_STATE_CANCELLED', ports.clock.now())
      : undefined,
  );
}

/** Deletes everything that lives only until the job ends. */
export async function deleteScratch(ports: Pick<Ports, 'ledger' | 'objects'>, job: Job): Promise<void> {
  const { bucket, prefix } = job.plan.scratch;
  for await (const object of ports.objects.list(bucket, prefix)) await ports.objects.delete(bucket, object.name);
  await ports.ledger.deleteScratch(job.id);
}
