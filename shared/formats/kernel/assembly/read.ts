/* eslint-disable -- AssemblyScript: its types are none of TypeScript's */
// @ts-nocheck
import { DONE, GREATEST_EXACT_POWER, LEAST_POWER, power } from './tables';

const SPACE: u8 = 32;
const PLUS: u8 = 43;
const COMMA: u8 = 44;
const MINUS: u8 = 45;
const DOT: u8 = 46;
const ZERO: u8 = 48;
const LOWER_CASE: u8 = 32;
const LOWER_E: u8 = 101;
/** A digit's character followed by a comma is this and the digit. */
const DIGIT_COMMA: u32 = 0x2c30;

/** Row k moves the lanes before lane k one up, over the point that stands in lane k. Row 16 moves nothing. */
const OVER_POINT = memory.data(17 * 16, 16);
for (let row = 0; row <= 16; row++) {
  for (let lane = 0; lane < 16; lane++) {
    store<u8>(OVER_POINT + 16 * row + lane, <u8>(row < 16 && lane <= row ? lane - 1 : lane));
  }
}
/** Sixteen bytes from offset n move the first n lanes to the end; lanes from 128 on read zero. */
const TO_END = memory.data<u8>([
  128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
  12, 13, 14, 15,
]);

/** Doubles count exactly up to 2^53. */
const MAX_EXACT: i64 = 9007199254740992;
/** 2^-50: more than the relative error of four roundings. */
const SLACK: f64 = 1.0 / 1125899906842624;
/** Less than the greatest float32, by more than that. */
const GREATEST_FLOAT: f64 = 3e38;

/** JavaScript's number of the text `[from, to)`: for the few that lie next to the middle of two float32. */
declare function exactly(from: usize, to: usize): f64;

/** All bits of the lanes that hold a digit's character: moved by 70, the ten are the greatest signed bytes. */
function digitLanes(text: v128): v128 {
  return i8x16.gt_s(i8x16.add(text, i8x16.splat(70)), i8x16.splat(117));
}

/** The number of sixteen digits, lanes of 0 to 9: pairs, fours and eights together (W. Muła, SIMD-ized parsing of integers, 2014). */
function sixteenDigits(digits: v128): i64 {
  const pairs = i16x8.add(i16x8.mul(v128.and(digits, i16x8.splat(0xff)), i16x8.splat(10)), i16x8.shr_u(digits, 8));
  const fours = i32x4.dot_i16x8_s(pairs, i32x4.splat(100 | (1 << 16)));
  const eights = i32x4.dot_i16x8_s(i16x8.narrow_i32x4_u(fours, fours), i32x4.splat(10000 | (1 << 16)));
  return <i64>i32x4.extract_lane(eights, 0) * 100000000 + <i64>i32x4.extract_lane(eights, 1);
}

/**
 * Reads numbers of JSON's grammar, each perhaps behind spaces and with a comma or `close` right after it, from a text that a newline
 * ends, as float32: always `Math.fround(Number(text))`. Stops before a number that is written otherwise or may overflow; and
 * behind `close`. Returns where it stopped; in DONE, how many numbers were written.
 *
 * Sixteen bytes are looked at once: the masks of their digits and points tell where the number ends, and two shuffles line its digits up.
 * Up to 2^53, digits count exactly, and dividing them by an exact power of ten rounds correctly (W. D. Clinger, How to read floating point
 * numbers accurately, 1990). Of longer numbers the first digits count: the value lies in a small interval, which nearly always rounds to one
 * float32 as a whole (D. Lemire, Number parsing at a gigabyte per second, 2021, on truncated digits).
 *
 * What varies from number to number is computed without branches: a mispredicted one costs more than the rest of the number.
 */
export function readFloats(from: usize, to: usize, most: i32, close: u32): usize {
  let p = from;
  let slot = to;
  const stop = to + ((<usize>most) << 2);
  while (slot < stop) {
    let s = p;
    while (load<u8>(s) == SPACE) s++;
    const short = <u32>load<u16>(s) - DIGIT_COMMA;
    if (short <= 9) {
      store<f32>(slot, <f32>short);
      slot += 4;
      p = s + 2;
      continue;
    }
    const text = v128.load(s);
    const digits = i8x16.sub(text, i8x16.splat(ZERO));
    const isDigit = digitLanes(text);
    // The first byte that is no digit of the number ends its whole part; if it is a point, the second ends the fraction.
    const negative = <u32>(load<u8>(s) == MINUS);
    let others = (<u32>i8x16.bitmask(isDigit)) ^ 0xffff ^ negative;
    const point = (<u32>i8x16.bitmask(i8x16.eq(text, i8x16.splat(DOT)))) & others & (0 - others);
    const whole = ctz(others);
    others ^= point;
    const hasExtraZero = (<u32>(whole > negative + 1)) & (<u32>(load<u8>(s + negative) == ZERO));
    if ((<u32>(whole == negative)) | hasExtraZero) break;
    let mantissa: i64;
    /** The value is mantissa / 10^scale, or up to `rest` more of the mantissa's last digit. */
    let scale: i32;
    let rest: f64 = 0;
    let q: usize = s;
    const isShort = others != 0;
    if (isShort) {
      const size = ctz(others);
      scale = select<i32>(size - whole - 1, 0, point != 0);
      if ((<i32>(point != 0)) & (<i32>(scale == 0))) break;
      const joined = i8x16.swizzle(
        v128.and(digits, isDigit),
        v128.load(OVER_POINT + (select<usize>(whole, 16, point != 0) << 4)),
      );
      mantissa = sixteenDigits(i8x16.swizzle(joined, v128.load(TO_END + size)));
      q += size;
    } else {
      if (point == 0 || whole > negative + 2) break;
      let lanes = s;
      do {
        lanes += 16;
        others = (<u32>i8x16.bitmask(digitLanes(v128.load(lanes)))) ^ 0xffff;
      } while (others == 0);
      const fraction = <u32>(lanes - s) + ctz(others) - whole - 1;
      scale = select<i32>(fraction, 16, fraction < 16);
      rest = <f64>(fraction > 16);
      let front = <i64>(load<u8>(s + negative) - ZERO);
      if (whole > negative + 1) front = front * 10 + (load<u8>(s + negative + 1) - ZERO);
      q += whole + 1;
      const counted = i8x16.swizzle(i8x16.sub(v128.load(q), i8x16.splat(ZERO)), v128.load(TO_END + scale));
      mantissa = front * <i64>power(scale) + sixteenDigits(counted);
      q += fraction;
    }
    let c = load<u8>(q);
    const hasExponent = (c | LOWER_CASE) == LOWER_E;
    let value: f64;
    if (isShort && !hasExponent) value = <f64>mantissa / power(scale);
    else {
      if (hasExponent) {
        c = load<u8>(++q);
        const down = c == MINUS;
        if (down || c == PLUS) c = load<u8>(++q);
        const first = q;
        let exponent: i32 = 0;
        while (<u8>(c - ZERO) <= 9 && q < first + 3) {
          exponent = exponent * 10 + (c - ZERO);
          c = load<u8>(++q);
        }
        if (q == first) break;
        scale -= down ? -exponent : exponent;
        if (scale > -LEAST_POWER || scale < -GREATEST_EXACT_POWER) break;
      }
      value = scale < 0 ? <f64>mantissa * power(-scale) : <f64>mantissa / power(scale);
      if (value > GREATEST_FLOAT) break;
      const least = value * (1 - SLACK);
      const greatest = (value + rest * power(-scale)) * (1 + SLACK);
      if (<f32>least != <f32>greatest && (rest != 0 || mantissa > MAX_EXACT || scale > GREATEST_EXACT_POWER)) {
        value = exactly(s + negative, q);
      }
    }
    if (c != COMMA && c != close) break;
    store<u32>(slot, reinterpret<u32>(<f32>value) | (negative << 31));
    slot += 4;
    p = q + 1;
    if (c != COMMA) break;
  }
  store<i32>(DONE, <i32>((slot - to) >> 2));
  return p;
}
