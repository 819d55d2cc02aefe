import { ByteWriter, ParquetWriter } from 'hyparquet-writer';

import type { ByteStream } from '../ports.ts';
import { isList } from './elements.ts';
import type { Nested } from './elements.ts';
import { ERROR_COLUMN } from './layout.ts';
import type { Layout } from './layout.ts';
import { joinedFooter, MAGIC } from './parquet-footer.ts';
import { cellOf, schemaOf } from './parquet-schema.ts';
import { plainText } from './plain-text.ts';
import type { PredictionsWriter } from './predictions-writer.ts';
import { readRows } from './row-reader.ts';
import type { PredictionRow } from './row-reader.ts';

/**
 * A row group is held in memory while it is encoded; the larger, the better it packs. Bytes are those of the rows' JSON text and, for each element of a
 * list, ELEMENT_BYTES: its value and levels, beside what its text takes. In memory it is some five times that.
 */
const ROW_GROUP = { rows: 100_000, bytes: 16 * 1024 * 1024 } as const;
const ELEMENT_BYTES = 16;

/** Bytes of one page, before compression: the library's default. */
const PAGE_BYTES = 1024 * 1024;

/**
 * Apache Parquet. A part is a whole Parquet file. The output is a magic number, the parts, and one footer that lists the row groups of all of
 * them: a reader looks for the last footer and for what that points at, so the parts' own are only bytes between row groups.
 *
 * Columns: `key` (text: a string's characters, else JSON, digit for digit) or `instance` (JSON text); each output by its dtype and rank; `error`
 * `{code, status, message}`, null where the row has a prediction.
 */
export const parquetWriter: PredictionsWriter = {
  uniform: true,
  part,
  header: () => MAGIC,
  footer: async (layout, parts, read) => joinedFooter(await emptyFile(layout), parts, read),
};

async function* part(lines: ByteStream, layout: Layout): ByteStream {
  const out = new ByteWriter();
  const file = new ParquetWriter({ writer: out, schema: schemaOf(layout) });
  let group = new RowGroup(layout);
  for await (const rows of readRows(lines, layout)) {
    for (const row of rows) {
      group.add(row);
      if (!group.full) continue;
      await group.write(file);
      group = new RowGroup(layout);
      yield take(out);
    }
  }
  if (group.rows > 0) await group.write(file);
  await file.finish();
  yield take(out);
}

async function emptyFile(layout: Layout): Promise<Uint8Array> {
  const out = new ByteWriter();
  await new ParquetWriter({ writer: out, schema: schemaOf(layout) }).finish();
  return take(out);
}

/** What was written so far; the writer goes on counting its offset from the file's start. */
function take(out: ByteWriter): Uint8Array {
  const bytes = new Uint8Array(out.getBuffer());
  out.index = 0;
  return bytes;
}

/** Rows that are gathered by column. */
class RowGroup {
  readonly #layout: Layout;
  readonly #columns: unknown[][];
  #bytes = 0;
  rows = 0;

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#columns = Array.from({ length: layout.outputs.length + 2 }, () => []);
  }

  get full(): boolean {
    return this.rows >= ROW_GROUP.rows || this.#bytes >= ROW_GROUP.bytes;
  }

  add({ label, values, error }: PredictionRow): void {
    const { outputs } = this.#layout;
    this.#columns[0]?.push(this.#layout.label === 'key' ? plainText(label) : label.toString('utf8'));
    outputs.forEach((output, index) => {
      const json = values[index];
      const cell = json === undefined ? null : cellOf(json, output);
      this.#columns[index + 1]?.push(cell);
      this.#bytes += (json?.length ?? 0) + ELEMENT_BYTES * (cell === null ? 0 : elementCount(cell));
    });
    this.#columns[outputs.length + 1]?.push(error ?? null);
    this.#bytes += label.length + (error?.message.length ?? 0);
    this.rows++;
  }

  /** Without indexes: they hold offsets inside pages, which joining the parts would shift. */
  async write(file: ParquetWriter): Promise<void> {
    const { label, outputs } = this.#layout;
    const names = [label, ...outputs.map(({ column }) => column), ERROR_COLUMN];
    const columnData = names.map((name, index) => ({
      name,
      data: this.#columns[index] ?? [],
      columnIndex: false,
      offsetIndex: false,
    }));
    await file.write({ columnData, rowGroupSize: this.rows, pageSize: PAGE_BYTES });
  }
}

function elementCount(value: Nested): number {
  if (!isList(value)) return 1;
  const [first] = value;
  return first === undefined || !isList(first)
    ? value.length
    : value.reduce<number>((sum, item) => sum + elementCount(item), 0);
}
