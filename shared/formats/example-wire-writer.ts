/** Bytes of the longest varint: 64 bits, seven in a byte. */
export const MAX_VARINT_BYTES = 10;

/** The bytes of a field of so many bytes, whose number is below 16. */
export function fieldSize(size: number): number {
  let length = 2;
  for (let rest = size; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length + size;
}

/** Puts an unsigned integer below 2^53 at `at`; returns the offset behind it. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let p = at;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[p++] = (rest % 0x80) | 0x80;
  bytes[p++] = rest;
  return p;
}

/** Writes fields of bytes into memory of a size that is known. */
export class WireWriter {
  readonly bytes: Uint8Array;
  #length = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  /** Writes a field's tag and the length of what comes. */
  field(tag: number, size: number): void {
    this.bytes[this.#length++] = tag;
    this.#length = putVarint(this.bytes, this.#length, size);
  }

  copy(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }
}
