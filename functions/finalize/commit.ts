import { ErrorGroups } from '../../shared/error-groups.ts';
import { crc32c, encodeCrc32c } from '../../shared/crc32c.ts';
import { errorInfo } from '../../shared/errors.ts';
import { isActive, transition, verdict } from '../../shared/job.ts';
import type { Job, JobOutcome } from '../../shared/job.ts';
import { manifestOf, metricsByVersion } from '../../shared/manifest.ts';
import type { CommitTask } from '../../shared/messages.ts';
import { addMetrics } from '../../shared/metrics.ts';
import type { InferenceMetrics } from '../../shared/metrics.ts';
import type { Ports } from '../../shared/ports.ts';
import type { ErrorGroup } from '../../shared/shard.ts';
import { deleteScratch, runTask } from '../job-task.ts';
import { requireContent, writeResults } from './write-results.ts';
import type { PartRef } from './write-results.ts';

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
    const { rows, failed } = outcome;
    ports.logger.log('INFO', `job ended: ${state}`, { job: job.id, state, rows, failed, ...metricsByVersion(ended) });
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

/** What is kept of the parts: their objects and the totals. */
interface PartsSummary {
  readonly parts: readonly PartRef[];
  readonly rows: number;
  readonly failed: number;
  readonly errors: readonly ErrorGroup[];
  readonly runtimes: readonly string[];
  readonly metrics?: InferenceMetrics;
}

/** @returns undefined where one is missing. */
async function readParts(ports: CommitPorts, job: Job): Promise<PartsSummary | undefined> {
  const parts: PartRef[] = [];
  const errors = new ErrorGroups();
  const runtimes = new Set<string>();
  let rows = 0;
  let failed = 0;
  let metrics: InferenceMetrics | undefined;
  for await (const part of ports.ledger.readParts(job.id)) {
    const { split, object, outputs } = part;
    parts.push({ split, object, ...(outputs && { outputs }) });
    errors.merge(part.errors, rows);
    rows += part.rows;
    failed += part.failed;
    for (const runtime of part.runtimes) runtimes.add(runtime);
    if (part.metrics !== undefined) metrics = metrics === undefined ? part.metrics : addMetrics(metrics, part.metrics);
  }
  if (parts.length !== job.plan.splits) return undefined;
  const summary = { parts, rows, failed, errors: errors.list(), runtimes: [...runtimes].sort() };
  return { ...summary, ...(metrics && { metrics }) };
}

async function writeOutput(ports: CommitPorts, job: Job, summary: PartsSummary): Promise<JobOutcome> {
  const { bucket, errors: errorsName } = job.plan.output;
  const { parts, rows, failed, runtimes, metrics } = summary;
  const results = await writeResults(ports, job, parts);
  const lines = Buffer.from(summary.errors.map((group) => `${JSON.stringify(group)}\n`).join(''));
  const errors = (await ports.objects.create(bucket, errorsName, lines)).object;
  requireContent(errors, { size: lines.length, crc32c: encodeCrc32c(crc32c(lines)) });
  return { rows, failed, runtimes, ...(metrics && { metrics }), results, errors };
}
