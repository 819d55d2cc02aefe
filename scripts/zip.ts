import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  /** With `/` between segments. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** 1980-01-01 00:00, the first moment that a ZIP file knows: the same files make the same archive, whenever they are packed. */
const DOS_DATE = (1 << 5) | 1;
const DOS_TIME = 0;
const VERSION = 20;
const UTF8_NAMES = 0x0800;
const DEFLATED = 8;
/** Unix, version 2.0; a regular file, readable by all. */
const MADE_BY = (3 << 8) | VERSION;
const MODE = (0o100644 << 16) >>> 0;

/**
 * Packs files, in the order given, into a ZIP archive below 4 GiB.
 * Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (4.3.7 local header, 4.3.12 central directory, 4.3.16 its end)
 */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content } of entries) {
    const path = Buffer.from(name);
    const data = deflateRawSync(content, { level: 9 });
    const common = Buffer.concat([
      shorts(VERSION, UTF8_NAMES, DEFLATED, DOS_TIME, DOS_DATE),
      longs(crc32(content), data.length, content.length),
      shorts(path.length, 0),
    ]);
    const local = Buffer.concat([longs(0x04034b50), common, path, data]);
    files.push(local);
    directory.push(
      Buffer.concat([longs(0x02014b50), shorts(MADE_BY), common, shorts(0, 0, 0), longs(MODE, offset), path]),
    );
    offset += local.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.concat([
    longs(0x06054b50),
    shorts(0, 0, entries.length, entries.length),
    longs(size, offset),
    shorts(0),
  ]);
  return Buffer.concat([...files, ...directory, end]);
}

function shorts(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt16LE(value, 2 * index);
  return bytes;
}

function longs(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return bytes;
}
