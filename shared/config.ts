/** Every number that shapes a job, with its unit and its reason. */

const MiB = 1024 * 1024;

/** Bytes of input per split: one function cuts it in well under a second; some tens of shards to count. */
export const SPLIT_BYTES = 64 * MiB;

/** Rows per shard: a result of short rows stays inside one document. */
const MAX_ITEMS_PER_BATCH = 10_000;

/** Bytes of input per shard: hundreds of wide rows, so that batches fill; a request's memory stays at some tens of MB. */
const MAX_INPUT_BYTES_PER_BATCH = 4 * MiB;

/** Bytes of one record; a larger one is its row's error. */
const MAX_ROW_BYTES = 8 * MiB;

/** Bytes of a result that travel inside its document; a Firestore document holds 1 MiB. */
export const MAX_INLINE_RESULT_BYTES = 900 * 1024;

/** Bytes of a header line or of the first look at a file. */
export const HEAD_BYTES = 1 * MiB;

/** Files of one job: the plan is one document. */
export const MAX_INPUTS = 2_000;

/** Splits of one job: their indexes have five digits. */
export const MAX_SPLITS = 100_000;

/** Messages handed to the queue in one call. */
export const PUBLISH_BATCH = 500;

/** Objects that one compose call joins (Cloud Storage's limit). */
export const COMPOSE_FAN_IN = 32;

/** Attempts at a task before it is a dead letter. */
export const MAX_ATTEMPTS = 5;

/** Distinct errors kept with a result, a part or a job; the rest is counted together. */
export const MAX_ERROR_GROUPS = 100;

/** Rows named with each distinct error. */
export const FIRST_ROWS = 10;

/** Automatic batch size: rows in one call to the model, and the bytes of input tensors it aims at and may reach. */
export const BATCH = { minRows: 256, maxRows: 1024, targetBytes: 16 * MiB, maxBytes: 256 * MiB } as const;

/** Milliseconds without progress after which the sweep publishes a job's missing work again. */
export const STALE_MS = 15 * 60 * 1000;

/** Milliseconds after which a job that has not ended is EXPIRED. */
export const JOB_LIFETIME_MS = 7 * 24 * 60 * 60 * 1000;

/** Milliseconds for which the sweep looks after an ended job's leftovers. */
export const CLEANUP_MS = 60 * 60 * 1000;

/** What a job that does not say otherwise gets; `instancesFormat`, `signatureName` and `batchSize` have none here: the files and the model say. */
export const TEMPLATE_DEFAULTS = {
  maxItemsPerBatch: MAX_ITEMS_PER_BATCH,
  maxInputBytesPerBatch: MAX_INPUT_BYTES_PER_BATCH,
  maxRowBytes: MAX_ROW_BYTES,
  toleratedFailurePercentage: 100,
} as const;
