import { locationOf } from './job.ts';
import type { Job } from './job.ts';
import type { Progress } from './ports.ts';

/** Splitting, scoring and assembling: what a running job is at. */
export type Phase = 'splitting' | 'scoring' | 'assembling';

/** What a running job is at, from its counts. */
export function phaseOf(job: Job, progress: Progress): Phase {
  if (progress.splits < job.plan.splits) return 'splitting';
  return progress.results < progress.plannedShards ? 'scoring' : 'assembling';
}

/**
 * The job as the outside sees it: Vertex AI's BatchPredictionJob, and our fields beside it.
 * https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.batchPredictionJobs
 * @param progress the counts of a job under way.
 */
export function jobResource(job: Job, progress?: Progress): Record<string, unknown> {
  const { spec, plan, outcome } = job;
  return {
    name: job.id,
    displayName: spec.displayName,
    model: plan.model.model,
    modelVersionId: plan.model.version,
    signatureName: spec.signatureName,
    inputConfig: { instancesFormat: spec.instancesFormat, ...sourceOf(plan) },
    instanceConfig: spec.instanceConfig,
    outputConfig: {
      predictionsFormat: spec.predictionsFormat,
      gcsDestination: { outputUriPrefix: folderOf(plan.output) },
    },
    ...(spec.batchSize !== undefined && { manualBatchTuningParameters: { batchSize: spec.batchSize } }),
    maxItemsPerBatch: spec.maxItemsPerBatch,
    maxInputBytesPerBatch: spec.maxInputBytesPerBatch,
    maxRowBytes: spec.maxRowBytes,
    toleratedFailurePercentage: spec.toleratedFailurePercentage,
    toleratedFailureCount: spec.toleratedFailureCount,
    redriveOf: spec.redriveOf,
    state: job.state,
    ...(progress && job.state === 'JOB_STATE_RUNNING' && { phase: phaseOf(job, progress), progress }),
    error: job.error,
    ...(outcome && {
      outputInfo: {
        gcsOutputDirectory: folderOf(plan.output),
        results: uriOf(outcome.results),
        manifest: manifestUri(job),
      },
    }),
    completionStats: completionStats(job, progress),
    createTime: job.createTime,
    startTime: job.startTime,
    endTime: job.endTime,
    updateTime: job.updateTime,
    labels: spec.labels,
  };
}

/** Where the instances come from: files, or a table that is none. */
function sourceOf({ inputs }: Job['plan']): Record<string, unknown> {
  const [first] = inputs;
  if (first?.table?.format === 'bigquery') return { bigquerySource: { inputUri: `bq://${first.name}` } };
  return { gcsSource: { uris: inputs.map(uriOf) } };
}

/** Rows by their fate. What has not been counted yet is not in `incompleteCount`. */
function completionStats(job: Job, progress?: Progress): Record<string, number> {
  const rows = job.outcome?.rows ?? progress?.rows ?? 0;
  const failed = job.outcome?.failed ?? progress?.failed ?? 0;
  const planned = job.outcome?.rows ?? progress?.plannedRows ?? rows;
  return { successfulCount: rows - failed, failedCount: failed, incompleteCount: Math.max(0, planned - rows) };
}

function manifestUri({ plan }: Job): string {
  return uriOf({ bucket: plan.output.bucket, name: plan.output.manifest });
}

function folderOf({ bucket, manifest }: { bucket: string; manifest: string }): string {
  return uriOf({ bucket, name: manifest.slice(0, manifest.lastIndexOf('/') + 1) });
}

/** A bucket that is an absolute path is a folder of this machine. */
function uriOf({ bucket, name }: { bucket: string; name: string }): string {
  return bucket.startsWith('/') ? `file://${locationOf({ bucket, name })}` : `gs://${bucket}/${name}`;
}
