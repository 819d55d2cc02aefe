import { isUtf8 } from 'node:buffer';

import { CLOSE_BRACE, OPEN_BRACE } from './ascii.ts';
import type { ByteWriter } from './byte-writer.ts';
import { JsonReader } from './json-reader.ts';
import { RowError } from './row-error.ts';

/** Bytes of a record that is not JSON that its output line shows. */
const SHOWN_RECORD_BYTES = 1024;

/** What could be read of a record that did not decode. */
export interface Diagnosis {
  /** Why the record is not JSON; undefined where it is. */
  readonly malformed: RowError | undefined;
  /** Where its key is; undefined where it has none, or it is not readable. */
  readonly key: readonly [start: number, end: number] | undefined;
}

/** Reads a record that did not decode once more, strictly and only for its syntax and its key. A newline follows it. */
export function diagnose(bytes: Buffer, start: number, end: number, keyField: string | undefined): Diagnosis {
  const json = new JsonReader();
  json.reset(bytes, start, end);
  let key: [number, number] | undefined;
  try {
    if (keyField === undefined || json.peek() !== OPEN_BRACE) json.skipValue();
    else {
      json.pos++;
      if (!json.take(CLOSE_BRACE)) {
        do {
          json.peek();
          const name = json.pos;
          const escaped = json.skipName();
          const isKey = key === undefined && json.text(name, json.nameEnd, escaped) === keyField;
          json.peek();
          const value = json.pos;
          json.skipValue();
          if (isKey && isUtf8(bytes.subarray(value, json.pos))) key = [value, json.pos];
        } while (json.another(CLOSE_BRACE));
      }
    }
    json.finish();
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    return { malformed: error, key };
  }
  return { malformed: undefined, key };
}

/** Writes the record as a JSON string: cut, and with what is not UTF-8 replaced. */
export function writeRecordAsString(labels: ByteWriter, bytes: Buffer, start: number, end: number): void {
  let cut = end;
  if (end - start > SHOWN_RECORD_BYTES) {
    cut = start + SHOWN_RECORD_BYTES;
    // Not within a character: its later bytes are 0b10xxxxxx.
    while (cut > start + SHOWN_RECORD_BYTES - 4 && ((bytes[cut] as number) & 0xc0) === 0x80) cut--;
  }
  labels.jsonString(bytes.toString('utf8', start, cut));
}

/** The error of a record that is not UTF-8; undefined where it is. */
export function checkUtf8(bytes: Buffer, start: number, end: number): RowError | undefined {
  if (isUtf8(bytes.subarray(start, end))) return undefined;
  let p = start;
  while (p < end) {
    const first = bytes[p] as number;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length > 1 && !isUtf8(bytes.subarray(p, Math.min(p + length, end)))) break;
    p += length;
  }
  return new RowError(`instance: found invalid UTF-8 at byte ${p - start} of the record, expected UTF-8`);
}

/** The error of a record of more bytes than a row may have; undefined where it fits. */
export function checkSize(size: number, maxRowBytes: number): RowError | undefined {
  if (size <= maxRowBytes) return undefined;
  return new RowError(`instance: found a record of more than ${maxRowBytes} bytes, expected at most that`);
}
