/** A place in some bytes; nothing is read at or beyond `end`. */
export interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
}

/** Of a varint64, seven bits a byte. */
const MAX_VARINT_BYTES = 10;

/**
 * Reads an unsigned varint: https://protobuf.dev/programming-guides/encoding/#varints
 * @returns exact up to 2^53; above it an approximation, which every bound refuses.
 * @throws RangeError where the bytes end inside it, or it is longer than any.
 */
export function readVarint(cursor: Cursor): number {
  let value = 0;
  for (let i = 0; i < MAX_VARINT_BYTES; i++) {
    if (cursor.at >= cursor.end) throw new RangeError('the bytes end inside a varint');
    const byte = cursor.bytes[cursor.at++] as number;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return value;
  }
  throw new RangeError(`a varint is longer than ${MAX_VARINT_BYTES} bytes`);
}

/** The next `size` bytes, as a view. @throws RangeError where there are fewer. */
export function takeBytes(cursor: Cursor, size: number, what: string): Uint8Array {
  if (!(size >= 0 && size <= cursor.end - cursor.at)) {
    throw new RangeError(`${what} claims ${size} bytes; ${cursor.end - cursor.at} are left`);
  }
  cursor.at += size;
  return cursor.bytes.subarray(cursor.at - size, cursor.at);
}
