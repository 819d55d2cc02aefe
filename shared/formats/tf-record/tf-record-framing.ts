import { crc32c, maskCrc32c } from '../../crc32c.ts';
import type { ByteWriter } from '../byte-writer.ts';

/**
 * A TFRecord: the data's length as a little-endian uint64, the masked CRC-32C of those eight bytes, the data, and its masked CRC-32C.
 * Source: tensorflow/core/lib/io/record_writer.h.
 */

/** Bytes before the data. */
export const HEADER_BYTES = 12;
/** Bytes after it. */
export const FOOTER_BYTES = 4;
const LENGTH_BYTES = 8;

/** What a record's header says: the data's length in bytes, or, where the framing is broken, what is wrong with it. */
type RecordHeader = { readonly length: number } | { readonly broken: string };

/** Reads the header at `at`; all its bytes must be there. */
export function readRecordHeader(bytes: Buffer, at: number): RecordHeader {
  const found = bytes.readUInt32LE(at + LENGTH_BYTES);
  const expected = maskCrc32c(crc32c(bytes, 0, at, at + LENGTH_BYTES));
  if (found !== expected) {
    return { broken: `found the checksum ${hex(found)} of a record's length, expected ${hex(expected)}` };
  }
  const high = bytes.readUInt32LE(at + 4);
  const length = high * 2 ** 32 + bytes.readUInt32LE(at);
  if (length + HEADER_BYTES + FOOTER_BYTES <= Number.MAX_SAFE_INTEGER) return { length };
  return { broken: `found a record of ${bytes.readBigUInt64LE(at)} bytes, expected less than 2^53` };
}

/** What is wrong with the data `[start, end)` before its checksum; undefined where nothing is. */
export function checkRecordData(bytes: Buffer, start: number, end: number): string | undefined {
  const found = bytes.readUInt32LE(end);
  const expected = maskCrc32c(crc32c(bytes, 0, start, end));
  if (found === expected) return undefined;
  const at = `at byte ${HEADER_BYTES + end - start} of the record`;
  return `found the checksum ${hex(found)} ${at}, expected ${hex(expected)} for its ${end - start} bytes of data`;
}

/** Writes a record: its header, the data that `writeData` writes, its footer. */
export function writeRecord(out: ByteWriter, writeData: () => void): void {
  const at = out.length;
  const start = at + HEADER_BYTES;
  out.reserve(HEADER_BYTES);
  out.length = start;
  writeData();
  const end = out.length;
  const bytes = out.reserve(FOOTER_BYTES);
  bytes.writeUInt32LE((end - start) % 2 ** 32, at);
  bytes.writeUInt32LE(Math.floor((end - start) / 2 ** 32), at + 4);
  bytes.writeUInt32LE(maskCrc32c(crc32c(bytes, 0, at, at + LENGTH_BYTES)), at + LENGTH_BYTES);
  bytes.writeUInt32LE(maskCrc32c(crc32c(bytes, 0, start, end)), end);
  out.length = end + FOOTER_BYTES;
}

function hex(crc: number): string {
  return `0x${crc.toString(16).padStart(8, '0')}`;
}
