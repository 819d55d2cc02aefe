import { readVarint } from './sstable-varint.ts';
import type { Cursor } from './sstable-varint.ts';

/**
 * The densest that snappy can be: 64 bytes by a copy of 3. A claim beyond it is false, and is refused before anything is allocated.
 */
const MAX_RATIO = 22;

const LITERAL = 0;
const COPY_1 = 1;
const COPY_2 = 2;
/** Lengths of literals from here on stand in the bytes that follow. */
const LONG_LITERAL = 60;

/**
 * The content of one snappy block: https://github.com/google/snappy/blob/main/format_description.txt
 * @throws RangeError where it is malformed.
 */
export function unsnappy(block: Uint8Array): Uint8Array {
  const cursor: Cursor = { bytes: block, at: 0, end: block.length };
  const length = readVarint(cursor);
  if (length > block.length * MAX_RATIO) {
    throw new RangeError(`a snappy block of ${block.length} bytes claims to hold ${length}`);
  }
  const out = new Uint8Array(length);
  let written = 0;
  while (cursor.at < cursor.end) {
    const tag = littleEndian(cursor, 1);
    const kind = tag & 3;
    const size = kind === COPY_1 ? ((tag >> 2) & 7) + 4 : kind === LITERAL ? literalSize(cursor, tag) : (tag >> 2) + 1;
    if (size > length - written) throw new RangeError(`a snappy block holds more than the ${length} bytes it claims`);
    if (kind === LITERAL) {
      if (size > cursor.end - cursor.at) throw new RangeError('a snappy literal goes beyond its block');
      out.set(block.subarray(cursor.at, cursor.at + size), written);
      cursor.at += size;
    } else {
      const back =
        kind === COPY_1 ? ((tag >> 5) << 8) | littleEndian(cursor, 1) : littleEndian(cursor, kind === COPY_2 ? 2 : 4);
      if (back === 0 || back > written) throw new RangeError(`a snappy copy reaches ${back} bytes back of ${written}`);
      // Byte by byte: source and target may overlap, which repeats what stands there.
      for (let i = written; i < written + size; i++) out[i] = out[i - back] as number;
    }
    written += size;
  }
  if (written !== length) throw new RangeError(`a snappy block holds ${written} bytes and claims ${length}`);
  return out;
}

function literalSize(cursor: Cursor, tag: number): number {
  const short = tag >> 2;
  return (short < LONG_LITERAL ? short : littleEndian(cursor, short - LONG_LITERAL + 1)) + 1;
}

function littleEndian(cursor: Cursor, count: number): number {
  if (count > cursor.end - cursor.at) throw new RangeError('a snappy block ends inside a tag');
  let value = 0;
  for (let i = 0; i < count; i++) value += (cursor.bytes[cursor.at++] as number) * 2 ** (8 * i);
  return value;
}
