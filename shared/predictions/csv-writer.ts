import { ByteWriter } from '../formats/byte-writer.ts';
import type { ByteStream } from '../ports.ts';
import { ERROR_COLUMN } from './layout.ts';
import type { Layout } from './layout.ts';
import { plainText } from './plain-text.ts';
import { NOTHING } from './predictions-writer.ts';
import type { PredictionsWriter } from './predictions-writer.ts';
import { readRows } from './row-reader.ts';
import type { PredictionRow } from './row-reader.ts';

/**
 * CSV (RFC 4180, with LF between records): `key` or `instance`, a column for each output, `error`. Numbers, booleans and strings are plain; lists,
 * objects, bytes and whole instances JSON text. Of a failed row the outputs' cells are empty, and the last one is the error's message;
 * an empty string is `""`.
 */
export const csvWriter: PredictionsWriter = {
  uniform: true,
  part,
  header(layout) {
    const names = [layout.label, ...layout.outputs.map(({ column }) => column), ERROR_COLUMN];
    return Buffer.from(`${names.map(cell).join(',')}\n`);
  },
  footer: () => Promise.resolve(NOTHING),
};

async function* part(lines: ByteStream, layout: Layout): ByteStream {
  for await (const rows of readRows(lines, layout)) {
    const out = new ByteWriter();
    for (const row of rows) out.utf8(record(row, layout));
    yield out.take();
  }
}

function record({ label, values, error }: PredictionRow, layout: Layout): string {
  let text = layout.label === 'key' ? cell(plainText(label)) : cell(label.toString('utf8'));
  for (const value of values) text += value === undefined ? ',' : `,${cell(plainText(value))}`;
  return `${text},${error === undefined ? '' : cell(error.message)}\n`;
}

/** What a reader would take for something else stands in quotes; so does the empty string, which is not the same as no value. */
function cell(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
