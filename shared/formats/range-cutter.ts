import { LF, asBuffer } from './ascii.ts';
import type { Format, RecordLayout, RecordScanner } from './format.ts';

export interface RangeCutterOptions {
  readonly format: Format;
  /** Of the records, where they are of one size. */
  readonly layout?: RecordLayout;
  /** The range: records that begin in `[start, end)` of the file belong to it. */
  readonly start: number;
  readonly end: number;
  /**
   * `exact`: a record begins at `start` (a file's first record; the end of the range before), and the bytes pushed begin there.
   * `sync`: nobody knows, and the bytes pushed begin one earlier, at `start - 1`: the first record follows the first newline.
   */
  readonly begin: 'exact' | 'sync';
  readonly maxItems: number;
  readonly maxBytes: number;
  readonly maxRowBytes: number;
}

/** A shard: whole records in `[start, end)` of the file, and the blank lines between them. */
export interface Cut {
  readonly start: number;
  readonly end: number;
  readonly rows: number;
  /** One record of more than `maxRowBytes`. */
  readonly oversize: boolean;
}

/**
 * Cuts a range of a file into shards, holding none of its bytes. The last record may run past the range: bytes are pushed until `done`, or until
 * the file ends. Cuts depend on the file and the options only, not on how the bytes come in chunks.
 */
export class RangeCutter {
  /** Nothing that is pushed can change anything any more. */
  done: boolean;
  /** Rows in the cuts so far. */
  rows = 0;
  readonly #options: RangeCutterOptions;
  readonly #scanner: RecordScanner;
  /** Where the bytes of the next push begin. */
  #offset: number;
  /** Where the scanner began; undefined before the first newline of a `sync` range. */
  #origin: number | undefined;
  #start: number;
  /** Where the line or record that is being read began. */
  #at: number;
  /** The shard that is being gathered: its first record's first byte and its last record's end. */
  #from = 0;
  #to = 0;
  #items = 0;
  #cuts: Cut[] = [];

  constructor(options: RangeCutterOptions) {
    const { format, layout, start, end, begin } = options;
    if (begin === 'sync' && format.boundaries !== 'anywhere')
      throw new Error(`${format.name}: a range begins at an exact offset`);
    this.#options = options;
    this.#scanner = format.scanner(layout);
    this.#offset = begin === 'sync' ? start - 1 : start;
    this.#origin = begin === 'sync' ? undefined : start;
    this.#start = start;
    this.#at = start;
    this.done = start >= end;
  }

  /** Where the range's first line begins; the nominal end where none does in it. */
  get start(): number {
    return this.#start;
  }

  /** Where the next range's first line begins: just after this range's last. Exact once `done` or finished. */
  get end(): number {
    return this.#at;
  }

  /** Takes the file's next bytes; returns the shards that they complete. */
  push(chunk: Uint8Array): Cut[] {
    if (!this.done) {
      const rest = this.#origin === undefined ? this.#synchronize(chunk) : chunk;
      if (rest !== undefined) this.#scanner.push(rest, this.#boundary);
    }
    this.#offset += chunk.length;
    return this.#taken();
  }

  /** Ends the file; returns the last shards. */
  finish(): Cut[] {
    if (!this.done) {
      if (this.#origin === undefined) this.#beginAt(Math.min(this.#offset, this.#options.end));
      else this.#scanner.finish(this.#boundary);
      this.#close();
      this.done = true;
    }
    return this.#taken();
  }

  /** The bytes after the first newline, once it has come. */
  #synchronize(chunk: Uint8Array): Uint8Array | undefined {
    const { end } = this.#options;
    const newline = asBuffer(chunk).indexOf(LF);
    const found = newline >= 0 && this.#offset + newline + 1 < end;
    if (found) {
      this.#beginAt(this.#offset + newline + 1);
      return chunk.subarray(newline + 1);
    }
    // A record that begins at the range's end or later is the next range's.
    if (this.#offset + chunk.length >= end) {
      this.#beginAt(end);
      this.done = true;
    }
    return undefined;
  }

  #beginAt(offset: number): void {
    this.#origin = offset;
    this.#start = offset;
    this.#at = offset;
  }

  readonly #boundary = (relative: number, blank: boolean): void => {
    if (this.done) return;
    const start = this.#at;
    this.#at = (this.#origin ?? 0) + relative;
    if (!blank) this.#record(start, this.#at);
    if (this.#at >= this.#options.end) {
      this.#close();
      this.done = true;
    }
  };

  #record(start: number, end: number): void {
    const { maxItems, maxBytes, maxRowBytes } = this.#options;
    const oversize = end - start > maxRowBytes;
    if (oversize || this.#items >= maxItems || end - this.#from > maxBytes) this.#close();
    if (this.#items === 0) this.#from = start;
    this.#to = end;
    this.#items++;
    if (oversize) this.#close(true);
  }

  #close(oversize = false): void {
    if (this.#items === 0) return;
    this.#cuts.push({ start: this.#from, end: this.#to, rows: this.#items, oversize });
    this.rows += this.#items;
    this.#items = 0;
  }

  #taken(): Cut[] {
    const cuts = this.#cuts;
    this.#cuts = [];
    return cuts;
  }
}
