const MINIMUM_CAPACITY = 256;
/** Copies shorter than this are faster byte by byte than through a native call. */
const SHORT_COPY_BYTES = 24;

/** Bytes that grow at their end. Its memory is never shared with Node's buffer pool, so that it may be transferred. */
export class ByteWriter {
  bytes: Buffer;
  length = 0;

  constructor(capacity = MINIMUM_CAPACITY) {
    this.bytes = Buffer.allocUnsafeSlow(Math.max(capacity, MINIMUM_CAPACITY));
  }

  /** Makes room for so many more bytes; returns the memory, which is then written at `length`. */
  reserve(extra: number): Buffer {
    const needed = this.length + extra;
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.bytes.length));
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    return this.bytes;
  }

  byte(value: number): void {
    this.reserve(1)[this.length++] = value;
  }

  copy(source: Buffer, start = 0, end = source.length): void {
    const size = end - start;
    const bytes = this.reserve(size);
    if (size < SHORT_COPY_BYTES) {
      let to = this.length;
      for (let from = start; from < end; from++) bytes[to++] = source[from] as number;
    } else {
      source.copy(bytes, this.length, start, end);
    }
    this.length += size;
  }

  /** Text of ASCII characters only. */
  ascii(text: string): void {
    const bytes = this.reserve(text.length);
    this.length += bytes.write(text, this.length, 'latin1');
  }

  utf8(text: string): void {
    const bytes = this.reserve(3 * text.length);
    this.length += bytes.write(text, this.length, 'utf8');
  }

  /** Text as a JSON string; lone surrogates are escaped. */
  jsonString(text: string): void {
    this.utf8(JSON.stringify(text));
  }

  /** The written bytes, leaving the writer empty with new memory. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length);
    this.bytes = Buffer.allocUnsafeSlow(Math.max(this.length, MINIMUM_CAPACITY));
    this.length = 0;
    return taken;
  }
}
