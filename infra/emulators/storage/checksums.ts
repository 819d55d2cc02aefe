import { createHash } from 'node:crypto';

/** CRC-32C's polynomial (Castagnoli), reflected. Source: RFC 3720, appendix B.4. */
const POLYNOMIAL = 0x82f63b78;

/** Slicing-by-8 (Kounavis and Berry, 2005): `TABLES[k * 256 + b]` is byte b's remainder with k zero bytes after it. */
const TABLES = makeTables();

function makeTables(): Uint32Array {
  const tables = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc >>> 0;
  }
  for (let index = 256; index < tables.length; index++) {
    const before = tables[index - 256] as number;
    tables[index] = (before >>> 8) ^ (tables[before & 255] as number);
  }
  return tables;
}

const at = (slice: number, byte: number) => TABLES[slice * 256 + (byte & 255)] as number;

/** CRC-32C of `bytes` appended to what gave `crc` (0 for nothing), as an unsigned number. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let state = ~crc;
  let offset = 0;
  for (const end = bytes.length - 8; offset <= end; offset += 8) {
    const low = state ^ view.getUint32(offset, true);
    const high = view.getUint32(offset + 4, true);
    state =
      at(7, low) ^
      at(6, low >>> 8) ^
      at(5, low >>> 16) ^
      at(4, low >>> 24) ^ //
      at(3, high) ^
      at(2, high >>> 8) ^
      at(1, high >>> 16) ^
      at(0, high >>> 24);
  }
  for (; offset < bytes.length; offset++) state = (state >>> 8) ^ at(0, state ^ view.getUint8(offset));
  return ~state >>> 0;
}

/** The two checksums as object resources carry them: base64 of the big-endian crc32c and of the md5. */
export interface Digests {
  readonly crc32c: string;
  readonly md5Hash: string;
}

/** Both checksums of a stream, fed piece by piece. */
export class Checksums {
  #crc = 0;
  readonly #md5 = createHash('md5');

  update(bytes: Uint8Array): void {
    this.#crc = crc32c(bytes, this.#crc);
    this.#md5.update(bytes);
  }

  /** Final: nothing can be added afterwards. */
  digest(): Digests {
    const big = Buffer.alloc(4);
    big.writeUInt32BE(this.#crc);
    return { crc32c: big.toString('base64'), md5Hash: this.#md5.digest('base64') };
  }
}
