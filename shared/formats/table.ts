import type { ByteStream } from '../object.ts';

/** Formats whose rows cannot be found in a stream of bytes; npy where the array is in Fortran order. */
export type TableName = 'npy' | 'npz' | 'parquet' | 'bigquery';

/** What was pinned of an input that is a table. */
export interface TableInput {
  readonly format: TableName;
  /** Splits of it: each unit is read on its own. Counted when the input is pinned, and the same whenever it is opened again. */
  readonly units: number;
  /** Of a table that is no file: its rows, and how many of them make a unit. */
  readonly rows?: number;
  readonly unitRows?: number;
}

/** Reads the bytes `[start, end)` of a pinned object. */
export interface RandomAccess {
  /** Bytes. */
  readonly size: number;
  read(start: number, end: number): Promise<Uint8Array>;
}

/** An opened table: rows in order, unit after unit. */
export interface Table {
  readonly units: number;
  /** Every row of the unit as one line of JSON, streamed. The same unit gives the same bytes each time. */
  lines(unit: number): ByteStream;
}

/** A table format that lives in one file. */
export interface TableFormat {
  readonly name: TableName;
  /** Looks at the file's directory of contents. @throws PermanentError INVALID_ARGUMENT, UNIMPLEMENTED or RESOURCE_EXHAUSTED saying what is wrong with it. */
  open(source: RandomAccess): Promise<Table>;
}
