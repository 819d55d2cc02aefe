/** Bytes of the longest varint: 64 bits, seven in a byte. */
export const MAX_VARINT_BYTES = 10;

/** The bytes of an unsigned integer below 2^53 as a varint. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** The bytes of a field of so many bytes, whose number is below 16. */
export function fieldSize(size: number): number {
  return 1 + varintSize(size) + size;
}

/** Puts an unsigned integer below 2^53 at `at`; returns the offset behind it. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let p = at;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[p++] = (rest % 0x80) | 0x80;
  bytes[p++] = rest;
  return p;
}

/** Puts a field's tag and the length of what comes; returns the offset behind them. */
export function putField(bytes: Uint8Array, at: number, tag: number, size: number): number {
  bytes[at] = tag;
  return putVarint(bytes, at + 1, size);
}
