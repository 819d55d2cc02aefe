import type { FileMetaData, RowGroup } from 'hyparquet';

import { PermanentError } from '../../errors.ts';

const MiB = 1024 * 1024;
/** A row group is in memory while it is read: its packed bytes, and a window of what they unpack to. */
const MAX_GROUP_BYTES = 256 * MiB;
export const MAX_UNPACKED_BYTES = 1024 * MiB;
/** Rows of one group; writers make some million at most. */
const MAX_ROWS = 64_000_000;

/** @throws PermanentError where the row group does not fit its file, or memory. */
export function checkGroup({ row_groups: groups, schema }: FileMetaData, unit: number, fileSize: number): void {
  const group = groups[unit];
  const leaves = schema.filter(({ type }) => type !== undefined).length;
  const refuse = (what: string, status: 'INVALID_ARGUMENT' | 'RESOURCE_EXHAUSTED' = 'INVALID_ARGUMENT'): never => {
    throw new PermanentError(status, `parquet: row group ${unit}: ${what}`);
  };
  if (group?.columns.length !== leaves)
    return refuse(`it has ${group?.columns.length ?? 0} columns, its schema ${leaves}`);
  const tooLarge = 'write the file with smaller row groups (row_group_size)';
  const rows = Number(group.num_rows);
  if (!(rows >= 0)) return refuse(`it declares ${rows} rows`);
  if (rows > MAX_ROWS)
    return refuse(`it declares ${rows} rows, at most ${MAX_ROWS} can be read: ${tooLarge}`, 'RESOURCE_EXHAUSTED');
  // Of a group without rows nothing is read: its columns may lie nowhere.
  if (rows === 0) return;
  let unpacked = 0;
  for (const { meta_data: column, file_path: file, crypto_metadata: crypto } of group.columns) {
    if (file !== undefined) return refuse(`a column is in another file (${file.slice(0, 200)})`);
    if (crypto !== undefined || column === undefined) return refuse('a column is encrypted, or has no metadata');
    const [start, end] = [chunkStart(column), chunkStart(column) + Number(column.total_compressed_size)];
    if (!(start >= 4 && end >= start && end <= fileSize))
      return refuse(`a column lies at ${start} to ${end} of ${fileSize} bytes`);
    const values = Number(column.num_values);
    if (!(values >= 0 && values <= MAX_ROWS * 4))
      return refuse(`a column declares ${values} values`, 'RESOURCE_EXHAUSTED');
    const size = Number(column.total_uncompressed_size);
    if (!(size >= 0)) return refuse(`a column declares ${size} bytes`);
    unpacked += size;
  }
  const [start, end] = groupRange(group);
  if (end - start > MAX_GROUP_BYTES)
    return refuse(
      `it is ${end - start} bytes, at most ${MAX_GROUP_BYTES} can be read: ${tooLarge}`,
      'RESOURCE_EXHAUSTED',
    );
  if (unpacked > MAX_UNPACKED_BYTES)
    return refuse(
      `it unpacks to ${unpacked} bytes, at most ${MAX_UNPACKED_BYTES} can be read: ${tooLarge}`,
      'RESOURCE_EXHAUSTED',
    );
}

type ColumnMetadata = NonNullable<RowGroup['columns'][number]['meta_data']>;

/** Where a column's pages begin. */
export function chunkStart({ dictionary_page_offset: dictionary, data_page_offset: data }: ColumnMetadata): number {
  return Number(dictionary !== undefined && dictionary > 0n ? dictionary : data);
}

/** The bytes of the file that hold the group's columns. */
export function groupRange({ columns }: RowGroup): readonly [start: number, end: number] {
  let [start, end] = [Number.MAX_SAFE_INTEGER, 0];
  for (const { meta_data: column } of columns) {
    if (column === undefined) continue;
    start = Math.min(start, chunkStart(column));
    end = Math.max(end, chunkStart(column) + Number(column.total_compressed_size));
  }
  return [Math.min(start, end), end];
}
