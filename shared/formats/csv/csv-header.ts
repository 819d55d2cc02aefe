import { isUtf8 } from 'node:buffer';

import { PermanentError } from '../../errors.ts';
import { asBuffer, byteOrderMarkLength } from '../ascii.ts';
import { textOf } from './csv-cell.ts';
import { Cells, CsvReader } from './csv-reader.ts';
import type { Header } from '../format.ts';

/**
 * Reads the names of the columns from a file's first record (empty lines before it are skipped); whitespace around a name is dropped.
 * A file without any record has no columns.
 * @param complete `head` is the whole file.
 * @throws PermanentError INVALID_ARGUMENT for a header that does not end within `head`, is not UTF-8, or has wrong quotes, empty or equal names;
 *   or for lines that end with a carriage return alone, which would make the whole file its header.
 */
export function readCsvHeader(head: Uint8Array, complete: boolean): Header {
  const bytes = asBuffer(head);
  const reader = new CsvReader();
  const cells = new Cells();
  let start = byteOrderMarkLength(head);
  let end = start;
  do {
    start = end;
    end = reader.recordEnd(bytes, start, cells);
  } while (end >= 0 && reader.blank);
  if (end < 0) {
    if (!complete) {
      refuse(`found no end of the first record in ${head.length} bytes`, 'is the file CSV, with its quotes closed?');
    }
    end = bytes.length;
    if (!reader.finish(bytes, cells)) return { length: end };
  }
  if (!isUtf8(bytes.subarray(start, end))) refuse('found invalid UTF-8', 'save the file as UTF-8');
  const error = cells.error([]);
  if (error !== undefined) refuse(error.message, 'quote names as RFC 4180 says');
  return { length: end, columns: namesOf(bytes, cells) };
}

function namesOf(bytes: Buffer, cells: Cells): string[] {
  const names = Array.from({ length: cells.count }, (_, index) =>
    textOf(bytes, cells.starts[index] as number, cells.ends[index] as number, cells.quoted[index] === true).trim(),
  );
  if (names.some((name, index) => cells.quoted[index] !== true && name.includes('\r')))
    refuse('found a carriage return within an unquoted name', 'end lines with LF or CRLF');
  const empty = names.indexOf('');
  if (empty >= 0)
    refuse(`found no name for column ${empty + 1} of ${names.length}`, 'give every column a name in the first line');
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) refuse(`found the column ${JSON.stringify(twice)} twice`, 'rename one of them');
  return names;
}

function refuse(found: string, remedy: string): never {
  throw new PermanentError('INVALID_ARGUMENT', `CSV header: ${found}, expected the names of the columns: ${remedy}`);
}
