import type { PredictionsFormat } from '../job.ts';
import { jsonlWriter } from './jsonl-writer.ts';
import type { PredictionsWriter } from './predictions-writer.ts';

/** The format's writer; what only some jobs need is loaded when it is asked for. */
export async function predictionsWriter(format: PredictionsFormat): Promise<PredictionsWriter> {
  switch (format) {
    case 'jsonl':
      return jsonlWriter;
    case 'csv':
      return (await import('./csv-writer.ts')).csvWriter;
    case 'tf-record':
      return (await import('./tf-record-writer.ts')).tfRecordWriter;
    case 'parquet':
      return (await import('./parquet-writer.ts')).parquetWriter;
    default:
      return format satisfies never;
  }
}

const SUFFIXES: readonly (readonly [RegExp, PredictionsFormat])[] = [
  [/\.(?:jsonl|ndjson)$/i, 'jsonl'],
  [/\.csv$/i, 'csv'],
  [/\.(?:tfrecords?)$/i, 'tf-record'],
  [/\.parquet$/i, 'parquet'],
];

/** The format that an output file's name asks for; undefined where its suffix says nothing. */
export function predictionsFormatFromName(name: string): PredictionsFormat | undefined {
  return SUFFIXES.find(([suffix]) => suffix.test(name))?.[1];
}
