import { CLOSE_BRACKET, COMMA, MINUS, NINE, QUOTE, ZERO } from './ascii.ts';
import { TypedColumn } from './columns.ts';
import { END } from './json-reader.ts';
import type { JsonReader } from './json-reader.ts';
import { kernel } from './kernel/kernel.ts';
import { excerpt, unexpected } from './row-error.ts';

/** So many numbers are copied faster one by one. */
const SHORT_LIST = 32;

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

/**
 * float32 elements: the hot path of most models, so the kernel reads the numbers of a list, and here only those that it leaves. The result is
 * always `Math.fround(Number(text))`.
 */
export class Float32Column extends FloatColumn<'float32'> {
  override elements(json: JsonReader, subject: string): void {
    do {
      if (this.#run(json, CLOSE_BRACKET, Number.POSITIVE_INFINITY) > 0 && json.bytes[json.pos - 1] === CLOSE_BRACKET)
        return;
      json.peek();
      this.element(json, subject);
    } while (json.another(CLOSE_BRACKET));
  }

  override cells(json: JsonReader, subject: string, count: number): boolean {
    let left = count;
    do {
      left -= this.#run(json, COMMA, left - 1) + 1;
      json.peek();
      this.element(json, subject);
    } while (left > 0 && json.another(END));
    return true;
  }

  /** Appends `width` numbers of each of so many rows that the kernel read, rows of `stride` numbers, in them from `first` on. */
  takeRows(rows: number, first: number, width: number, stride: number): void {
    if (width === stride) {
      this.#take(rows * width);
      return;
    }
    const data = this.#room(rows * width);
    let to = this.length;
    for (let row = 0; row < rows; row++) {
      const from = row * stride + first;
      for (let index = from; index < from + width; index++) data[to++] = kernel.numbers[index] as number;
    }
    this.length = to;
  }

  /** Reads the numbers that are next, each with the comma or `close` behind it, as far as the kernel does; returns how many. */
  #run(json: JsonReader, close: number, most: number): number {
    const { floats } = json;
    if (floats?.bytes !== json.bytes) return 0;
    let count = 0;
    for (;;) {
      const read = floats.read(json.pos, most - count, close);
      if (read === 0) return count;
      json.pos = floats.pos;
      this.#take(read);
      count += read;
      if (close === CLOSE_BRACKET && json.bytes[json.pos - 1] === close) return count;
    }
  }

  #take(count: number): void {
    const data = this.#room(count);
    if (count <= SHORT_LIST) {
      for (let index = 0; index < count; index++) data[this.length + index] = kernel.numbers[index] as number;
    } else data.set(kernel.numbers.subarray(0, count), this.length);
    this.length += count;
  }

  #room(count: number): Float32Array {
    let { data } = this;
    while (data.length < this.length + count) data = this.grow();
    return data;
  }
}
