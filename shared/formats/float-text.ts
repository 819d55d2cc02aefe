import { DOT, LOWER_E, MINUS, PLUS, ZERO } from './ascii.ts';
import type { ByteWriter } from './byte-writer.ts';

const MAX_POWER = 60;
/** 10^-60 … 10^60 at their exponent plus 60. */
const TENS = Float64Array.from({ length: 2 * MAX_POWER + 1 }, (_, index) => Number(`1e${index - MAX_POWER}`));
/** Powers of ten up to here are exact in a double. */
const MAX_EXACT_POWER = 22;
/** More than the relative error of a decimal computed with an inexact power. */
const SLACK = 2 ** -50;
/** The least float32 with all its bits; below, decimals of six digits may be more than it takes. */
const LEAST_NORMAL = 2 ** -126;
/** Integers up to 2^24 are their own shortest text. */
const GREATEST_INTEGER = 16_777_216;
const FEWEST_DIGITS = 6;
const MOST_DIGITS = 9;
/** Bytes of the longest text of an integer below 2^53 or a float32, and some. */
const MOST_BYTES = 40;
/** JavaScript writes numbers from 1e-6 to below 1e21 without an exponent. */
const LEAST_POINT = -6;
const GREATEST_POINT = 21;

/** A float32 and its bits. */
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);
/** By the exponent bits of a float32: the decimal exponent of the power of two. */
const DECIMAL_EXPONENTS = Int8Array.from({ length: 256 }, (_, exponent) =>
  Math.floor(Math.log10(2) * (exponent - 127)),
);

/** Writes NaN and the infinities as strings, as proto3 JSON does. */
function writeSpecial(out: ByteWriter, value: number): void {
  out.ascii(Number.isNaN(value) ? '"NaN"' : value > 0 ? '"Infinity"' : '"-Infinity"');
}

export function writeFloat64(out: ByteWriter, value: number): void {
  if (Number.isFinite(value)) out.ascii(Object.is(value, -0) ? '-0' : String(value));
  else writeSpecial(out, value);
}

/**
 * Writes a float32, or a float16, as the shortest decimal that reads back to the same float32 (by Math.fround of the double that JSON readers make of it), formatted as
 * JavaScript formats numbers.
 *
 * Decimals of six digits lie further apart than the numbers that round to one float32: at most one of them reads back, and what is shorter is
 * one of them with zeros at its end. If none does, seven digits may, else eight; nine always do. The numbers that round to a float32
 * reach equally far to both sides of it, except at powers of two: else more digits only come nearer, and the search may start in the middle.
 */
export function writeFloat32(out: ByteWriter, value: number): void {
  const negative = value < 0;
  const magnitude = negative ? -value : value;
  if (magnitude <= GREATEST_INTEGER && magnitude === Math.trunc(magnitude)) {
    if (negative || Object.is(value, -0)) out.byte(MINUS);
    writeInteger(out, magnitude);
    return;
  }
  if (!(magnitude >= LEAST_NORMAL && magnitude < Number.POSITIVE_INFINITY)) {
    if (Number.isFinite(value)) out.ascii(shortestText(value));
    else writeSpecial(out, value);
    return;
  }
  float[0] = magnitude;
  const pattern = bits[0] as number;
  let exponent = DECIMAL_EXPONENTS[pattern >>> 23] as number;
  if (magnitude >= (TENS[exponent + 1 + MAX_POWER] as number)) exponent++;
  const isPowerOfTwo = (pattern & 0x7fffff) === 0;
  let count = isPowerOfTwo ? FEWEST_DIGITS : MOST_DIGITS - 1;
  let digits = digitsReadingBack(magnitude, count - 1 - exponent);
  if (digits === NONE) {
    do digits = digitsReadingBack(magnitude, ++count - 1 - exponent);
    while (digits === NONE);
  } else if (!isPowerOfTwo) {
    while (count > FEWEST_DIGITS && digits >= 0) {
      const fewer = digitsReadingBack(magnitude, count - 2 - exponent);
      if (fewer === NONE) break;
      digits = fewer;
      count--;
    }
  }
  if (digits === UNSURE) out.ascii(shortestText(value));
  else {
    if (negative) out.byte(MINUS);
    writeDecimal(out, digits, count - 1 - exponent);
  }
}

const NONE = -1;
const UNSURE = -2;

/**
 * The digits of the magnitude rounded to so many decimals (negative: to tens, hundreds, …) where that reads back to it; else NONE. Up to
 * 10^22 one operation on two exact numbers rounds as a reader of the text does; beyond, UNSURE tells of those too near the middle.
 */
function digitsReadingBack(magnitude: number, decimals: number): number {
  if (decimals >= 0 && decimals <= MAX_EXACT_POWER) {
    const unit = TENS[MAX_POWER + decimals] as number;
    const digits = Math.round(magnitude * unit);
    return Math.fround(digits / unit) === magnitude ? digits : NONE;
  }
  const unit = TENS[MAX_POWER - decimals] as number;
  const digits = Math.round(magnitude / unit);
  const value = digits * unit;
  const read = Math.fround(value);
  if (decimals > MAX_EXACT_POWER || decimals < -MAX_EXACT_POWER) {
    if (Math.fround(value * (1 + SLACK)) !== Math.fround(value * (1 - SLACK))) return UNSURE;
  }
  return read === magnitude ? digits : NONE;
}

function shortestText(value: number): string {
  for (let count = 1; count < MOST_DIGITS; count++) {
    const candidate = Number(value.toPrecision(count));
    if (Math.fround(candidate) === value) return String(candidate);
  }
  return String(Number(value.toPrecision(MOST_DIGITS)));
}

/** Writes `digits` (at most 10^9) times 10^-decimals as JavaScript does. */
function writeDecimal(out: ByteWriter, digits: number, decimals: number): void {
  let rest = digits | 0;
  let last = decimals;
  while (rest % 10 === 0) {
    rest = (rest / 10) | 0;
    last--;
  }
  const size = digitCount(rest);
  // The decimal point stands after so many of the digits.
  const point = size - last;
  const bytes = out.reserve(MOST_BYTES);
  const start = out.length;
  if (point > 0 && point <= GREATEST_POINT) {
    if (last > 0) {
      putDigits(bytes, start + size + 1, rest, last);
      bytes[start + point] = DOT;
      putDigits(bytes, start + point, Math.trunc(rest / (TENS[MAX_POWER + last] as number)), point);
      out.length = start + size + 1;
    } else {
      putDigits(bytes, start + size, rest, size);
      bytes.fill(ZERO, start + size, start + point);
      out.length = start + point;
    }
  } else if (point <= 0 && point > LEAST_POINT) {
    bytes[start] = ZERO;
    bytes[start + 1] = DOT;
    for (let p = point; p < 0; p++) bytes[start + 2 - point + p] = ZERO;
    out.length = start + 2 + last;
    putDigits(bytes, out.length, rest, size);
  } else {
    const fraction = size > 1 ? 1 : 0;
    putDigits(bytes, start + size + fraction, rest, size - 1);
    if (fraction > 0) bytes[start + 1] = DOT;
    bytes[start] = ZERO + Math.trunc(rest / (TENS[MAX_POWER + size - 1] as number));
    out.length = start + size + fraction;
    out.byte(LOWER_E);
    out.byte(point > 0 ? PLUS : MINUS);
    writeInteger(out, Math.abs(point - 1));
  }
}

/** Writes an integer from 0 to 2^53. */
export function writeInteger(out: ByteWriter, value: number): void {
  if (value > 0x7fffffff) {
    out.ascii(String(value));
    return;
  }
  const size = digitCount(value);
  putDigits(out.reserve(size), out.length + size, value, size);
  out.length += size;
}

/** Puts the last `count` digits of an integer below 2^31, the last one before `end`. */
function putDigits(bytes: Buffer, end: number, value: number, count: number): void {
  let rest = value | 0;
  for (let p = end - 1; p >= end - count; p--) {
    const next = (rest / 10) | 0;
    bytes[p] = ZERO + (rest - next * 10);
    rest = next;
  }
}

/** The number of digits of an integer from 0 to below 2^31. */
function digitCount(value: number): number {
  let count = 1;
  while (count < 10 && value >= (TENS[MAX_POWER + count] as number)) count++;
  return count;
}
