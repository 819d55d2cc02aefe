import { COMPOSE_FAN_IN } from '../../shared/config.ts';
import { ErrorGroups } from '../../shared/error-groups.ts';
import { errorInfo } from '../../shared/errors.ts';
import { transition, verdict } from '../../shared/job.ts';
import type { Job, JobOutcome } from '../../shared/job.ts';
import { manifestOf } from '../../shared/manifest.ts';
import type { CommitTask } from '../../shared/messages.ts';
import { composedName } from '../../shared/names.ts';
import type { Ports, StoredObject } from '../../shared/ports.ts';
import type { ErrorGroup } from '../../shared/shard.ts';
import { deleteScratch, runTask } from '../job-task.ts';

export type CommitPorts = Pick<Ports, 'objects' | 'queue' | 'ledger' | 'clock' | 'logger'>;

/** Composes the parts, writes the errors summary and, last, the manifest: who sees the manifest sees everything. Then closes the job. */
export async function commit(ports: CommitPorts, task: CommitTask): Promise<void> {
  await runTask(ports, task.job, async (job) => {
    const parts = await readParts(ports, job);
    if (parts === undefined) return; // announced too early: whoever writes the last part announces again
    const outcome = await writeOutput(ports, job, parts);
    const { state, reason } = verdict(job.spec, outcome.rows, outcome.failed);
    const error = reason === undefined ? {} : { error: errorInfo('INVALID_ARGUMENT', reason) };
    const ended = transition(started(job, ports.clock.now()), state, ports.clock.now(), { outcome, ...error });
    const manifest = Buffer.from(`${JSON.stringify(manifestOf(ended), undefined, 2)}\n`);
    await ports.objects.create(job.plan.output.bucket, job.plan.output.manifest, manifest);
    await ports.ledger.updateJob(job.id, (current) =>
      current.state === 'JOB_STATE_QUEUED' || current.state === 'JOB_STATE_RUNNING'
        ? transition(started(current, ports.clock.now()), state, ports.clock.now(), { outcome, ...error })
        : undefined,
    );
    const { rows, failed } = outcome;
    ports.logger.log('INFO', `job ended: ${state}`, { job: job.id, state, rows, failed });
    await deleteScratch(ports, job);
  });
}

/** A small job may be done before the function that created it could set it running. */
function started(job: Job, now: number): Job {
  return job.state === 'JOB_STATE_QUEUED' ? transition(job, 'JOB_STATE_RUNNING', now) : job;
}

/** What is kept of the parts: their objects and the totals. Undefined where one is missing. */
interface PartsSummary {
  readonly objects: readonly StoredObject[];
  readonly rows: number;
  readonly failed: number;
  readonly errors: readonly ErrorGroup[];
  readonly runtimes: readonly string[];
}

async function readParts(ports: CommitPorts, job: Job): Promise<PartsSummary | undefined> {
  const objects: StoredObject[] = [];
  const errors = new ErrorGroups();
  const runtimes = new Set<string>();
  let rows = 0;
  let failed = 0;
  for await (const part of ports.ledger.readParts(job.id)) {
    objects.push(part.object);
    errors.merge(part.errors, rows);
    rows += part.rows;
    failed += part.failed;
    for (const runtime of part.runtimes) runtimes.add(runtime);
  }
  if (objects.length !== job.plan.splits) return undefined;
  return { objects, rows, failed, errors: errors.list(), runtimes: [...runtimes].sort() };
}

async function writeOutput(ports: CommitPorts, job: Job, parts: PartsSummary): Promise<JobOutcome> {
  const { bucket, errors: errorsName } = job.plan.output;
  const results = await writeResults(ports, job, parts.objects);
  const lines = parts.errors.map((group) => `${JSON.stringify(group)}\n`).join('');
  const errors = (await ports.objects.create(bucket, errorsName, Buffer.from(lines))).object;
  return { rows: parts.rows, failed: parts.failed, runtimes: parts.runtimes, results, errors };
}

/** Composes the parts in a tree of at most COMPOSE_FAN_IN sources a call. The only part of a job is its output already. */
async function writeResults(ports: CommitPorts, job: Job, parts: readonly StoredObject[]): Promise<StoredObject> {
  const { output, scratch } = job.plan;
  const [first] = parts;
  if (first === undefined) return (await ports.objects.create(output.bucket, output.results, new Uint8Array())).object;
  if (parts.length === 1) return first;
  let sources = parts;
  for (let level = 1; sources.length > COMPOSE_FAN_IN; level++) {
    const composed: StoredObject[] = [];
    for (let at = 0; at < sources.length; at += COMPOSE_FAN_IN) {
      const name = composedName(scratch.prefix, level, composed.length);
      composed.push((await ports.objects.compose(scratch.bucket, sources.slice(at, at + COMPOSE_FAN_IN), name)).object);
    }
    sources = composed;
  }
  return (await ports.objects.compose(output.bucket, sources, output.results)).object;
}
