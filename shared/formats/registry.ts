import { PermanentError } from '../errors.ts';
import { COMPRESSION_SUFFIXES } from '../compression.ts';
import type { Compression } from '../compression.ts';
import { csv } from './csv/csv.ts';
import { fileList } from './file-list.ts';
import type { Format, InstancesFormat } from './format.ts';
import { jsonl } from './jsonl.ts';
import { npy } from './npy/npy.ts';
import type { RandomAccess, Table, TableName } from './table.ts';
import { tfRecord } from './tf-record/tf-record.ts';

const FORMATS: Readonly<Record<InstancesFormat, Format>> = {
  jsonl,
  csv,
  'tf-record': tfRecord,
  'file-list': fileList,
  npy,
  // The rows of a table travel as JSON lines.
  npz: jsonl,
  parquet: jsonl,
  bigquery: jsonl,
};

const SUFFIXES: Readonly<Record<string, InstancesFormat>> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  csv: 'csv',
  tfrecord: 'tf-record',
  tfrecords: 'tf-record',
  txt: 'file-list',
  npy: 'npy',
  npz: 'npz',
  parquet: 'parquet',
};

/** The suffixes of inputs, for messages and help. */
export const INPUT_SUFFIXES = Object.keys(SUFFIXES).map((suffix) => `.${suffix}`);

const NAME = new RegExp(
  `\\.(${Object.keys(SUFFIXES).join('|')})(?:\\.(${Object.keys(COMPRESSION_SUFFIXES).join('|')}))?$`,
);

export function formatOf(name: InstancesFormat): Format {
  return FORMATS[name];
}

/** What a file's suffix says of it, in any case: `.csv`, and `.gz`, `.zst` or `.zlib` after it; undefined for any other. */
export function formatFromName(
  fileName: string,
): { readonly format: InstancesFormat; readonly compression: Compression } | undefined {
  const [, suffix = '', packed = ''] = NAME.exec(fileName.toLowerCase()) ?? [];
  const format = SUFFIXES[suffix];
  return format && { format, compression: COMPRESSION_SUFFIXES[packed] ?? 'none' };
}

/**
 * Opens a table that is a file. Its reader is loaded only now: most jobs need none.
 * @throws PermanentError saying what is wrong with the file; UNIMPLEMENTED for a table that is no file.
 */
export async function openTable(format: TableName, file: RandomAccess): Promise<Table> {
  const source = bounded(format, file);
  switch (format) {
    case 'npy':
      return (await import('./npy/npy-table.ts')).npyTable.open(source);
    case 'npz':
      return (await import('./npy/npz.ts')).npz.open(source);
    case 'parquet':
      return (await import('./parquet/parquet.ts')).parquet.open(source);
    case 'bigquery':
      throw new PermanentError(
        'UNIMPLEMENTED',
        'instancesFormat bigquery: a table of BigQuery is no file: name it in inputConfig.bigquerySource',
      );
  }
}

/** What a file says of itself may be wrong: no read leaves it. */
function bounded(format: TableName, file: RandomAccess): RandomAccess {
  const { size } = file;
  return {
    size,
    read: async (start, end) => {
      if (start >= 0 && start <= end && end <= size) return file.read(start, end);
      throw new PermanentError(
        'INVALID_ARGUMENT',
        `${format}: it names the bytes ${start} to ${end}, and has ${size}: is it complete?`,
      );
    },
  };
}
