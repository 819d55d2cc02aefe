import { COMPOSE_FAN_IN } from '../../shared/config.ts';
import { ErrorGroups } from '../../shared/error-groups.ts';
import { combineCrc32c, crc32c, decodeCrc32c, encodeCrc32c } from '../../shared/crc32c.ts';
import { errorInfo, PermanentError } from '../../shared/errors.ts';
import { isActive, locationOf, transition, verdict } from '../../shared/job.ts';
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
  const write = async (job: Job): Promise<void> => {
    const parts = await readParts(ports, job);
    if (parts === undefined) return; // announced too early: whoever writes the last part announces again
    const claimed = await ports.ledger.updateJob(job.id, (current) =>
      isActive(current) ? { ...started(current, ports.clock.now()), committing: true } : undefined,
    );
    if (!isActive(claimed)) return; // cancelled, or ended by another
    const outcome = await writeOutput(ports, job, parts);
    const ended = end(claimed, outcome, ports.clock.now());
    const manifest = Buffer.from(`${JSON.stringify(manifestOf(ended), undefined, 2)}\n`);
    await ports.objects.create(job.plan.output.bucket, job.plan.output.manifest, manifest);
    await ports.ledger.updateJob(job.id, (current) =>
      isActive(current) ? end(current, outcome, ports.clock.now()) : undefined,
    );
    const { state } = ended;
    ports.logger.log('INFO', `job ended: ${state}`, { job: job.id, state, rows: outcome.rows, failed: outcome.failed });
    await deleteScratch(ports, job);
  };
  await runTask(ports, task.job, write, isActive);
}

function end(job: Job, outcome: JobOutcome, now: number): Job {
  const { state, reason } = verdict(job.spec, outcome.rows, outcome.failed);
  const error = reason === undefined ? {} : { error: errorInfo('INVALID_ARGUMENT', reason) };
  return transition(job, state, now, { outcome, ...error });
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
  requireContent(results, contentOf(parts.objects));
  const lines = Buffer.from(parts.errors.map((group) => `${JSON.stringify(group)}\n`).join(''));
  const errors = (await ports.objects.create(bucket, errorsName, lines)).object;
  requireContent(errors, { size: lines.length, crc32c: encodeCrc32c(crc32c(lines)) });
  return { rows: parts.rows, failed: parts.failed, runtimes: parts.runtimes, results, errors };
}

/** What the parts one after another are. */
function contentOf(parts: readonly StoredObject[]): Pick<StoredObject, 'size' | 'crc32c'> {
  let crc = 0;
  let size = 0;
  for (const part of parts) {
    crc = combineCrc32c(crc, decodeCrc32c(part.crc32c), part.size);
    size += part.size;
  }
  return { size, crc32c: encodeCrc32c(crc) };
}

/** An attempt before this one may have written the object, with the very same content. Any other content is somebody else's: it stays. */
function requireContent(found: StoredObject, expected: Pick<StoredObject, 'size' | 'crc32c'>): void {
  if (found.size === expected.size && found.crc32c === expected.crc32c) return;
  throw new PermanentError(
    'ALREADY_EXISTS',
    `output ${locationOf(found)} is there already, and is not this job's: ${found.size} bytes, crc32c ${found.crc32c}; expected ${expected.size}, ${expected.crc32c}`,
  );
}

/** Composes the parts in a tree of at most COMPOSE_FAN_IN sources a call. */
async function writeResults(ports: CommitPorts, job: Job, parts: readonly StoredObject[]): Promise<StoredObject> {
  const { output, scratch } = job.plan;
  if (parts.length === 0) return (await ports.objects.create(output.bucket, output.results, new Uint8Array())).object;
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
