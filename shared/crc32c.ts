/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), the checksum Cloud Storage gives: RFC 3720, appendix B.4.
 * Slicing by 16: sixteen tables, so that one step takes 16 bytes with independent look-ups. `combine` is zlib's
 * `crc32_combine` for this polynomial.
 */

const POLYNOMIAL = 0x82f63b78 | 0;
const SLICES = 16;

const TABLES: readonly Int32Array[] = makeTables();

function makeTables(): Int32Array[] {
  const tables = Array.from({ length: SLICES }, () => new Int32Array(256));
  const first = tables[0] as Int32Array;
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    first[byte] = crc;
  }
  for (let slice = 1; slice < SLICES; slice++) {
    const before = tables[slice - 1] as Int32Array;
    const table = tables[slice] as Int32Array;
    for (let byte = 0; byte < 256; byte++) {
      const crc = before[byte] as number;
      table[byte] = (first[crc & 0xff] as number) ^ (crc >>> 8);
    }
  }
  return tables;
}

// prettier-ignore
const [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15] = TABLES as [
  Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array,
  Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array,
];

const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/**
 * The checksum of `bytes`, or of those in `[start, end)`, as an unsigned number.
 * @param crc the checksum of what stands before them: feeds a stream piece by piece.
 */
export function crc32c(bytes: Uint8Array, crc = 0, start = 0, end = bytes.length): number {
  let state = ~crc;
  let at = start;
  if (LITTLE_ENDIAN && end - start >= 64) {
    while ((bytes.byteOffset + at) & 3) state = step(state, bytes[at++] as number);
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (end - at) >> 2);
    const blocks = words.length & ~3;
    state = blockSteps(state, words, blocks);
    at += blocks << 2;
  }
  for (; at < end; at++) state = step(state, bytes[at] as number);
  return ~state >>> 0;
}

function step(state: number, byte: number): number {
  return (T0[(state ^ byte) & 0xff] as number) ^ (state >>> 8);
}

function blockSteps(state: number, words: Int32Array, count: number): number {
  for (let i = 0; i < count; i += 4) {
    const a = (words[i] as number) ^ state;
    const b = words[i + 1] as number;
    const c = words[i + 2] as number;
    const d = words[i + 3] as number;
    // prettier-ignore
    state =
      (T15[a & 0xff] as number) ^ (T14[(a >>> 8) & 0xff] as number) ^ (T13[(a >>> 16) & 0xff] as number) ^ (T12[a >>> 24] as number) ^
      (T11[b & 0xff] as number) ^ (T10[(b >>> 8) & 0xff] as number) ^ (T9[(b >>> 16) & 0xff] as number) ^ (T8[b >>> 24] as number) ^
      (T7[c & 0xff] as number) ^ (T6[(c >>> 8) & 0xff] as number) ^ (T5[(c >>> 16) & 0xff] as number) ^ (T4[c >>> 24] as number) ^
      (T3[d & 0xff] as number) ^ (T2[(d >>> 8) & 0xff] as number) ^ (T1[(d >>> 16) & 0xff] as number) ^ (T0[d >>> 24] as number);
  }
  return state;
}

/** The checksum of two pieces put together, from theirs and the second one's length in bytes. */
export function combineCrc32c(first: number, second: number, secondLength: number): number {
  let shifted = first | 0;
  let power = X_TO_THE_8;
  for (let rest = secondLength; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) shifted = multiply(power, shifted);
    power = multiply(power, power);
  }
  return (shifted ^ second) >>> 0;
}

/** x⁸ in the reflected order of bits, where the highest bit is x⁰: one byte of zeros. */
const X_TO_THE_8 = 1 << 23;

/** The product of two polynomials modulo the CRC's. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 31, times = b; bit >= 0; bit--) {
    if ((a >>> bit) & 1) product ^= times;
    times = times & 1 ? (times >>> 1) ^ POLYNOMIAL : times >>> 1;
  }
  return product;
}

/** As Cloud Storage writes it: base64 of the big-endian four bytes. */
export function encodeCrc32c(crc: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}

/** The number that `encodeCrc32c` encoded. */
export function decodeCrc32c(base64: string): number {
  return Buffer.from(base64, 'base64').readUInt32BE();
}

const MASK_DELTA = 0xa282ead8;

/** As LevelDB and TFRecords store a checksum, rotated right by 15 bits plus a constant: a CRC of data that holds its own CRC tells little. */
export function maskCrc32c(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}
