import type { Job } from './job.ts';
import { jobResource } from './job-resource.ts';
import type { Distribution, InferenceMetrics } from './metrics.ts';
import type { StoredObject } from './ports.ts';

/** What stands in `manifest.json`: the job, its files with their checksums, what scored, the counts and the metrics. Written last. */
export function manifestOf(job: Job): Record<string, unknown> {
  const { outcome, plan } = job;
  if (outcome === undefined) throw new Error(`job ${job.id} has no output to list`);
  return {
    job: jobResource(job),
    model: { ...plan.model, runtimes: outcome.runtimes },
    files: [{ ...file(outcome.results, outcome.rows), format: job.spec.predictionsFormat }, file(outcome.errors)],
    counts: { rows: outcome.rows, successful: outcome.rows - outcome.failed, failed: outcome.failed },
    ...metricsByVersion(job),
  };
}

/** `{metrics: {"digits@1": {num_inferences, …}}}`: distributions with their mean. Nothing where no shard was measured. */
export function metricsByVersion({ plan, outcome }: Job): { readonly metrics?: Record<string, unknown> } {
  if (outcome?.metrics === undefined) return {};
  return { metrics: { [`${plan.model.model}@${plan.model.version}`]: withMeans(outcome.metrics) } };
}

function withMeans(metrics: InferenceMetrics): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]: [string, number | Distribution]) => [
      name,
      typeof value === 'number' ? value : { ...value, mean: value.count === 0 ? 0 : value.sum / value.count },
    ]),
  );
}

function file(object: StoredObject, rows?: number): Record<string, unknown> {
  const name = object.name.slice(object.name.lastIndexOf('/') + 1);
  return { name, size: object.size, ...(rows !== undefined && { rows }), crc32c: object.crc32c };
}
