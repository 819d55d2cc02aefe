import { csv } from './csv.ts';
import type { Format, InstancesFormat } from './format.ts';
import { jsonl } from './jsonl.ts';

const FORMATS: Readonly<Record<InstancesFormat, Format>> = { jsonl, csv };

const SUFFIXES: Readonly<Record<string, InstancesFormat>> = { jsonl: 'jsonl', ndjson: 'jsonl', csv: 'csv' };

export function formatOf(name: InstancesFormat): Format {
  return FORMATS[name];
}

/** What a file's suffix says of it: `.jsonl`, `.ndjson` or `.csv`, in any case, and `.gz` after it; undefined for any other. */
export function formatFromName(
  fileName: string,
): { readonly format: InstancesFormat; readonly compression: 'none' | 'gzip' } | undefined {
  const match = /\.(jsonl|ndjson|csv)(\.gz)?$/.exec(fileName.toLowerCase());
  const format = SUFFIXES[match?.[1] ?? ''];
  return format && { format, compression: match?.[2] === undefined ? 'none' : 'gzip' };
}
