import type { ColumnMetaData, Compressors, RowGroup, SchemaElement } from 'hyparquet';

import { PermanentError } from '../../errors.ts';
import { chunkStart, MAX_UNPACKED_BYTES } from './parquet-group.ts';
import { checkRuns } from './parquet-runs.ts';
import type { Unpack } from './parquet-runs.ts';

/** Values in one page; writers keep to some ten thousand. */
const MAX_PAGE_VALUES = 1 << 24;

/**
 * Walks through all pages of a row group before any is decoded: what they declare must be what the footer does, and within bounds. So a few bytes
 * cannot claim the memory of gigabytes.
 * @param bytes the group's, which begin at `start` of the file.
 * @throws PermanentError DATA_LOSS, or another error of a reader that broken bytes led astray.
 */
export async function checkPages(
  schema: SchemaElement[],
  group: RowGroup,
  bytes: Uint8Array,
  start: number,
  compressors: Compressors,
): Promise<void> {
  const { parquetHeader } = await import('hyparquet/src/column.js');
  const { getMaxDefinitionLevel, getMaxRepetitionLevel, getSchemaPath, isFlatColumn } =
    await import('hyparquet/src/schema.js');
  let unpacked = 0;
  for (const { meta_data: column } of group.columns) {
    if (column === undefined) continue;
    const refuse = (what: string): never => {
      const name = JSON.stringify(column.path_in_schema.join('.').slice(0, 200));
      throw new PermanentError('DATA_LOSS', `parquet: column ${name}: ${what}`);
    };
    const path = getSchemaPath(schema, column.path_in_schema);
    const levels = { maxRepetition: getMaxRepetitionLevel(path), maxDefinition: getMaxDefinitionLevel(path) };
    if (isFlatColumn(path) && column.num_values !== group.num_rows)
      refuse(`it declares ${column.num_values} values in ${group.num_rows} rows`);
    const unpack = unpackOf(column, compressors) ?? refuse(`it is packed by ${column.codec}, which is not known`);
    const size = Number(column.total_compressed_size);
    const chunk = bytes.subarray(chunkStart(column) - start, chunkStart(column) - start + size);
    const reader = { view: new DataView(chunk.buffer, chunk.byteOffset, size), offset: 0 };
    let values = 0;
    while (reader.offset < size - 1) {
      const header = parquetHeader(reader);
      const { compressed_page_size: packedSize, uncompressed_page_size: pageSize } = header;
      const data = header.data_page_header ?? header.data_page_header_v2;
      const count = data?.num_values ?? header.dictionary_page_header?.num_values ?? 0;
      if (!(count >= 0 && count <= MAX_PAGE_VALUES)) refuse(`a page declares ${count} values`);
      if (!(packedSize >= 0 && reader.offset + packedSize <= size && pageSize >= 0))
        refuse(`a page declares ${packedSize} bytes that unpack to ${pageSize}, ${size - reader.offset} are left`);
      if (data === undefined && count > pageSize) refuse(`a dictionary declares ${count} values in ${pageSize} bytes`);
      if (data !== undefined) values += count;
      unpacked += pageSize;
      if (unpacked > MAX_UNPACKED_BYTES) refuse(`the row group unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
      await checkRuns(header, chunk.subarray(reader.offset, reader.offset + packedSize), column, levels, unpack);
      reader.offset += packedSize;
    }
    if (values !== Number(column.num_values))
      refuse(`its pages hold ${values} values of the ${column.num_values} declared`);
  }
}

function unpackOf({ codec }: ColumnMetaData, compressors: Compressors): Unpack | undefined {
  return codec === 'UNCOMPRESSED' ? (packed) => packed : compressors[codec];
}
