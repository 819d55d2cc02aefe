import { gunzipSync, gzipSync } from 'node:zlib';

import { Timestamp } from '@google-cloud/firestore';
import type { DocumentData, DocumentSnapshot } from '@google-cloud/firestore';
import { z } from 'zod';

import { CODES, PermanentError } from '../../shared/errors.ts';
import type { ErrorInfo, Status } from '../../shared/errors.ts';
import { JOB_STATES } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import type { InferenceMetrics } from '../../shared/metrics.ts';
import { DTYPES } from '../../shared/tensor.ts';
import type { TensorSpec } from '../../shared/tensor.ts';
import type { Part, Result, ResultRows, SplitRecord } from '../../shared/shard.ts';

/**
 * The ledger's documents. Fields hold what is asked for or counted; the rest of a record is JSON or bytes, as in SQLite.
 * Everything read is checked: a document of somebody else is an error that names it.
 */

/** JSON up to this size is kept as text, to be read in the console; beyond, packed: a document holds 1 MiB. */
const MAX_TEXT_BYTES = 256 * 1024;
/** Beside a result's lines, which may take 900 KiB. */
const MAX_ERRORS_TEXT_BYTES = 32 * 1024;

/** What is not in a schema is dropped when it is read: the compiler asks for every field, the optional ones too. */
type Fields<T> = Readonly<Record<keyof T, z.ZodType>>;

const count = z.int().min(0);
const packed = z.union([z.string(), z.instanceof(Uint8Array)]);
const errorInfo = z.object({
  code: z.int(),
  status: z.enum(Object.keys(CODES) as [Status, ...Status[]]),
  message: z.string(),
});
const errorGroups = z.array(z.object({ error: errorInfo, count, firstRows: z.array(count) }));
const objectRef = z.object({ bucket: z.string(), name: z.string(), generation: z.string() });
const distribution = z.object({ count, sum: z.number(), min: z.number(), max: z.number() });
const metrics = z.object({
  num_inferences: count,
  failed_batches_counter: count,
  inference_request_batch_size: distribution,
  inference_request_batch_byte_size: distribution,
  inference_batch_latency_micro_secs: distribution,
  load_model_latency_milli_secs: distribution,
  model_byte_size: distribution,
} satisfies Fields<InferenceMetrics>);
const tensorSpec = z.object({
  name: z.string(),
  dtype: z.enum(DTYPES),
  shape: z.array(count.nullable()).nullable(),
} satisfies Fields<TensorSpec>);
const storedObject = objectRef.extend({ size: count, crc32c: z.string() });

const splitDocument = z.object({
  split: count,
  start: count,
  end: count,
  shards: count,
  rows: count,
} satisfies Fields<SplitRecord>);

/** Of what scored, where something did. */
const details = { metrics: metrics.exactOptional(), outputs: z.array(tensorSpec).exactOptional() };
const resultDetails = z.object(details);

const resultDocument = z.object({
  split: count,
  shard: count,
  rows: count,
  failed: count,
  errors: packed,
  runtime: z.string().optional(),
  details: z.string().optional(),
  bytes: z.instanceof(Uint8Array).optional(),
  object: z.string().optional(),
} satisfies Fields<
  Omit<Result, 'lines' | keyof typeof details> & { details: string; bytes: Uint8Array; object: string }
>);

const resultObject = z.object({
  kind: z.literal('object'),
  object: objectRef,
  start: count,
  end: count,
  numbered: z.boolean(),
} satisfies Fields<Extract<ResultRows, { kind: 'object' }>>);

const partContent = z.object({
  split: count,
  rows: count,
  failed: count,
  object: storedObject,
  shards: z.array(z.object({ rows: count, failed: count, bytes: count })),
  errors: errorGroups,
  runtimes: z.array(z.string()),
  ...details,
} satisfies Fields<Part>);

/** What the ledger and the core's guards rely on; spec and plan were checked when the job was created. */
const jobContent = z.looseObject({
  id: z.string().min(1),
  spec: z.looseObject({ displayName: z.string(), instanceConfig: z.looseObject({}) }),
  plan: z.looseObject({
    inputs: z.array(objectRef.loose()),
    splits: count,
    scratch: z.looseObject({ bucket: z.string(), prefix: z.string() }),
  }),
  state: z.enum(JOB_STATES),
  createTime: z.iso.datetime(),
  updateTime: z.iso.datetime(),
});

const jsonDocument = z.object({ json: packed });

export function jobDocument(job: Job, expireAt: Date): DocumentData {
  const { state, createTime, plan } = job;
  return {
    state,
    createTime,
    model: `${plan.model.model}@${plan.model.version}`,
    json: pack(job),
    expireAt: Timestamp.fromDate(expireAt),
  };
}

export function toJob(document: DocumentSnapshot): Job {
  return checked(document, 'job', (data) => jobContent.parse(unpack(jsonDocument.parse(data).json)) as unknown as Job);
}

export function splitDocumentOf(record: SplitRecord, expireAt: Date): DocumentData {
  const { split, start, end, shards, rows } = record;
  return { split, start, end, shards, rows, expireAt: Timestamp.fromDate(expireAt) };
}

export function toSplit(document: DocumentSnapshot): SplitRecord {
  return checked(document, 'split', (data) => splitDocument.parse(data));
}

export function resultDocumentOf(result: Result, expireAt: Date): DocumentData {
  const { split, shard, rows, failed, errors, runtime, metrics, outputs, lines } = result;
  return {
    ...{ split, shard, rows, failed, runtime },
    errors: pack(errors, MAX_ERRORS_TEXT_BYTES),
    ...((metrics ?? outputs) && { details: JSON.stringify({ metrics, outputs }) }),
    ...(lines.kind === 'inline' ? { bytes: lines.bytes } : { object: JSON.stringify(lines) }),
    expireAt: Timestamp.fromDate(expireAt),
  };
}

export function toResult(document: DocumentSnapshot): Result {
  return checked(document, 'result', (data) => {
    const { errors, runtime, details, bytes, object, ...counts } = resultDocument.parse(data);
    return {
      ...counts,
      errors: errorGroups.parse(unpack(errors)),
      ...(runtime !== undefined && { runtime }),
      ...(details !== undefined && resultDetails.parse(JSON.parse(details))),
      lines: toLines(bytes, object),
    };
  });
}

function toLines(bytes: Uint8Array | undefined, object: string | undefined): ResultRows {
  if (object !== undefined) return resultObject.parse(JSON.parse(object));
  if (bytes !== undefined) return { kind: 'inline', bytes };
  throw new Error('it has neither bytes nor object');
}

/** The shard of a result that was read without its lines. */
export function toShard(document: DocumentSnapshot): number {
  return checked(document, 'result', (data) => count.parse(data['shard']));
}

export function partDocument(part: Part, expireAt: Date): DocumentData {
  return { split: part.split, json: pack(part), expireAt: Timestamp.fromDate(expireAt) };
}

export function toPart(document: DocumentSnapshot): Part {
  return checked(document, 'part', (data) => partContent.parse(unpack(jsonDocument.parse(data).json)));
}

export function failureDocument(error: ErrorInfo, expireAt: Date): DocumentData {
  return { json: pack(error), expireAt: Timestamp.fromDate(expireAt) };
}

export function toFailure(document: DocumentSnapshot): ErrorInfo {
  return checked(document, 'failure', (data) => errorInfo.parse(unpack(jsonDocument.parse(data).json)));
}

/** @throws PermanentError DATA_LOSS naming the document and the field. */
function checked<T>(document: DocumentSnapshot, kind: string, convert: (data: DocumentData) => T): T {
  try {
    return convert(document.data() ?? {});
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new PermanentError('DATA_LOSS', `the document ${document.ref.path} is no ${kind} of Fanfold: ${reason}`, {
      cause: error,
    });
  }
}

/** JSON as text; as gzip where it is long (names of many files and repeated messages shrink to a tenth). */
function pack(value: unknown, maxText = MAX_TEXT_BYTES): string | Uint8Array {
  const text = JSON.stringify(value);
  return Buffer.byteLength(text) <= maxText ? text : gzipSync(text);
}

function unpack(value: string | Uint8Array): unknown {
  return JSON.parse(typeof value === 'string' ? value : gunzipSync(value).toString());
}
