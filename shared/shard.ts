import type { Compression } from './compression.ts';
import type { ErrorInfo } from './errors.ts';
import type { InstancesFormat, RecordLayout } from './formats/format.ts';
import type { TableInput } from './formats/table.ts';
import type { InferenceMetrics } from './metrics.ts';
import type { ObjectRef, StoredObject } from './object.ts';
import type { TensorSpec } from './tensor.ts';

/**
 * The domain's units. A job reads inputs; an input is cut into splits (byte ranges), a split into shards (runs of
 * consecutive instances), a shard is scored in batches into one result, a split's results are assembled into one part. An input that is a table
 * (formats/table.ts) has units, such as row groups, in place of byte ranges: each is a split.
 */

/** One input file, pinned to a generation when the job was created. */
export interface Input extends ObjectRef {
  readonly size: number;
  /** What its shards hold; those of a table hold its rows as JSON lines. */
  readonly format: InstancesFormat;
  readonly compression: Compression;
  /** Bytes before the first record (byte-order mark, CSV header), of the decompressed content. */
  readonly headerBytes: number;
  readonly columns?: readonly string[];
  /** npy: what each record holds. */
  readonly layout?: RecordLayout;
  /** Its rows are not one after another: it is read as a table. */
  readonly table?: TableInput;
}

/** A planned split: records that begin in `[start, end)` of the input belong to it. */
export interface Split {
  readonly index: number;
  readonly input: Input;
  readonly start: number;
  readonly end: number;
  /** The input cannot be ranged: the split is all of it, unpacked from its first byte, or one unit of a table, read as JSON lines. */
  readonly whole: boolean;
  /** The unit of the table. */
  readonly unit?: number;
  /** The first and the last split of its input. */
  readonly first: boolean;
  readonly last: boolean;
}

/** What a split turned out to hold: written by the split function once all its shards are published. */
export interface SplitRecord {
  readonly split: number;
  /** Exact offsets of the first record's first byte and of the end of the last one. */
  readonly start: number;
  readonly end: number;
  readonly shards: number;
  readonly rows: number;
}

/** One message to score: a run of whole records, named by range. The same range always cuts the same shards. */
export interface Shard {
  readonly split: number;
  readonly shard: number;
  /** The object that holds the bytes: the input itself, or a staged copy where the input cannot be ranged. */
  readonly object: ObjectRef;
  readonly start: number;
  readonly end: number;
  readonly rows: number;
  /** One record over the row limit: it is not fetched, its row is an error. */
  readonly oversize: boolean;
}

/**
 * Rows that failed with the same message. `firstRows` holds the first few, ascending, counted from the first row of the shard, the split or the job
 * that the group is of.
 */
export interface ErrorGroup {
  readonly error: ErrorInfo;
  readonly count: number;
  readonly firstRows: readonly number[];
}

/** Where a result's lines are: beside its counts, or in an object (a range of it) when they are too large for that. */
export type ResultRows =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'object';
      readonly object: ObjectRef;
      readonly start: number;
      readonly end: number;
      /** The lines carry their rows as keys already: they come from a finished job's output. */
      readonly numbered: boolean;
    };

/** A shard's encoded rows with their counts; created once. */
export interface Result {
  readonly split: number;
  readonly shard: number;
  readonly rows: number;
  readonly failed: number;
  readonly errors: readonly ErrorGroup[];
  /** The library that scored, as the model names it; undefined where no model ran. */
  readonly runtime?: string;
  readonly metrics?: InferenceMetrics;
  /** The signature's outputs, where the job's predictionsFormat needs to know them. */
  readonly outputs?: readonly TensorSpec[];
  readonly lines: ResultRows;
}

/** One shard's place in its part: rows, failed rows and bytes of output. */
export interface ShardExtent {
  readonly rows: number;
  readonly failed: number;
  readonly bytes: number;
}

/** The assembled rows of one split. */
export interface Part {
  readonly split: number;
  readonly rows: number;
  readonly failed: number;
  readonly object: StoredObject;
  readonly shards: readonly ShardExtent[];
  /** Rows counted from the split's first. */
  readonly errors: readonly ErrorGroup[];
  readonly runtimes: readonly string[];
  readonly metrics?: InferenceMetrics;
  readonly outputs?: readonly TensorSpec[];
}
