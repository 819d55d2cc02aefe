import { crc32c, maskCrc32c } from '../../crc32c.ts';
import { readVarint, takeBytes } from './sstable-varint.ts';
import type { Cursor } from './sstable-varint.ts';

const CHECKSUM_BYTES = 4;
const MAX_UINT32 = 0xffffffff;

/**
 * A string tensor as a bundle's data shard holds it: all lengths as varints, their masked checksum, then the bytes.
 * Source: `ReadStringTensor` of https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/tensor_bundle/tensor_bundle.cc
 * @returns the strings' bytes, as views, and the checksum of all, unmasked.
 * @throws RangeError where the bytes do not hold `count` strings, or the lengths' checksum is wrong.
 */
export function readStrings(bytes: Uint8Array, count: number): { strings: Uint8Array[]; crc: number } {
  // Each string takes at least the byte of its length.
  if (count > bytes.length) throw new RangeError(`${bytes.length} bytes for ${count} strings`);
  const cursor: Cursor = { bytes, at: 0, end: bytes.length };
  const lengths: number[] = [];
  let crc = 0;
  for (let i = 0; i < count; i++) {
    const length = readVarint(cursor);
    lengths.push(length);
    crc = crc32c(lengthBytes(length), crc);
  }
  if (count > 0) {
    const stored = takeBytes(cursor, CHECKSUM_BYTES, 'the checksum of the lengths');
    if (Buffer.from(stored).readUInt32LE() !== maskCrc32c(crc)) {
      throw new RangeError('the checksum of its lengths is wrong: the file is damaged');
    }
    crc = crc32c(stored, crc);
  }
  const strings = lengths.map((length) => {
    const string = takeBytes(cursor, length, 'a string');
    crc = crc32c(string, crc);
    return string;
  });
  if (cursor.at !== cursor.end) throw new RangeError(`${cursor.end - cursor.at} bytes are left after ${count} strings`);
  return { strings, crc };
}

/** What the checksum is of: the length as uint32, or as uint64 where it must. */
function lengthBytes(length: number): Uint8Array {
  const bytes = Buffer.alloc(length > MAX_UINT32 ? 8 : 4);
  if (length > MAX_UINT32) bytes.writeBigUInt64LE(BigInt(length));
  else bytes.writeUInt32LE(length);
  return bytes;
}
