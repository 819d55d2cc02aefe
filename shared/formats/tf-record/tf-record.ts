import { asBuffer } from '../ascii.ts';
import type { EmitBoundary, Format, RecordScanner } from '../format.ts';
import { TfRecordDecoder } from './tf-record-decoder.ts';
import { FOOTER_BYTES, HEADER_BYTES, readRecordHeader } from './tf-record-framing.ts';

/** TFRecords: see `readRecordHeader` for the framing, `TfRecordDecoder` for the instances. */
export const tfRecord: Format = {
  name: 'tf-record',
  boundaries: 'from-start',
  scanner: () => new RecordHeaderScanner(),
  readHeader: () => ({ length: 0 }),
  decoder: (shard, options) => new TfRecordDecoder(shard, options),
};

/**
 * Goes from header to header. Where a record's length does not match its checksum, nobody knows where the next one begins: all from there to the end of
 * the file is one record, which the decoder makes an error, and so is one that the file cuts.
 */
class RecordHeaderScanner implements RecordScanner {
  #offset = 0;
  /** Offset just after the record that ended last. */
  #end = 0;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  /** Bytes of the next header that have come. */
  #filled = 0;
  /** Bytes of the record that are still to come; Infinity where the framing is broken. */
  #left = 0;

  push(chunk: Uint8Array, emit: EmitBoundary): void {
    const bytes = asBuffer(chunk);
    let p = 0;
    while (p < bytes.length) {
      if (this.#left === 0) {
        const size = Math.min(HEADER_BYTES - this.#filled, bytes.length - p);
        bytes.copy(this.#header, this.#filled, p, p + size);
        p += size;
        this.#filled += size;
        if (this.#filled === HEADER_BYTES) this.#begin();
      } else {
        const size = Math.min(this.#left, bytes.length - p);
        p += size;
        this.#left -= size;
        if (this.#left === 0) {
          this.#end = this.#offset + p;
          emit(this.#end, false);
        }
      }
    }
    this.#offset += bytes.length;
  }

  finish(emit: EmitBoundary): void {
    if (this.#offset > this.#end) emit(this.#offset, false);
    this.#end = this.#offset;
  }

  #begin(): void {
    const header = readRecordHeader(this.#header, 0);
    this.#left = 'length' in header ? header.length + FOOTER_BYTES : Number.POSITIVE_INFINITY;
    this.#filled = 0;
  }
}
