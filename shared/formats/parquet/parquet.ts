import type { ColumnData, FileMetaData } from 'hyparquet';

import { messageOf, PermanentError } from '../../errors.ts';
import type { ByteStream } from '../../ports.ts';
import { LF } from '../ascii.ts';
import { ByteWriter } from '../byte-writer.ts';
import { ColumnValues } from './parquet-column.ts';
import { checkGroup, groupRange } from './parquet-group.ts';
import { columnOf, writeRow } from './parquet-json.ts';
import type { Column } from './parquet-json.ts';
import { readMetadata } from './parquet-metadata.ts';
import { checkPages } from './parquet-pages.ts';
import { physical } from './parquet-schema.ts';
import type { RandomAccess, Table, TableFormat } from '../table.ts';

/** Rows of a group are decoded in windows of about so many bytes and values. */
const WINDOW_BYTES = 32 * 1024 * 1024;
const WINDOW_VALUES = 1_000_000;
/** Bytes of JSON lines handed on at a time. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Apache Parquet: https://parquet.apache.org/docs/file-format/. A unit is a row group, a row an object with a field for every column;
 * `parquet-json.ts` says how its values are written.
 */
export const parquet: TableFormat = {
  name: 'parquet',
  open: async (source) => new ParquetTable(source, await readMetadata(source)),
};

class ParquetTable implements Table {
  readonly units: number;
  readonly #source: RandomAccess;
  readonly #metadata: FileMetaData;

  constructor(source: RandomAccess, metadata: FileMetaData) {
    this.#source = source;
    this.#metadata = metadata;
    this.units = metadata.row_groups.length;
    for (const unit of metadata.row_groups.keys()) checkGroup(metadata, unit, source.size);
  }

  async *lines(unit: number): ByteStream {
    const group = this.#metadata.row_groups[unit];
    if (group === undefined) throw new PermanentError('OUT_OF_RANGE', `parquet: row group ${unit} of ${this.units}`);
    if (group.num_rows === 0n) return;
    const [start, end] = groupRange(group);
    const bytes = await this.#source.read(start, end);
    const { parquetRead, parquetSchema } = await import('hyparquet');
    const { compressors } = await import('./parquet-codecs.ts');
    const root = columnOf(parquetSchema(this.#metadata));
    const rows = Number(group.num_rows);
    const step = windowRows(rows, Number(group.total_byte_size), group.columns.length);
    const metadata = { ...this.#metadata, schema: physical(this.#metadata.schema), row_groups: [group] };
    await this.#decoding(unit, () => checkPages(this.#metadata.schema, group, bytes, start, compressors));
    const file = {
      byteLength: this.#source.size,
      slice: (from: number, to = this.#source.size) => copyOf(bytes, from - start, to - start),
    };
    for (let row = 0; row < rows; row += step) {
      const range = { rowStart: row, rowEnd: Math.min(rows, row + step) };
      const parsers = { stringFromBytes: mapKey, timestampFromNanoseconds: (nanos: bigint) => nanos };
      const columns = new Map(root.children.map(({ name }) => [name, new ColumnValues()]));
      const onChunk = (page: ColumnData): void => columns.get(page.columnName)?.add(page);
      await this.#decoding(unit, () =>
        parquetRead({ file, metadata, ...range, compressors, parsers, onChunk, utf8: false, geoparquet: false }),
      );
      const values = root.children.map(({ name }) => columns.get(name) ?? new ColumnValues());
      yield* this.#write(unit, root, values, range);
    }
  }

  *#write(
    unit: number,
    root: Column,
    columns: readonly ColumnValues[],
    { rowStart, rowEnd }: { readonly rowStart: number; readonly rowEnd: number },
  ): Generator<Uint8Array> {
    const lines = new ByteWriter();
    for (let row = rowStart; row < rowEnd; row++) {
      try {
        writeRow(lines, root, columns, row);
      } catch (error) {
        throw dataLoss(unit, error);
      }
      lines.byte(LF);
      if (lines.length >= CHUNK_BYTES) yield lines.take();
    }
    if (lines.length > 0) yield lines.take();
  }

  /** All bytes are here: what fails now are the data. */
  async #decoding<T>(unit: number, decode: () => Promise<T>): Promise<T> {
    try {
      return await decode();
    } catch (error) {
      throw dataLoss(unit, error);
    }
  }
}

function dataLoss(unit: number, error: unknown): PermanentError {
  const message = messageOf(error);
  if (error instanceof PermanentError) return error;
  return new PermanentError('DATA_LOSS', `parquet: row group ${unit} is broken: ${message}`, { cause: error });
}

function windowRows(rows: number, bytes: number, columns: number): number {
  const byBytes = Math.floor((WINDOW_BYTES * rows) / Math.max(1, bytes));
  return Math.max(1, Math.min(rows, byBytes, Math.max(1000, Math.floor(WINDOW_VALUES / Math.max(1, columns)))));
}

function copyOf(bytes: Uint8Array, start: number, end: number): ArrayBuffer {
  const copy = new Uint8Array(Math.max(0, end - start));
  copy.set(bytes.subarray(Math.max(0, start), end));
  return copy.buffer;
}

/** Keys of maps become properties of an object: the mark keeps their order, and `__proto__` a key as any other. */
function mapKey(bytes: Uint8Array): string {
  return `$${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')}`;
}
