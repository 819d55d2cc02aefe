import { CLOSE_BRACKET, COMMA, DOT, LOWER_E, MINUS, NINE, QUOTE, SPACE, UPPER_E, ZERO } from './ascii.ts';
import { TypedColumn } from './columns.ts';
import { END } from './json-reader.ts';
import type { JsonReader } from './json-reader.ts';
import { excerpt, unexpected } from './row-error.ts';

type FloatDType = 'float16' | 'float32' | 'float64';

/** How proto3 JSON writes what JSON numbers cannot. */
const SPECIALS: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** Floating-point elements: JSON numbers, and the strings "NaN", "Infinity" and "-Infinity". */
export class FloatColumn<D extends FloatDType = FloatDType> extends TypedColumn<D> {
  override element(json: JsonReader, subject: string): void {
    this.push(this.read(json, subject));
  }

  /** The value at the reader's position. @throws RowError where it is none, or overflows the dtype. */
  protected read(json: JsonReader, subject: string): number {
    const start = json.pos;
    const c = json.bytes[start] as number;
    if (c === QUOTE) return this.#special(json, subject);
    if (c !== MINUS && !(c >= ZERO && c <= NINE)) throw this.refuse(json, subject);
    const value = json.number();
    if (!Number.isFinite(this.#rounded(value))) {
      throw unexpected(subject, excerpt(json.bytes, start, json.pos), `a number in the range of ${this.dtype}`);
    }
    return value;
  }

  protected push(value: number): void {
    const data = this.length < this.data.length ? this.data : this.grow();
    data[this.length++] = value;
  }

  #rounded(value: number): number {
    if (this.dtype === 'float64') return value;
    return this.dtype === 'float32' ? Math.fround(value) : Math.f16round(value);
  }

  #special(json: JsonReader, subject: string): number {
    const start = json.pos;
    const escaped = json.skipString();
    const value = SPECIALS.get(json.text(start, json.pos, escaped));
    if (value === undefined) throw unexpected(subject, excerpt(json.bytes, start, json.pos), this.expected);
    return value;
  }
}

/** Powers of ten that a double holds exactly. */
const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const MAX_WHOLE_DIGITS = 9;
/** Digits after the point that are counted; more than a float32 needs, and a multiple of a word. */
const MAX_FRACTION_DIGITS = 12;
const SLACK = 2 ** -48;
const ABOVE = 1 + SLACK;
const BELOW = 1 - SLACK;
/**
 * How four digits are read as one word, first digit in the lowest byte. Without the bits of '0', a digit's byte is at most 9; adding
 * `OVER_NINE` sets the high bit of all others (and carries only into what follows the first of them).
 */
const ZEROS = 0x30303030;
const OVER_NINE = 0x76767676;
const HIGH_BITS = 0x80808080 | 0;
const EVEN_BYTES = 0x00ff00ff;

/**
 * float32 elements: the hot path of most models, so the numbers of a list are read in one loop. The result is always
 * `Math.fround(Number(text))`. Up to 2^53 the digits count exactly and one division rounds correctly. Of longer numbers only the first
 * digits are counted, so the value lies in a small interval; it rounds as a whole to one float32 unless that lies next to the middle
 * between two. Those few, and exponents, go the exact way.
 *
 * Digits after the point are taken four at a time: D. Lemire, Quickly parsing eight digits, 2018.
 */
export class Float32Column extends FloatColumn<'float32'> {
  override elements(json: JsonReader, subject: string): void {
    this.#run(json, subject, CLOSE_BRACKET, Number.POSITIVE_INFINITY);
  }

  /** Reads so many numbers that commas separate, to behind the comma after the last of them or to the end of the text. */
  override cells(json: JsonReader, subject: string, count: number): boolean {
    json.peek();
    this.#run(json, subject, END, count);
    return true;
  }

  #run(json: JsonReader, subject: string, close: number, most: number): void {
    const { bytes, view } = json;
    const lastWord = bytes.length - 4;
    const stop = this.length + most;
    let data = this.data;
    let length = this.length;
    let p = json.pos;
    let c: number;
    do {
      c = bytes[p] as number;
      if (c <= SPACE) {
        json.pos = p;
        c = json.peek();
        p = json.pos;
      }
      const start = p;
      const negative = c === MINUS;
      if (negative) c = bytes[++p] as number;
      const first = p;
      let value = 0;
      let hard = false;
      if (c === ZERO) c = bytes[++p] as number;
      else {
        let whole = 0;
        while (c >= ZERO && c <= NINE) {
          whole = (Math.imul(whole, 10) + (c - ZERO)) | 0;
          c = bytes[++p] as number;
        }
        // No digit, or too many: the exact way says what it is.
        hard = p === first || p - first > MAX_WHOLE_DIGITS;
        value = whole;
      }
      if (c === DOT) {
        const point = ++p;
        let mantissa = 0;
        while (p <= lastWord && p - point < MAX_FRACTION_DIGITS) {
          let digits = view.getInt32(p, true) ^ ZEROS;
          const others = ((digits + OVER_NINE) | digits) & HIGH_BITS;
          let count = 4;
          if (others !== 0) {
            count = (31 - Math.clz32(others & -others)) >>> 3;
            digits = (digits << 8) << (24 - 8 * count);
          }
          const pairs = (Math.imul(digits, 10) + (digits >>> 8)) & EVEN_BYTES;
          mantissa = mantissa * (POWERS_OF_TEN[count] as number) + ((pairs & 0xff) * 100 + (pairs >>> 16));
          p += count;
          if (count < 4) break;
        }
        c = bytes[p] as number;
        // Where no word is left: the last bytes of the text.
        while (c >= ZERO && c <= NINE && p - point < MAX_FRACTION_DIGITS) {
          mantissa = mantissa * 10 + (c - ZERO);
          c = bytes[++p] as number;
        }
        const counted = p - point;
        const unit = POWERS_OF_TEN[counted] as number;
        mantissa += value * unit;
        value = mantissa / unit;
        if (mantissa > Number.MAX_SAFE_INTEGER) {
          hard ||= Math.fround(value * ABOVE) !== Math.fround(value * BELOW);
        } else if (c >= ZERO && c <= NINE) hard ||= Math.fround(value) !== Math.fround((mantissa + 1) / unit);
        else hard ||= counted === 0;
        while (c >= ZERO && c <= NINE) {
          if (p <= lastWord) {
            const digits = view.getInt32(p, true) ^ ZEROS;
            const others = ((digits + OVER_NINE) | digits) & HIGH_BITS;
            p += others === 0 ? 4 : (31 - Math.clz32(others & -others)) >>> 3;
          } else p++;
          c = bytes[p] as number;
        }
      }
      if (hard || c === LOWER_E || c === UPPER_E) {
        json.pos = start;
        value = this.read(json, subject);
        p = json.pos;
        c = bytes[p] as number;
      } else if (negative) value = -value;
      if (length === data.length) data = this.grow();
      data[length++] = value;
      if (c !== COMMA && c !== close) {
        json.pos = p;
        c = json.another(close) ? COMMA : close;
        p = json.pos - 1;
      }
      p++;
    } while (c === COMMA && length < stop);
    json.pos = p;
    this.length = length;
  }
}
