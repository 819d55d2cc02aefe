import { phaseOf } from '../shared/job-resource.ts';
import type { Job, JobState } from '../shared/job.ts';
import type { Progress } from '../shared/ports.ts';
import { idOf } from './jobs-client.ts';
import type { JobResource } from './jobs-client.ts';

/** What people are shown of a job, wherever it is. */
export interface JobView {
  readonly id: string;
  readonly state: JobState;
  /** Of a running job. */
  readonly phase?: string | undefined;
  readonly error?: string | undefined;
  readonly displayName: string;
  readonly model: string;
  /** Empty where no version could be found. */
  readonly version: string;
  readonly signatureName: string;
  readonly inputs: readonly string[];
  readonly rows: number;
  readonly failed: number;
  readonly runtimes?: readonly string[] | undefined;
  readonly redriveOf?: string | undefined;
  readonly createTime: string;
  readonly startTime?: string | undefined;
  readonly endTime?: string | undefined;
  readonly results?: string | undefined;
  readonly errors?: string | undefined;
  readonly manifest?: string | undefined;
}

/** A job of this machine's ledger. @param progress the counts of a job under way. */
export function viewOfJob(job: Job, progress: Progress | undefined): JobView {
  const { plan, spec, outcome } = job;
  const { bucket, results, errors, manifest } = plan.output;
  return {
    id: job.id,
    state: job.state,
    phase: job.state === 'JOB_STATE_RUNNING' && progress !== undefined ? phaseOf(job, progress) : undefined,
    error: job.error?.message,
    displayName: spec.displayName,
    model: plan.model.model,
    version: plan.model.version,
    signatureName: spec.signatureName,
    inputs: plan.inputs.map(({ name }) => name),
    rows: outcome?.rows ?? progress?.rows ?? 0,
    failed: outcome?.failed ?? progress?.failed ?? 0,
    runtimes: outcome?.runtimes,
    redriveOf: spec.redriveOf,
    createTime: job.createTime,
    startTime: job.startTime,
    endTime: job.endTime,
    results: outcome && `${bucket}/${results}`,
    errors: outcome && outcome.failed > 0 ? `${bucket}/${errors}` : undefined,
    manifest: outcome && `${bucket}/${manifest}`,
  };
}

/** A job as a jobs API gives it. */
export function viewOfResource(job: JobResource): JobView {
  const { successfulCount, failedCount } = job.completionStats;
  const { gcsSource, bigquerySource } = job.inputConfig;
  return {
    id: idOf(job),
    state: job.state,
    phase: job.phase,
    error: job.error?.message,
    displayName: job.displayName,
    model: job.model,
    version: job.modelVersionId,
    signatureName: job.signatureName,
    inputs: gcsSource?.uris ?? (bigquerySource === undefined ? [] : [bigquerySource.inputUri]),
    rows: successfulCount + failedCount,
    failed: failedCount,
    redriveOf: job.redriveOf,
    createTime: job.createTime,
    startTime: job.startTime,
    endTime: job.endTime,
    results: job.outputInfo?.results,
    manifest: job.outputInfo?.manifest,
  };
}
