import type { DType, TensorSpec } from '../../tensor.ts';
import { LF, OPEN_BRACKET, QUOTE } from '../ascii.ts';
import type { ByteWriter } from '../byte-writer.ts';
import type { Cells } from './csv-reader.ts';
import { expectedElement } from '../create-column.ts';
import { numberEnd } from '../json-number.ts';
import { JsonReader } from '../json-reader.ts';
import { RowError, unexpected } from '../row-error.ts';

/** What a cell is taken for: the dtype of the input it feeds; `undefined` where it feeds none. */
export interface CellType {
  readonly dtype: DType | undefined;
  /** The input takes numbers. */
  readonly numeric: boolean;
  /** JSON text of a list is taken as the list: the input takes one from each field. */
  readonly lists: boolean;
}

/** A cell that feeds no input: numbers stay as written, all else is text. */
export const PLAIN_CELL: CellType = { dtype: undefined, numeric: false, lists: false };

/** The type of the cells that feed an input. @param item the cell is one item of the input's list. */
export function cellTypeOf(spec: TensorSpec, item: boolean): CellType {
  const rank = spec.shape === null ? undefined : spec.shape.length - 1;
  const lists = rank === undefined ? spec.dtype !== 'string' : rank > (item ? 1 : 0);
  return { dtype: spec.dtype, numeric: spec.dtype !== 'string' && spec.dtype !== 'bool', lists };
}

const SPECIALS: ReadonlyMap<string, string> = new Map([
  ['nan', '"NaN"'],
  ['inf', '"Infinity"'],
  ['infinity', '"Infinity"'],
  ['-inf', '"-Infinity"'],
  ['-infinity', '"-Infinity"'],
]);
const BOOLEANS: ReadonlyMap<string, string> = new Map([
  ['true', 'true'],
  ['1', 'true'],
  ['false', 'false'],
  ['0', 'false'],
]);

/**
 * Writes a cell as the JSON text that a JSON line of the same data would hold.
 * @throws RowError where a number or a boolean is wanted and the cell is empty.
 */
export function writeCell(
  out: ByteWriter,
  bytes: Buffer,
  cells: Cells,
  index: number,
  type: CellType,
  subject: string,
): void {
  const start = cells.starts[index] as number;
  const end = cells.ends[index] as number;
  const quoted = cells.quoted[index] === true;
  const isNumber = start < end && numberEnd(bytes, start) === end;
  if (type.dtype === undefined ? isNumber && !quoted : isNumber && type.numeric) {
    out.copy(bytes, start, end);
    return;
  }
  const text = textOf(bytes, start, end, quoted);
  const json = type.dtype === undefined ? undefined : typedText(text.trim(), type, subject);
  if (json === undefined) out.jsonString(text);
  else out.utf8(json);
}

/** As `writeCell`, and a cell that is no value of its type is written as text. */
export function writeCellLeniently(out: ByteWriter, bytes: Buffer, cells: Cells, index: number, type: CellType): void {
  try {
    writeCell(out, bytes, cells, index, type, '');
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    writeCell(out, bytes, cells, index, PLAIN_CELL, '');
  }
}

/** The text of a cell, its doubled quotes made single. */
export function textOf(bytes: Buffer, start: number, end: number, quoted: boolean): string {
  const text = bytes.toString('utf8', start, end);
  return quoted && bytes.subarray(start, end).includes(QUOTE) ? text.replaceAll('""', '"') : text;
}

/** The JSON text of a cell where its type makes it other than a string. */
function typedText(text: string, { dtype, lists }: CellType, subject: string): string | undefined {
  if (lists && text.charCodeAt(0) === OPEN_BRACKET && isJson(text)) return text.replaceAll('\n', ' ');
  if (dtype === undefined || dtype === 'string') return undefined;
  if (text === '') throw unexpected(subject, 'an empty cell', expectedElement(dtype));
  if (dtype === 'bool') return BOOLEANS.get(text.toLowerCase());
  if (numberEnd(Buffer.from(text), 0) === Buffer.byteLength(text)) return text;
  return dtype.startsWith('float') ? SPECIALS.get(text.toLowerCase()) : undefined;
}

function isJson(text: string): boolean {
  const bytes = Buffer.from(text);
  const json = new JsonReader();
  json.reset(Buffer.concat([bytes, Buffer.of(LF)]), 0, bytes.length);
  try {
    json.skipValue();
    json.finish();
    return true;
  } catch (error) {
    if (error instanceof RowError) return false;
    throw error;
  }
}
