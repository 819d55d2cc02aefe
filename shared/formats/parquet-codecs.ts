import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';

import type { Compressors } from 'hyparquet';
import { compressors as others } from 'hyparquet-compressors';

/** Unpacks pages, never to more than a page declares. Node's own codecs where it has them: they are faster. */
export const compressors: Compressors = {
  ...others,
  GZIP: (bytes, size) => gunzipSync(bytes, { maxOutputLength: Math.max(1, size) }),
  BROTLI: (bytes, size) => brotliDecompressSync(bytes, { maxOutputLength: Math.max(1, size) }),
  ZSTD: (bytes, size) => zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, size) }),
};
