import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  DOT,
  LF,
  LOWER_E,
  MINUS,
  NINE,
  OPEN_BRACE,
  OPEN_BRACKET,
  PLUS,
  QUOTE,
  SPACE,
  UPPER_E,
  ZERO,
  isSpace,
} from './ascii.ts';
import { numberEnd } from './json-number.ts';
import type { FloatReader } from './kernel/float-reader.ts';
import { RowError } from './row-error.ts';

/** Lists and objects may nest this deep: the reader recurses, and a hostile record must not exhaust the stack. */
export const MAX_DEPTH = 512;
/** What `peek` returns where the text has ended. */
export const END = -1;

const LOWER_U = 117;
/** `"\/bfnrt`: what may follow a backslash, besides `u` and four hexadecimal digits. */
const ESCAPES: ReadonlySet<number | undefined> = new Set([34, 92, 47, 98, 102, 110, 114, 116]);
/** The powers of ten that a double holds exactly. */
const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const MAX_EXACT_POWER = 22;
/** Exponents are read no further than this: zero or infinity long before. */
const MAX_EXPONENT = 1_000_000;

/**
 * Reads JSON text from bytes, one token at a time, without making objects of it. Accepts exactly the grammar of RFC 8259 (what
 * JSON.parse accepts), nested at most `MAX_DEPTH` deep. What is not JSON throws a RowError with the byte's offset in the text.
 *
 * The text is assumed to be valid UTF-8, and to be followed by a newline, `bytes[end] === LF`: a sentinel that ends every token,
 * so that the inner loops need not look for the end.
 */
export class JsonReader {
  bytes: Buffer = Buffer.of(LF);
  /** Reads numbers faster, where `bytes` are its text. */
  readonly floats: FloatReader | undefined;
  pos = 0;
  end = 0;
  #start = 0;

  constructor(floats?: FloatReader) {
    this.floats = floats;
  }

  /** Moves to a text of the same or other bytes. */
  reset(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
    this.#start = start;
  }

  /** Skips whitespace; returns the byte at `pos` then, or END. */
  peek(): number {
    const bytes = this.bytes;
    const end = this.end;
    let p = this.pos;
    let c = bytes[p] as number;
    while (c <= SPACE && p < end && isSpace(c)) c = bytes[++p] as number;
    this.pos = p;
    return p < end ? c : END;
  }

  /** Skips whitespace and, where it is next, the given byte. */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.pos++;
    return true;
  }

  /**
   * After an element: true where a comma follows, false where the list or object closes (or, with END, the text ends);
   * `pos` is behind either.
   */
  another(close: number): boolean {
    const c = this.peek();
    if (c !== COMMA && c !== close) throw this.malformed(`a comma or ${close === CLOSE_BRACE ? '}' : ']'}`);
    this.pos++;
    return c === COMMA;
  }

  /** Skips the name of a field and its colon; returns whether the name holds escapes. It begins where `peek` left `pos`. */
  skipName(): boolean {
    if (this.peek() !== QUOTE) throw this.malformed('a field name in quotes');
    const escaped = this.skipString();
    this.nameEnd = this.pos;
    if (!this.take(COLON)) throw this.malformed('a colon');
    return escaped;
  }
  /** Just after the closing quote of the name that `skipName` skipped. */
  nameEnd = 0;

  /** Skips one value and the whitespace before it. */
  skipValue(depth = 0): void {
    switch (this.peek()) {
      case QUOTE:
        this.skipString();
        return;
      case OPEN_BRACE:
        this.#skipObject(depth + 1);
        return;
      case OPEN_BRACKET:
        this.#skipList(depth + 1);
        return;
      case 116:
        this.#skipWord('true');
        return;
      case 102:
        this.#skipWord('false');
        return;
      case 110:
        this.#skipWord('null');
        return;
      default:
        this.skipNumber();
    }
  }

  /** Skips the string whose opening quote is at `pos`; returns whether it holds escapes. */
  skipString(): boolean {
    const bytes = this.bytes;
    let p = this.pos + 1;
    let escaped = false;
    for (;;) {
      const c = bytes[p] as number;
      if (c === QUOTE) break;
      if (c === BACKSLASH) {
        p = this.#escapeEnd(p);
        escaped = true;
      } else if (c >= SPACE) p++;
      else throw this.malformed(p < this.end ? 'an escape of the control character' : 'a closing quote', p);
    }
    this.pos = p + 1;
    return escaped;
  }

  /** The text of the string token `[start, end)`, which includes its quotes. */
  text(start: number, end: number, escaped: boolean): string {
    if (!escaped) return this.bytes.toString('utf8', start + 1, end - 1);
    return JSON.parse(this.bytes.toString('utf8', start, end)) as string;
  }

  skipNumber(): void {
    const end = numberEnd(this.bytes, this.pos);
    if (end < 0) throw this.malformed('a value', ~end);
    this.pos = end;
  }

  /** Reads the number at `pos`: exactly `Number` of its text. */
  number(): number {
    const bytes = this.bytes;
    const start = this.pos;
    let p = start;
    let c = bytes[p] as number;
    const negative = c === MINUS;
    if (negative) c = bytes[++p] as number;
    // Doubles count exactly up to 2^53, and a count that passed it stays above: `mantissa` need not be watched meanwhile.
    let mantissa = 0;
    if (c === ZERO) c = bytes[++p] as number;
    else if (c > ZERO && c <= NINE) {
      do {
        mantissa = mantissa * 10 + (c - ZERO);
        c = bytes[++p] as number;
      } while (c >= ZERO && c <= NINE);
    } else throw this.malformed('a value', p);
    let exponent = 0;
    if (c === DOT) {
      const first = ++p;
      c = bytes[p] as number;
      while (c >= ZERO && c <= NINE) {
        mantissa = mantissa * 10 + (c - ZERO);
        c = bytes[++p] as number;
      }
      if (p === first) throw this.malformed('a digit', p);
      exponent = first - p;
    }
    if (c === LOWER_E || c === UPPER_E) {
      c = bytes[++p] as number;
      const down = c === MINUS;
      if (down || c === PLUS) c = bytes[++p] as number;
      const first = p;
      let power = 0;
      while (c >= ZERO && c <= NINE) {
        if (power < MAX_EXPONENT) power = power * 10 + (c - ZERO);
        c = bytes[++p] as number;
      }
      if (p === first) throw this.malformed('a digit', p);
      exponent += down ? -power : power;
    }
    this.pos = p;
    // One correctly rounded operation on two exact doubles is correctly rounded: W. D. Clinger, How to read floating point
    // numbers accurately, 1990.
    if (mantissa <= Number.MAX_SAFE_INTEGER && exponent <= MAX_EXACT_POWER && exponent >= -MAX_EXACT_POWER) {
      const value =
        exponent < 0 ? mantissa / (POWERS_OF_TEN[-exponent] as number) : mantissa * (POWERS_OF_TEN[exponent] as number);
      return negative ? -value : value;
    }
    return Number(bytes.toString('latin1', start, p));
  }

  /** @throws RowError unless only whitespace is left. */
  finish(): void {
    if (this.peek() !== END) throw this.malformed('the end of the record');
  }

  /** The error of a byte that JSON does not allow there. */
  malformed(expected: string, at = this.pos): RowError {
    const offset = Math.min(at, this.end);
    const where = `malformed JSON at byte ${offset - this.#start} of the record`;
    const rest = this.bytes.toString('utf8', offset, Math.min(this.end, offset + 16));
    const word = /^-?(NaN|Infinity)\b/.exec(
      offset > this.#start && this.bytes[offset - 1] === MINUS ? `-${rest}` : rest,
    );
    if (word !== null)
      return new RowError(`${where}: found ${word[0]}, expected a value: write it as the string "${word[0]}"`);
    const [character] = rest;
    const found = character === undefined ? 'its end' : JSON.stringify(character);
    return new RowError(`${where}: found ${found}, expected ${expected}`);
  }

  #skipObject(depth: number): void {
    this.#checkDepth(depth);
    this.pos++;
    if (this.take(CLOSE_BRACE)) return;
    do {
      this.skipName();
      this.skipValue(depth);
    } while (this.another(CLOSE_BRACE));
  }

  #skipList(depth: number): void {
    this.#checkDepth(depth);
    this.pos++;
    if (this.take(CLOSE_BRACKET)) return;
    do this.skipValue(depth);
    while (this.another(CLOSE_BRACKET));
  }

  #checkDepth(depth: number): void {
    if (depth > MAX_DEPTH) throw new RowError(`instance: found more than ${MAX_DEPTH} nested levels, expected fewer`);
  }

  #skipWord(word: string): void {
    for (let i = 1; i < word.length; i++) {
      if (this.bytes[this.pos + i] !== word.charCodeAt(i)) throw this.malformed('a value');
    }
    this.pos += word.length;
  }

  #escapeEnd(backslash: number): number {
    const c = this.bytes[backslash + 1];
    if (ESCAPES.has(c)) return backslash + 2;
    if (c !== LOWER_U) throw this.malformed('an escape', backslash + 1);
    for (let p = backslash + 2; p < backslash + 6; p++) {
      if (!isHexDigit(this.bytes[p])) throw this.malformed('a hexadecimal digit', p);
    }
    return backslash + 6;
  }
}

function isHexDigit(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const lower = byte | 32;
  return (byte >= ZERO && byte <= NINE) || (lower >= 97 && lower <= 102);
}
