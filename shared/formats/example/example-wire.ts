import { MAX_VARINT_BYTES } from './example-wire-writer.ts';
import { RowError } from '../row-error.ts';

/** Protocol Buffers' wire types: https://protobuf.dev/programming-guides/encoding */
export const VARINT = 0;
const FIXED64 = 1;
export const BYTES = 2;
const GROUP_START = 3;
const GROUP_END = 4;
export const FIXED32 = 5;

/** Groups nest no deeper than protobuf's own readers follow. */
const MAX_GROUPS = 100;

/** A 64-bit integer and its halves, the lower first. */
const wide = new BigInt64Array(1);
const halves = new Uint32Array(wide.buffer);

/** Reads the wire format of one message. Whatever runs past its end is an error: nothing is read or reserved by a length that the bytes do not have. */
export class WireReader {
  readonly bytes: Buffer;
  pos = 0;
  /** The wire type of the field whose tag was read last. */
  type = VARINT;
  #tagAt = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Reads a tag; returns the number of its field. */
  tag(end: number): number {
    this.#tagAt = this.pos;
    const tag = this.#varint(end);
    this.type = tag & 7;
    const field = Math.floor(tag / 8);
    if (field < 1 || field > 0x1fffffff) throw this.#broken(`the field number ${field}`, 'one from 1 to 2^29 - 1');
    return field;
  }

  /** Reads a length; returns the offset where what is that long ends. */
  length(end: number): number {
    const at = this.pos;
    const length = this.#varint(end);
    if (length > end - this.pos) {
      throw this.#broken(`a length of ${length}`, `at most the ${end - this.pos} bytes that are left`, at);
    }
    return this.pos + length;
  }

  /** Reads a varint as an int64. */
  int64(end: number): bigint {
    const first = this.bytes[this.pos] as number;
    if (first < 0x80 && this.pos < end) {
      this.pos++;
      return BigInt(first);
    }
    this.#varint(end);
    return wide[0] as bigint;
  }

  float(end: number): number {
    this.#need(4, end);
    this.pos += 4;
    return this.bytes.readFloatLE(this.pos - 4);
  }

  /** Skips the value of the field whose tag was read last. */
  skip(end: number): void {
    let depth = 0;
    do {
      if (depth > 0) this.tag(end);
      if (this.type === VARINT) this.#varint(end);
      else if (this.type === BYTES) this.pos = this.length(end);
      else if (this.type === FIXED32 || this.type === FIXED64) {
        const size = this.type === FIXED32 ? 4 : 8;
        this.#need(size, end);
        this.pos += size;
      } else if (this.type === GROUP_START && depth < MAX_GROUPS) depth++;
      else if (this.type === GROUP_END && depth > 0) depth--;
      else throw this.#broken(`the wire type ${this.type}`, 'a field', this.#tagAt);
    } while (depth > 0);
  }

  /** The unsigned value, inexact above 2^53; `wide` holds its bits. */
  #varint(end: number): number {
    const { bytes } = this;
    const start = this.pos;
    const last = Math.min(end, start + MAX_VARINT_BYTES);
    let low = 0;
    let high = 0;
    for (let p = start; p < last; p++) {
      const byte = bytes[p] as number;
      const shift = 7 * (p - start);
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else if (shift === 28) {
        low |= (byte & 0x7f) << 28;
        high |= (byte & 0x7f) >> 4;
      } else high |= (byte & 0x7f) << (shift - 32);
      if (byte < 0x80) {
        this.pos = p + 1;
        halves[0] = low;
        halves[1] = high;
        return (high >>> 0) * 2 ** 32 + (low >>> 0);
      }
    }
    throw this.#broken(last === end ? 'its end within a number' : 'a number of more than 10 bytes', 'a varint');
  }

  #need(size: number, end: number): void {
    if (end - this.pos < size) throw this.#broken(`${end - this.pos} bytes`, `the ${size} of a number`);
  }

  #broken(found: string, expected: string, at = this.pos): RowError {
    return new RowError(`instance: no tf.Example: found ${found} at byte ${at} of it, expected ${expected}`);
  }
}
