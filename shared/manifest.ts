import type { Job } from './job.ts';
import { jobResource } from './job-resource.ts';
import type { StoredObject } from './ports.ts';

/** What stands in `manifest.json`: the job, its files with their checksums, what scored, and the counts. Written last. */
export function manifestOf(job: Job): Record<string, unknown> {
  const { outcome, plan } = job;
  if (outcome === undefined) throw new Error(`job ${job.id} has no output to list`);
  return {
    job: jobResource(job),
    model: { ...plan.model, runtimes: outcome.runtimes },
    files: [file(outcome.results, outcome.rows), file(outcome.errors)],
    counts: { rows: outcome.rows, successful: outcome.rows - outcome.failed, failed: outcome.failed },
  };
}

function file(object: StoredObject, rows?: number): Record<string, unknown> {
  const name = object.name.slice(object.name.lastIndexOf('/') + 1);
  return { name, size: object.size, ...(rows !== undefined && { rows }), crc32c: object.crc32c };
}
