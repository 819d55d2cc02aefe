import type { ErrorInfo } from '../errors.ts';
import type { Signature } from '../models/model.ts';
import type { Tensors } from '../tensor.ts';

/** What an input may hold. The first five are streams of records (`Format`), the others tables (`TableFormat`), whose rows become JSON lines. */
const INSTANCES_FORMATS = ['jsonl', 'csv', 'tf-record', 'file-list', 'npy', 'npz', 'parquet', 'bigquery'] as const;

export type InstancesFormat = (typeof INSTANCES_FORMATS)[number];

/** What a job may call its inputs' format: Vertex AI's `tf-record-gzip` are TFRecords that are packed, by gzip or zlib. */
export const DECLARED_FORMATS = [...INSTANCES_FORMATS, 'tf-record-gzip'] as const;

export type DeclaredFormat = (typeof DECLARED_FORMATS)[number];

/** What a declared format's files hold. */
export function contentFormat(declared: DeclaredFormat): InstancesFormat {
  return declared === 'tf-record-gzip' ? 'tf-record' : declared;
}

/** How an instance reaches the model and what its output line carries (Vertex AI's instanceConfig, and `rowKeys`). */
export interface InstanceConfig {
  readonly instanceType?: 'object' | 'array';
  /** The field that holds the instance key: taken out before the model sees the instance. */
  readonly keyField?: string;
  /** The row is the key. */
  readonly rowKeys?: boolean;
  /** What the model sees, in this order where the instance becomes an array. Excludes `excludedFields`. */
  readonly includedFields?: readonly string[];
  readonly excludedFields?: readonly string[];
}

/**
 * Finds where records end in a stream of bytes, holding none of them.
 * A blank line is no record: it is reported so that a range can skip it, and never becomes a row.
 */
export interface RecordScanner {
  /** Feeds the next bytes of the stream. `emit` gets the offset just after each line or record that ended in them. */
  push(chunk: Uint8Array, emit: EmitBoundary): void;
  /** Ends the stream: a last record without a newline ends here. */
  finish(emit: EmitBoundary): void;
}

/** @param end offset from the scanner's start, just after the record's newline; @param blank a blank line: not a row. */
export type EmitBoundary = (end: number, blank: boolean) => void;

/** What a decoder needs to know of the job, the model and the file. */
export interface DecodeOptions {
  readonly signature: Signature;
  readonly instanceConfig: InstanceConfig;
  /** CSV: the header's column names. */
  readonly columns?: readonly string[];
  /** npy: what each record holds. */
  readonly layout?: RecordLayout;
  /** A record of more bytes is its row's error. */
  readonly maxRowBytes: number;
}

/** Rows of one shape, ready for the model. */
export interface BatchGroup {
  /** The indexes in the batch of the rows in `inputs`, ascending. */
  readonly rows: Int32Array;
  /** Columnar: every input's tensor has shape `[rows.length, ...rowShape]`. */
  readonly inputs: Tensors;
}

/** Some consecutive rows, decoded: what flows from decoder to model to encoder. */
export interface RowBatch {
  readonly rowCount: number;
  /**
   * Row i's label is `labels[labelStarts[i] .. labelEnds[i])`: the raw JSON text of its key, or of its instance where the job
   * has no key; empty where `rowKeys` is set. For a row whose key cannot be read the text is `null`; for an instance that
   * is not JSON it is the record as a JSON string, cut at 1 KiB.
   */
  readonly labels: Uint8Array;
  readonly labelStarts: Int32Array;
  readonly labelEnds: Int32Array;
  readonly groups: readonly BatchGroup[];
  /** The rows that did not decode, each with its error. Every row is in one group or here. */
  readonly errors: ReadonlyMap<number, ErrorInfo>;
}

/** Decodes one shard's bytes: whole records, and blank lines between them. */
export interface ShardDecoder {
  /** The next rows, at most `maxRows` of them; undefined when the shard is read. */
  next(maxRows: number): RowBatch | undefined;
}

/** One input format. */
export interface Format {
  readonly name: InstancesFormat;
  /**
   * Whether a record boundary can be found from any offset (`anywhere`: JSON lines), is reckoned from the offset (`computed`: npy, whose
   * records are of one size), or is found only by reading from the file's first record (`from-start`: CSV, where a newline may
   * stand between quotes). Splits of a `from-start` file are cut in sequence, each handing its end to the next.
   */
  readonly boundaries: 'anywhere' | 'computed' | 'from-start';
  /** At most so many rows make good batches: `fetch` holds the content of all of a batch's rows at once. */
  readonly maxBatchRows?: number;
  /** @param layout of the records, where `boundaries` is `computed`. */
  scanner(layout?: RecordLayout): RecordScanner;
  /** Where the first record begins after a byte-order mark and, in CSV, the header; and the header's names. */
  readHeader(head: Uint8Array, complete: boolean): Header;
  decoder(shard: Uint8Array, options: DecodeOptions): ShardDecoder;
  /** Replaces what only names a row's content (a URI) by that content; rows whose content cannot be had become errors. */
  fetch?(batch: RowBatch, read: ReadObject): Promise<RowBatch>;
}

/**
 * Reads a whole object that an input names.
 * @param uri as the input has it: absolute (`gs://bucket/name`, a path), or relative to the input's own folder.
 * @throws PermanentError NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT (no such kind of URI; larger than a row may be).
 */
export type ReadObject = (uri: string) => Promise<Uint8Array>;

export interface Header {
  /** Bytes before the first record: byte-order mark and header line. */
  readonly length: number;
  readonly columns?: readonly string[];
  /** Where all records are of one size. */
  readonly layout?: RecordLayout;
  /** The rows are not one after another: the file is to be read as a table. */
  readonly asTable?: boolean;
}

/** Records of one size, one after another: the rows of an array. */
export interface RecordLayout {
  /** The file's own name of the elements' type: NumPy's `<f4`, `|u1`, `>i8`, `<U12`. */
  readonly element: string;
  /** Of one row's value: `[]` for a scalar. */
  readonly shape: readonly number[];
  /** Bytes of a record; at least 1. */
  readonly bytes: number;
  /** How many records the header promises. */
  readonly rows: number;
}
