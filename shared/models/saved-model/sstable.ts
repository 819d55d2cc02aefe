import { crc32c, maskCrc32c } from '../../crc32c.ts';
import { unsnappy } from './snappy.ts';
import { readVarint, takeBytes } from './sstable-varint.ts';
import type { Cursor } from './sstable-varint.ts';

/**
 * LevelDB's table format, in which TensorFlow writes the index of a tensor bundle: blocks of sorted entries, a block that points to them, a
 * footer that points to that one. https://github.com/google/leveldb/blob/main/doc/table_format.md
 */

/** Two block handles of at most 20 bytes each, and the magic number, 0xdb4775248b80fb57, little-endian. */
const FOOTER_BYTES = 48;
const MAGIC = [0x8b80fb57, 0xdb477524] as const;
/** After each block: how it is compressed, and the masked crc32c of both. */
const TRAILER_BYTES = 5;
const UNCOMPRESSED = 0;
const SNAPPY = 1;
/** Keys are written as what they share with the one before and the rest, so a small file may stand for endless keys. */
const MAX_KEY_BYTES = 64 * 1024;
const MAX_ALL_KEYS_BYTES = 256 * 1024 * 1024;

/**
 * All entries of a table, in the order of their keys; keys as latin1 text, values as views.
 * @throws RangeError where the table is malformed, a checksum is wrong, or keys do not ascend.
 */
export function readTable(bytes: Uint8Array): Map<string, Uint8Array> {
  if (bytes.length < FOOTER_BYTES)
    throw new RangeError(`it has ${bytes.length} bytes; a table has at least ${FOOTER_BYTES}`);
  const view = viewOf(bytes);
  const footer: Cursor = { bytes, at: bytes.length - FOOTER_BYTES, end: bytes.length - 8 };
  if (view.getUint32(footer.end, true) !== MAGIC[0] || view.getUint32(footer.end + 4, true) !== MAGIC[1]) {
    throw new RangeError("it does not end with a table's magic number");
  }
  // The first handle is of the meta index, of which TensorFlow writes an empty one.
  readHandle(footer);
  const index = blockEntries(readBlock(bytes, readHandle(footer)));
  const entries = new Map<string, Uint8Array>();
  let last: string | undefined;
  let keyBytes = 0;
  for (const [, handle] of index) {
    for (const [key, value] of blockEntries(readBlock(bytes, readHandle(cursorOf(handle))))) {
      // Also what stops an index that names a block twice.
      if (last !== undefined && key <= last)
        throw new RangeError(`the key ${quote(key)} comes after ${quote(last)}; keys ascend`);
      keyBytes += key.length;
      if (keyBytes > MAX_ALL_KEYS_BYTES) throw new RangeError(`its keys take more than ${MAX_ALL_KEYS_BYTES} bytes`);
      entries.set(key, value);
      last = key;
    }
  }
  return entries;
}

interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

function readHandle(cursor: Cursor): BlockHandle {
  return { offset: readVarint(cursor), size: readVarint(cursor) };
}

function readBlock(bytes: Uint8Array, { offset, size }: BlockHandle): Uint8Array {
  const end = bytes.length - FOOTER_BYTES;
  if (offset + size + TRAILER_BYTES > end) {
    throw new RangeError(`a block of ${size} bytes at ${offset} goes beyond the table's ${end}`);
  }
  const expected = viewOf(bytes).getUint32(offset + size + 1, true);
  if (maskCrc32c(crc32c(bytes.subarray(offset, offset + size + 1))) !== expected) {
    throw new RangeError(`the checksum of the block at ${offset} is wrong: the file is damaged`);
  }
  const block = bytes.subarray(offset, offset + size);
  const compression = bytes[offset + size] as number;
  if (compression === UNCOMPRESSED) return block;
  if (compression === SNAPPY) return unsnappy(block);
  throw new RangeError(`the block at ${offset} has the compression ${compression}; expected none or snappy`);
}

function* blockEntries(block: Uint8Array): Generator<readonly [key: string, value: Uint8Array]> {
  const restarts = block.length < 4 ? Infinity : viewOf(block).getUint32(block.length - 4, true);
  const end = block.length - 4 - 4 * restarts;
  if (!(end >= 0)) throw new RangeError(`a block of ${block.length} bytes claims ${restarts} restart points`);
  const cursor: Cursor = { bytes: block, at: 0, end };
  let key = '';
  while (cursor.at < end) {
    const shared = readVarint(cursor);
    const unshared = readVarint(cursor);
    const valueSize = readVarint(cursor);
    if (shared > key.length) throw new RangeError(`a key shares ${shared} bytes with one of ${key.length}`);
    if (shared + unshared > MAX_KEY_BYTES)
      throw new RangeError(`a key has ${shared + unshared} bytes; at most ${MAX_KEY_BYTES} are read`);
    key = key.slice(0, shared) + Buffer.from(takeBytes(cursor, unshared, 'a key')).toString('latin1');
    yield [key, takeBytes(cursor, valueSize, 'a value')];
  }
}

function cursorOf(bytes: Uint8Array): Cursor {
  return { bytes, at: 0, end: bytes.length };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The start is enough to find it by. */
function quote(key: string): string {
  return JSON.stringify(key.slice(0, 80));
}
