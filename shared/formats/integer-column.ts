import { MINUS, NINE, ZERO } from './ascii.ts';
import { TypedColumn } from './columns.ts';
import type { NumericDType } from './columns.ts';
import { exactInteger } from './integer-text.ts';
import type { JsonReader } from './json-reader.ts';
import { excerpt, unexpected } from './row-error.ts';

export type IntegerDType = Exclude<NumericDType, 'float16' | 'float32' | 'float64' | 'bool'>;

/** Bits and sign of an integer dtype, as its inclusive range. */
export function integerRange(dtype: IntegerDType): readonly [bigint, bigint] {
  const bits = BigInt(dtype.replace(/\D+/, ''));
  return dtype.startsWith('u') ? [0n, (1n << bits) - 1n] : [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
}

/** Longer plain digits may not be exact in a double. */
const SAFE_LENGTH = 15;

/** Integer elements, exact from their text: `1.0` and `1e3` are integers, `1.5` and what is out of range are errors. */
export class IntegerColumn<D extends IntegerDType> extends TypedColumn<D> {
  readonly #least: number;
  readonly #greatest: number;
  readonly #wide: boolean;

  constructor(dtype: D, expected: string, data: TypedColumn<D>['data']) {
    super(dtype, expected, data);
    const [least, greatest] = integerRange(dtype);
    this.#least = Number(least);
    this.#greatest = Number(greatest);
    this.#wide = dtype === 'int64' || dtype === 'uint64';
  }

  override element(json: JsonReader, subject: string): void {
    const { bytes, pos: start } = json;
    let p = start;
    let c = bytes[p] as number;
    const negative = c === MINUS;
    if (negative) c = bytes[++p] as number;
    const first = p;
    let value = 0;
    while (c >= ZERO && c <= NINE) {
      value = value * 10 + (c - ZERO);
      c = bytes[++p] as number;
    }
    if (p === first && !negative) throw this.refuse(json, subject);
    json.skipNumber();
    if (negative) value = -value;
    if (json.pos === p && p - first <= SAFE_LENGTH) {
      if (value < this.#least || value > this.#greatest) throw this.#outside(json, subject, start);
      this.#push(this.#wide ? BigInt(value) : value);
    } else this.#push(this.#exact(json, subject, start));
  }

  #exact(json: JsonReader, subject: string, start: number): number | bigint {
    const value = exactInteger(json.bytes.toString('latin1', start, json.pos));
    const [least, greatest] = integerRange(this.dtype);
    if (value === undefined || value < least || value > greatest) throw this.#outside(json, subject, start);
    return this.#wide ? value : Number(value);
  }

  #outside(json: JsonReader, subject: string, start: number): Error {
    return unexpected(subject, excerpt(json.bytes, start, json.pos), this.expected);
  }

  #push(value: number | bigint): void {
    const data = this.length < this.data.length ? this.data : this.grow();
    data[this.length++] = value;
  }
}
