import { COMMA, CR, LF, QUOTE } from '../ascii.ts';
import { subjectOf, unexpected } from '../row-error.ts';
import type { RowError } from '../row-error.ts';

/** The cells of one record, as offsets into its bytes: without the quotes around them, with `""` still doubled. */
export class Cells {
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly quoted: boolean[] = [];
  count = 0;
  /** The first cell whose quotes are wrong, or -1, and what is wrong. */
  bad = -1;
  #fault = '';

  clear(): void {
    this.count = 0;
    this.bad = -1;
  }

  add(start: number, end: number, quoted: boolean): void {
    this.starts[this.count] = start;
    this.ends[this.count] = end;
    this.quoted[this.count] = quoted;
    this.count++;
  }

  /** Marks the cell that is added next. */
  spoil(fault: string): void {
    if (this.bad >= 0) return;
    this.bad = this.count;
    this.#fault = fault;
  }

  /** The error of a record whose quotes are wrong; undefined where they are right. */
  error(columns: readonly string[]): RowError | undefined {
    if (this.bad < 0) return undefined;
    const name = columns[this.bad];
    return unexpected(
      name === undefined ? `column ${this.bad + 1}` : subjectOf(name),
      this.#fault,
      'a quoted cell to end with its closing quote',
    );
  }
}

type State =
  | 'record' // at its first byte
  | 'blank' // after a carriage return at its first byte
  | 'cell' // at a cell's first byte
  | 'plain' // in an unquoted cell
  | 'quoted' // between quotes
  | 'quote' // after a quote between quotes: its end, or the first of two
  | 'return' // after a carriage return behind a closing quote
  | 'spoiled'; // in what follows a closing quote and should not

/**
 * Reads CSV records by RFC 4180, from bytes that come in chunks. One state machine finds both the records' ends and their cells, so that
 * scanner and decoder cannot disagree. Cells are separated by commas; a quote opens only at a cell's start; `""` between quotes is a
 * quote; a record ends with LF or CRLF (or a CR that ends the file) outside quotes. Elsewhere quotes and CR are literal.
 * An empty line is no record, not even in a file of one column.
 */
export class CsvReader {
  /** Whether the line that `recordEnd` found was empty. */
  blank = false;
  #state: State = 'record';
  #start = 0;

  /**
   * Reads on in `bytes` from `from`; returns the offset after the record's newline, or -1 where the bytes end before it.
   * @param cells gets the record's cells, where the whole record is in `bytes`.
   */
  recordEnd(bytes: Buffer, from: number, cells?: Cells): number {
    const size = bytes.length;
    let state = this.#state;
    let p = from;
    while (p < size) {
      const c = bytes[p] as number;
      switch (state) {
        case 'record':
          if (c === LF) return this.#endRecord(p, true);
          if (c === CR) {
            this.#start = p++;
            state = 'blank';
          } else state = 'cell';
          break;
        case 'blank':
          if (c === LF) return this.#endRecord(p, true);
          state = 'plain';
          break;
        case 'cell':
          this.#start = p;
          if (c === QUOTE) {
            this.#start = ++p;
            state = 'quoted';
          } else state = 'plain';
          break;
        case 'plain':
          p = plainEnd(bytes, p);
          if (p === size) break;
          if (bytes[p] === COMMA) {
            cells?.add(this.#start, p, false);
            p++;
            state = 'cell';
          } else {
            cells?.add(this.#start, p > this.#start && bytes[p - 1] === CR ? p - 1 : p, false);
            return this.#endRecord(p, false);
          }
          break;
        case 'quoted': {
          const quote = bytes.indexOf(QUOTE, p);
          p = quote < 0 ? size : quote + 1;
          if (quote >= 0) state = 'quote';
          break;
        }
        case 'quote':
        case 'return':
          if (c === QUOTE && state === 'quote') {
            p++;
            state = 'quoted';
          } else if (c === COMMA || c === LF) {
            if (c === COMMA && state === 'return') cells?.spoil(AFTER_QUOTE);
            cells?.add(this.#start, state === 'quote' ? p - 1 : p - 2, true);
            if (c === LF) return this.#endRecord(p, false);
            p++;
            state = 'cell';
          } else if (c === CR && state === 'quote') {
            p++;
            state = 'return';
          } else {
            cells?.spoil(AFTER_QUOTE);
            state = 'spoiled';
          }
          break;
        case 'spoiled':
          p = plainEnd(bytes, p);
          if (p === size) break;
          cells?.add(this.#start, p, true);
          if (bytes[p] === LF) return this.#endRecord(p, false);
          p++;
          state = 'cell';
          break;
      }
    }
    this.#state = state;
    return -1;
  }

  /** Ends the file: whether there was a last record without a newline, whose last cell then goes to `cells`. */
  finish(bytes: Buffer, cells?: Cells): boolean {
    const state = this.#state;
    const size = bytes.length;
    const end = bytes[size - 1] === CR ? size - 1 : size;
    this.#state = 'record';
    this.blank = state === 'record' || state === 'blank';
    if (this.blank) return false;
    if (state === 'quoted') cells?.spoil('no closing quote');
    if (state === 'cell') cells?.add(size, size, false);
    else if (state === 'plain') cells?.add(this.#start, Math.max(end, this.#start), false);
    else cells?.add(this.#start, state === 'quote' || state === 'return' ? end - 1 : size, true);
    return true;
  }

  #endRecord(newline: number, blank: boolean): number {
    this.#state = 'record';
    this.blank = blank;
    return newline + 1;
  }
}

const AFTER_QUOTE = 'text after the closing quote';

/** The offset of the next comma or newline; the end where there is none. */
function plainEnd(bytes: Buffer, from: number): number {
  const size = bytes.length;
  let p = from;
  while (p < size) {
    const c = bytes[p] as number;
    if (c === COMMA || c === LF) break;
    p++;
  }
  return p;
}
