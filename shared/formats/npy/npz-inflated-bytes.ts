import { pipeline, Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';

import { PermanentError } from '../../errors.ts';
import type { ByteStream } from '../../ports.ts';
import type { RandomAccess } from '../table.ts';
import { blocks } from './npz-zip.ts';
import type { ZipEntry } from './npz-zip.ts';

/**
 * The unpacked bytes of a deflated file of a zip: as many as are asked for at a time, and never more than it says that it holds. What is wrong with
 * the data is thrown as a PermanentError DATA_LOSS, or an error for which `isCompressionError` holds.
 */
export class InflatedBytes {
  readonly #size: number;
  readonly #crc32: number;
  readonly #stream: AsyncIterator<Uint8Array>;
  readonly #close: () => void;
  #rest: Uint8Array = new Uint8Array(0);
  #taken = 0;
  #crc = 0;

  constructor(source: RandomAccess, entry: ZipEntry) {
    this.#size = entry.size;
    this.#crc32 = entry.crc32;
    const inflate = createInflateRaw();
    const packed = blocks(source, entry.start, entry.start + entry.packedSize);
    // Whatever fails destroys the stream with that error: whoever reads it sees it there.
    pipeline(Readable.from(packed, { objectMode: false }), inflate, () => undefined);
    this.#stream = (inflate as ByteStream)[Symbol.asyncIterator]();
    this.#close = () => {
      inflate.destroy();
    };
  }

  /** The next `size` bytes. */
  async take(size: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(size);
    let at = 0;
    while (at < size) {
      if (this.#rest.length === 0) this.#rest = (await this.#next()) ?? this.#cutOff();
      const piece = this.#rest.subarray(0, size - at);
      bytes.set(piece, at);
      at += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
    }
    return bytes;
  }

  /** Reads what is left, and checks size and checksum. */
  async finish(): Promise<void> {
    while (this.#rest.length > 0 || (await this.#next()) !== undefined) this.#rest = new Uint8Array(0);
    if (this.#taken !== this.#size) this.#cutOff();
    if (this.#crc !== this.#crc32) throw new PermanentError('DATA_LOSS', 'the checksum (CRC-32) is wrong');
  }

  close(): void {
    this.#close();
  }

  async #next(): Promise<Uint8Array | undefined> {
    const next = await this.#stream.next();
    if (next.done === true) return undefined;
    const { value } = next;
    this.#taken += value.length;
    if (this.#taken > this.#size)
      throw new PermanentError('DATA_LOSS', `it unpacks to more than the ${this.#size} bytes that it declares`);
    this.#crc = crc32(value, this.#crc);
    return value;
  }

  #cutOff(): never {
    throw new PermanentError('DATA_LOSS', `it unpacks to ${this.#taken} bytes; it declares ${this.#size}`);
  }
}
