import type { ErrorInfo } from './errors.ts';
import type { Job, JobPlan, JobSpec } from './job.ts';
import type { Message } from './messages.ts';
import type { InferenceMetrics } from './metrics.ts';
import type { TensorSpec } from './tensor.ts';
import type { ModelFiles, Signature } from './models/model.ts';
import type { ByteStream, ObjectRef, ObjectStat, StoredObject } from './object.ts';
import type { ErrorGroup, Input, Part, Result, Shard, SplitRecord } from './shard.ts';

export type { ByteStream, ObjectRef, ObjectStat, StoredObject } from './object.ts';

/**
 * What the core asks of the world. Every port has one contract suite (test/contract) that each adapter passes.
 * All of it is at-least-once and may fail at any call, before or after its effect: callers retry, so every write here is
 * create-only or idempotent.
 */

export interface ObjectStore {
  /** The live generation, or undefined where there is no such object. */
  stat(bucket: string, name: string): Promise<ObjectStat | undefined>;
  /**
   * The bytes `[start, end)` of exactly that generation, cut at its size.
   * @throws PermanentError NOT_FOUND where that generation is gone: deleted, or overwritten.
   */
  read(object: ObjectRef, start: number, end: number): ByteStream;
  /**
   * Writes an object only if its name is free. `created: false` is success: somebody wrote it before (a duplicate delivery), and
   * what is there is returned; callers choose names so that the content must be equal. A stream may then be left unread.
   */
  create(bucket: string, name: string, content: Uint8Array | ByteStream): Promise<Created>;
  /**
   * Concatenates 1–32 objects into a new one, create-only like `create`. Cloud Storage wants them all in that same bucket.
   */
  compose(bucket: string, sources: readonly ObjectRef[], name: string): Promise<Created>;
  /** The live objects whose names start with the prefix, in order of their names (by UTF-8 bytes). */
  list(bucket: string, prefix: string): AsyncIterable<ObjectStat>;
  /** Deletes the live object; one that is not there is success. */
  delete(bucket: string, name: string): Promise<void>;
}

export interface Created {
  readonly created: boolean;
  readonly object: StoredObject;
}

export interface Queue {
  /** Publishes all; delivery is at least once, in no order. */
  publish(messages: readonly Message[]): Promise<void>;
}

/** The counts that the progress of a job is made of. */
export interface Progress {
  /** Splits whose record is written. */
  readonly splits: number;
  /** Shards and rows in those records. */
  readonly plannedShards: number;
  readonly plannedRows: number;
  readonly results: number;
  readonly rows: number;
  readonly failed: number;
  readonly parts: number;
}

export interface JobPage {
  readonly jobs: readonly Job[];
  /** Give it to the next call for the next page. */
  readonly nextPageToken?: string;
}

/** Jobs, splits, results and parts, and the counts of the two fan-ins. All reads are strongly consistent. */
export interface Ledger {
  /** @returns false where the job exists already. */
  createJob(job: Job): Promise<boolean>;
  getJob(job: string): Promise<Job | undefined>;
  /** Newest first. */
  listJobs(query: {
    readonly pageSize: number;
    readonly pageToken?: string;
    readonly states?: readonly string[];
  }): Promise<JobPage>;
  /**
   * Reads, changes and writes one job atomically. `change` may run several times; undefined means leave it.
   * @returns the job as it is afterwards.
   * @throws PermanentError NOT_FOUND; whatever `change` throws.
   */
  updateJob(job: string, change: (job: Job) => Job | undefined): Promise<Job>;

  /** Create-or-equal. @throws PermanentError ABORTED where a different record is there. */
  putSplit(job: string, record: SplitRecord): Promise<void>;
  getSplit(job: string, split: number): Promise<SplitRecord | undefined>;
  countSplits(job: string): Promise<number>;
  /** The sum of `rows` over the recorded splits before this one. */
  rowsBefore(job: string, split: number): Promise<number>;

  /** @returns false where that shard has a result already: the first one stays. */
  createResult(job: string, result: Result): Promise<boolean>;
  hasResult(job: string, split: number, shard: number): Promise<boolean>;
  countResults(job: string, split: number): Promise<number>;
  /** The shards of the split that have a result, ascending. */
  listResultShards(job: string, split: number): Promise<readonly number[]>;
  /** The split's results in shard order, one in memory at a time (or a few). */
  readResults(job: string, split: number): AsyncIterable<Result>;

  /** @returns false where the part exists already. */
  createPart(job: string, part: Part): Promise<boolean>;
  getPart(job: string, split: number): Promise<Part | undefined>;
  countParts(job: string): Promise<number>;
  /** In split order. */
  readParts(job: string): AsyncIterable<Part>;

  /** The last error of a failing attempt; overwrites. */
  recordFailure(job: string, split: number, shard: number, error: ErrorInfo): Promise<void>;
  getFailure(job: string, split: number, shard: number): Promise<ErrorInfo | undefined>;

  progress(job: string): Promise<Progress>;
  /** Deletes splits, results and failures of an ended job; its parts stay as the index that redrive reads. */
  deleteScratch(job: string): Promise<void>;
  deleteJob(job: string): Promise<void>;
}

/** One immutable version of a model. */
export interface ModelVersion {
  readonly model: string;
  readonly version: string;
  /**
   * SHA-256, hex, over the names and contents of the version's files: the same files give the same digest, in the same store. Opaque: where reading
   * every file would be slow, a store takes its checksums for the contents (Cloud Storage: name, size and CRC-32C).
   */
  readonly digest: string;
  readonly byteSize: number;
}

export interface ModelSummary {
  readonly model: string;
  readonly versions: readonly string[];
  readonly defaultVersion: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ModelStore {
  /**
   * Resolves `model`, `model@3` or `model@label`.
   * @throws PermanentError NOT_FOUND (no such model, version or label; names what there is), INVALID_ARGUMENT (a malformed reference).
   */
  resolve(reference: string): Promise<ModelVersion>;
  /** @throws PermanentError NOT_FOUND */
  open(model: string, version: string): Promise<ModelFiles>;
  list(): Promise<readonly ModelSummary[]>;
}

/** A file of a version that is being published. */
export interface NewModelFile {
  /** Relative to the version folder, with `/` between segments. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly content: () => ByteStream;
}

/** A model store that may be written. */
export interface ModelRegistry extends ModelStore {
  /**
   * Makes a version, once and for all: nobody sees it before its last file is there, and a call that breaks off leaves none.
   * @throws PermanentError ALREADY_EXISTS; INVALID_ARGUMENT where a name is none.
   */
  publish(model: string, version: string, files: readonly NewModelFile[]): Promise<void>;
  /**
   * Changes a model's default version and labels, atomically. `change` may run several times; undefined means leave them.
   * @throws PermanentError NOT_FOUND where there is no such model; whatever `change` throws.
   */
  configure(model: string, change: (model: CatalogModel) => ModelConfig | undefined): Promise<void>;
  /** Deletes a version, or what an interrupted `publish` or `remove` left of it. @throws PermanentError NOT_FOUND */
  remove(model: string, version: string): Promise<void>;
}

/** A model as its folder shows it. */
export interface CatalogModel {
  readonly model: string;
  /** In any order. */
  readonly versions: readonly string[];
  readonly config: ModelConfig;
}

/** What `<model>/config.json` says. */
export interface ModelConfig {
  readonly defaultVersion?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

export type Severity = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';

export interface Logger {
  log(severity: Severity, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Everything that scoring one shard needs: nothing is looked up on the way. */
export interface ScoreRequest {
  readonly shard: Shard;
  readonly input: Pick<Input, 'format' | 'columns' | 'layout'> & Partial<Pick<Input, 'bucket' | 'name'>>;
  readonly spec: Pick<JobSpec, 'signatureName' | 'instanceConfig' | 'batchSize' | 'maxRowBytes'>;
  readonly model: JobPlan['model'];
  /** The shard's bytes, where they came with a request and are in no object (online prediction): then no object is read. */
  readonly content?: Uint8Array;
  /** The lines carry neither key nor instance: who asks knows its rows by their order. */
  readonly bare?: boolean;
}

/** A shard's encoded rows, in order, one line each. */
export interface ScoredShard {
  readonly lines: Uint8Array;
  readonly rows: number;
  readonly failed: number;
  readonly errors: readonly ErrorGroup[];
  readonly runtime?: string;
  readonly metrics?: InferenceMetrics;
  /** The signature's outputs; undefined where no model ran. */
  readonly outputs?: readonly TensorSpec[];
}

/** Runs models: in this thread, or in workers that each hold their own session. */
export interface Scorer {
  /** @throws PermanentError where no attempt can succeed: the model or the input is gone, changed or broken. */
  score(request: ScoreRequest): Promise<ScoredShard>;
  /** Loads the model and tells what it is. @throws PermanentError where it cannot be loaded. */
  inspect(model: JobPlan['model']): Promise<ModelDescription>;
  /** What was measured since the start, by model version. */
  totals?(): readonly ModelMetrics[];
}

/** What was measured of one model version. */
export interface ModelMetrics {
  readonly model: string;
  readonly version: string;
  readonly metrics: InferenceMetrics;
}

export interface ModelDescription {
  readonly runtime: string;
  readonly byteSize: number;
  readonly signatures: Readonly<Record<string, Signature>>;
  /** Signatures that cannot be run, and why. */
  readonly refused?: Readonly<Record<string, string>>;
}

/** A table of a warehouse (BigQuery), or what a query gives. */
export type TableQuery =
  | { readonly kind: 'table'; readonly project?: string; readonly dataset: string; readonly table: string }
  | { readonly kind: 'query'; readonly query: string };

export interface PinnedTable extends ObjectRef {
  readonly rows: number;
  /** As the warehouse counts them. */
  readonly bytes: number;
}

/** Tables that are no files. */
export interface TableSource {
  /**
   * Finds the table as it is now, or runs the query and takes its result. Asking again with the same key finds the same result.
   * @throws PermanentError where there is no such table, it cannot be read by rows, or the query fails.
   */
  pin(source: TableQuery, key: string): Promise<PinnedTable>;
  /**
   * The rows `[start, end)` as JSON lines, streamed.
   * @throws PermanentError NOT_FOUND where the table has changed since it was pinned, or is gone.
   */
  read(table: ObjectRef, start: number, end: number): ByteStream;
}

/** All that a handler may ask for; each takes what it needs. */
export interface Ports {
  readonly objects: ObjectStore;
  readonly queue: Queue;
  readonly ledger: Ledger;
  readonly models: ModelStore;
  /** Unset: there is no warehouse here. */
  readonly tables?: TableSource;
  readonly scorer: Scorer;
  readonly clock: Clock;
  readonly logger: Logger;
}
