import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';

import type { Compressors } from 'hyparquet';
import { compressors as others, decompressLz4, decompressLz4Raw } from 'hyparquet-compressors';

const NOTHING = new Uint8Array(0);

/** Unpacks pages, never to more than a page declares. Node's own codecs where it has them: they are faster. */
export const compressors: Compressors = {
  ...others,
  // Of no bytes LZ4 makes one, which the package takes for the start of a sequence: pages without a value are such.
  LZ4: (bytes, size) => (size === 0 ? NOTHING : decompressLz4(bytes, size)),
  LZ4_RAW: (bytes, size) => (size === 0 ? NOTHING : decompressLz4Raw(bytes, size)),
  GZIP: (bytes, size) => gunzipSync(bytes, { maxOutputLength: Math.max(1, size) }),
  BROTLI: (bytes, size) => brotliDecompressSync(bytes, { maxOutputLength: Math.max(1, size) }),
  ZSTD: (bytes, size) => zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, size) }),
};
