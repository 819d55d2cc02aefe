import { crc32, deflateRawSync } from 'node:zlib';

/** NumPy's npy file of an array: its header's literal, and its data. */
export function npyFile(
  descr: string,
  shape: readonly number[],
  data: Uint8Array,
  { fortran = false, version = 1, header }: { fortran?: boolean; version?: number; header?: string } = {},
): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = header ?? `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${tuple}, }`;
  const start = version === 1 ? 10 : 12;
  const padded = Buffer.from(`${text.padEnd(Math.ceil((start + text.length + 1) / 64) * 64 - start - 1)}\n`, 'utf8');
  const length = Buffer.alloc(start - 8);
  if (version === 1) length.writeUInt16LE(padded.length);
  else length.writeUInt32LE(padded.length);
  return Buffer.concat([Buffer.from('\x93NUMPY', 'latin1'), Buffer.of(version, 0), length, padded, data]);
}

/** The bytes of numbers in this machine's order. */
export function bytesOf(data: ArrayBufferView): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

export interface ZipFileEntry {
  readonly name: string;
  readonly content: Uint8Array;
  readonly deflate?: boolean;
  /** What the zip says of it, where that is not true. */
  readonly declared?: {
    readonly size?: number;
    readonly crc32?: number;
    readonly method?: number;
    readonly flags?: number;
  };
}

/** A zip of files: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
export function zipFile(entries: readonly ZipFileEntry[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, deflate = false, declared = {} } of entries) {
    const packed = deflate ? deflateRawSync(content) : Buffer.from(content);
    const label = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800 | (declared.flags ?? 0), 2);
    common.writeUInt16LE(declared.method ?? (deflate ? 8 : 0), 4);
    common.writeUInt32LE(declared.crc32 ?? crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(declared.size ?? content.length, 18);
    common.writeUInt16LE(label.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    files.push(Buffer.from('PK\x03\x04', 'latin1'), common, label, packed);
    directory.push(Buffer.from('PK\x01\x02', 'latin1'), Buffer.of(20, 0), common, place, label);
    offset += 30 + label.length + packed.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(list.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...files, list, Buffer.from('PK\x05\x06', 'latin1'), end]);
}
