import { PermanentError } from './errors.ts';
import type { ErrorInfo } from './errors.ts';
import type { InstanceConfig, InstancesFormat } from './formats/format.ts';
import type { ObjectRef, StoredObject } from './object.ts';
import type { InferenceMetrics } from './metrics.ts';
import type { Input } from './shard.ts';

/**
 * A job is one batch prediction. Its life:
 *
 *   QUEUED ──▶ RUNNING ──▶ SUCCEEDED | PARTIALLY_SUCCEEDED | FAILED
 *      │          │
 *      └──────────┴──▶ CANCELLING ──▶ CANCELLED        (QUEUED, RUNNING) ──▶ FAILED | EXPIRED
 *
 * QUEUED: the plan is stored, its splits may not be published yet. RUNNING: they are. The last five never change again.
 * The names are Vertex AI's; JOB_STATE_PENDING and JOB_STATE_PAUSED exist there and never here.
 */
export const JOB_STATES = [
  'JOB_STATE_QUEUED',
  'JOB_STATE_RUNNING',
  'JOB_STATE_SUCCEEDED',
  'JOB_STATE_PARTIALLY_SUCCEEDED',
  'JOB_STATE_FAILED',
  'JOB_STATE_CANCELLING',
  'JOB_STATE_CANCELLED',
  'JOB_STATE_EXPIRED',
] as const;

/** What the output's rows are written as. */
export const PREDICTIONS_FORMATS = ['jsonl', 'csv', 'tf-record', 'parquet'] as const;

export type PredictionsFormat = (typeof PREDICTIONS_FORMATS)[number];

export type JobState = (typeof JOB_STATES)[number];

const NEXT: Readonly<Record<JobState, readonly JobState[]>> = {
  JOB_STATE_QUEUED: ['JOB_STATE_RUNNING', 'JOB_STATE_FAILED', 'JOB_STATE_CANCELLING', 'JOB_STATE_EXPIRED'],
  JOB_STATE_RUNNING: [
    'JOB_STATE_SUCCEEDED',
    'JOB_STATE_PARTIALLY_SUCCEEDED',
    'JOB_STATE_FAILED',
    'JOB_STATE_CANCELLING',
    'JOB_STATE_EXPIRED',
  ],
  JOB_STATE_CANCELLING: ['JOB_STATE_CANCELLED'],
  JOB_STATE_SUCCEEDED: [],
  JOB_STATE_PARTIALLY_SUCCEEDED: [],
  JOB_STATE_FAILED: [],
  JOB_STATE_CANCELLED: [],
  JOB_STATE_EXPIRED: [],
};

/** What the user asked for; never changes. */
export interface JobSpec {
  readonly displayName: string;
  readonly signatureName: string;
  readonly instancesFormat: InstancesFormat;
  readonly predictionsFormat: PredictionsFormat;
  readonly instanceConfig: InstanceConfig;
  /** Rows given to the model in one call; unset: chosen from the signature. */
  readonly batchSize?: number;
  /** Caps of a shard. */
  readonly maxItemsPerBatch: number;
  readonly maxInputBytesPerBatch: number;
  readonly maxRowBytes: number;
  /** More failed rows than this share of all (0–100), or than this count, fail the job. */
  readonly toleratedFailurePercentage: number;
  readonly toleratedFailureCount?: number;
  readonly labels: Readonly<Record<string, string>>;
  /** The job whose failed shards this one scores again. */
  readonly redriveOf?: string;
}

/** What was pinned when the job was created; never changes. */
export interface JobPlan {
  readonly inputs: readonly Input[];
  readonly model: { readonly model: string; readonly version: string; readonly digest: string };
  readonly splitBytes: number;
  readonly splits: number;
  readonly output: OutputNames;
  /** Where staged shards, large results and parts live until the job ends: every name starts with `prefix`. */
  readonly scratch: { readonly bucket: string; readonly prefix: string };
}

/** The objects a job ends in, all in one bucket. */
export interface OutputNames {
  readonly bucket: string;
  readonly results: string;
  readonly errors: string;
  readonly manifest: string;
}

/** What the job ended with. */
export interface JobOutcome {
  readonly rows: number;
  readonly failed: number;
  readonly runtimes: readonly string[];
  readonly metrics?: InferenceMetrics;
  readonly results: StoredObject;
  readonly errors: StoredObject;
}

export interface Job {
  readonly id: string;
  readonly spec: JobSpec;
  readonly plan: JobPlan;
  readonly state: JobState;
  /** ISO 8601, as all times here. */
  readonly createTime: string;
  readonly updateTime: string;
  readonly startTime?: string;
  readonly endTime?: string;
  readonly error?: ErrorInfo;
  readonly outcome?: JobOutcome;
  /** Its output is being written: nothing but that ends it any more. */
  readonly committing?: true;
  /** What the sweep saw last: a job whose counts stand still between two looks has stopped moving. */
  readonly watch?: { readonly seen: string; readonly since: string };
}

/** Whether it stays as it is. */
export function isEnded({ state }: Pick<Job, 'state'>): boolean {
  return NEXT[state].length === 0;
}

/** Whether work for the job should still be done. */
export function isActive(job: Job): boolean {
  return job.state === 'JOB_STATE_QUEUED' || job.state === 'JOB_STATE_RUNNING';
}

/** Whether the job can still be cancelled, or fail of one of its tasks. */
export function isStoppable(job: Job): boolean {
  return isActive(job) && job.committing !== true;
}

/**
 * The job in its next state.
 * @throws PermanentError FAILED_PRECONDITION where the state machine has no such step.
 */
export function transition(
  job: Job,
  state: JobState,
  now: number,
  change: Partial<Pick<Job, 'error' | 'outcome'>> = {},
): Job {
  if (!NEXT[job.state].includes(state)) {
    throw new PermanentError('FAILED_PRECONDITION', `job ${job.id} is ${job.state}: it cannot become ${state}`);
  }
  const time = new Date(now).toISOString();
  const next: Job = { ...job, ...change, state, updateTime: time };
  if (state === 'JOB_STATE_RUNNING') return { ...next, startTime: time };
  return NEXT[state].length === 0 ? { ...next, endTime: time } : next;
}

/** The state that a job's counts end it in; `error` says why where it is FAILED. */
export function verdict(spec: JobSpec, rows: number, failed: number): { state: JobState; reason?: string } {
  const share = rows === 0 ? 0 : (100 * failed) / rows;
  if (rows > 0 && failed === rows) return { state: 'JOB_STATE_FAILED', reason: `all ${rows} rows failed` };
  if (spec.toleratedFailureCount !== undefined && failed > spec.toleratedFailureCount) {
    return {
      state: 'JOB_STATE_FAILED',
      reason: `${failed} of ${rows} rows failed: more than the tolerated count of ${spec.toleratedFailureCount}`,
    };
  }
  if (share > spec.toleratedFailurePercentage) {
    return {
      state: 'JOB_STATE_FAILED',
      reason: `${failed} of ${rows} rows failed: more than the tolerated ${spec.toleratedFailurePercentage} %`,
    };
  }
  return { state: failed === 0 ? 'JOB_STATE_SUCCEEDED' : 'JOB_STATE_PARTIALLY_SUCCEEDED' };
}

/** Where an object is, for messages: `bucket/name`, or its path where the bucket is a folder of this machine. */
export function locationOf({ bucket, name }: Pick<ObjectRef, 'bucket' | 'name'>): string {
  return `${bucket === '/' ? '' : bucket}/${name}`;
}
