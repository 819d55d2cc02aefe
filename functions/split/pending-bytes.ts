interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * The bytes of a stream from the first shard that is not cut yet: a shard's worth and one record. Of a record over the row limit nothing is
 * kept, however long it runs.
 */
export class PendingBytes {
  readonly #maxRowBytes: number;
  #pieces: Piece[] = [];
  #offset: number;

  /** @param offset of the stream's first byte. */
  constructor(offset: number, maxRowBytes: number) {
    this.#offset = offset;
    this.#maxRowBytes = maxRowBytes;
  }

  push(bytes: Uint8Array): void {
    this.#pieces.push({ offset: this.#offset, bytes });
    this.#offset += bytes.length;
  }

  /** The bytes `[start, end)`. @throws Error where they were dropped. */
  slice(start: number, end: number): Uint8Array {
    const slices = this.#pieces.map(({ offset, bytes }) =>
      bytes.subarray(Math.max(0, start - offset), Math.max(0, end - offset)),
    );
    const content = Buffer.concat(slices);
    if (content.length !== end - start)
      throw new Error(`bytes ${start} to ${end} are not all here: ${content.length} are`);
    return content;
  }

  dropBefore(offset: number): void {
    this.#pieces = this.#pieces.filter((piece) => piece.offset + piece.bytes.length > offset);
  }

  /** Drops what came of the record that began at `recordStart`, once it is over the limit. */
  dropOversize(recordStart: number): void {
    if (this.#offset - recordStart <= this.#maxRowBytes) return;
    this.#pieces = this.#pieces
      .filter((piece) => piece.offset < recordStart)
      .map((piece) => ({ ...piece, bytes: piece.bytes.subarray(0, recordStart - piece.offset) }));
  }
}
