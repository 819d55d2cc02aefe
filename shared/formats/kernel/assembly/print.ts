/* eslint-disable -- AssemblyScript: its types are none of TypeScript's */
// @ts-nocheck
import { DONE, power } from './tables';

const COMMA: u8 = 44;
const MINUS: u8 = 45;
const DOT: u8 = 46;
const ZERO: u8 = 48;
const LOWER_E: u8 = 101;
const ZEROS: u64 = 0x3030303030303030;
/** `0.000000` */
const ZERO_POINT_ZEROS: u64 = 0x3030303030302e30;

const LEAST_NORMAL: u32 = 0x00800000;
const FRACTION_BITS: u32 = 0x007fffff;
/** 2^24: integers up to here are their own shortest text. */
const GREATEST_INTEGER: f32 = 16777216;
/** More than the error of a product that has nine digits before the point. */
const SLACK: f64 = 1.0 / 1048576;

/** The eight decimal digits of a number, the first in the lowest byte: P. Khuong, How to print integers really fast, 2017. */
function eightDigits(value: u32): u64 {
  const high = value / 10000;
  const fours = (<u64>high) | ((<u64>(value - high * 10000)) << 32);
  const hundreds = ((fours * 10486) >> 20) & 0x0000007f0000007f;
  const pairs = ((fours - hundreds * 100) << 16) + hundreds;
  const tens = ((pairs * 103) >> 10) & 0x000f000f000f000f;
  return tens + ((pairs - tens * 10) << 8);
}

/**
 * Prints float32 numbers with commas between them, each as writeFloat32 of float-text.ts does: the shortest decimal that reads back, of those
 * the nearest, formatted as JavaScript formats numbers. Stops before a number above 2^24, a denormal, what is none, and where rounding errors
 * could decide. Returns the text's end; in DONE, how many were printed.
 *
 * Scaled to nine digits before the point, what reads back to the number lies less than 60 to both sides of it (half that below a power of
 * two). So the text is the nearest multiple of 1000 that lies so near (at most one does; it may end in more zeros), else the nearest of 100, of
 * 10, or the nearest integer. All four are computed and one is selected: which it is, is unpredictable.
 */
export function printFloats(from: usize, count: i32, to: usize): usize {
  let p = to;
  let end = p;
  let slot = from;
  const stop = from + ((<usize>count) << 2);
  while (slot < stop) {
    const bits = load<u32>(slot) & 0x7fffffff;
    const magnitude = reinterpret<f32>(bits);
    store<u8>(p, MINUS);
    p += load<u32>(slot) >> 31;
    if (magnitude <= GREATEST_INTEGER && magnitude == trunc(magnitude)) {
      const digits = eightDigits(<u32>magnitude);
      const zeros = ctz(digits | (1 << 56)) >> 3;
      store<u64>(p, (digits | ZEROS) >> (zeros << 3));
      p += <usize>(8 - zeros);
    } else {
      // Not so, too: NaN.
      if (!(bits >= LEAST_NORMAL && magnitude <= GREATEST_INTEGER)) break;
      const binary = <i32>(bits >> 23) - 127;
      const value = <f64>magnitude;
      // The decimal exponent of the power of two is that by log10(2); the number's may be one more.
      let exponent = (binary * 78913) >> 18;
      exponent += <i32>(value >= power(exponent + 1));
      const unit = power(8 - exponent);
      const scaled = value * unit;
      // Half of 2^(binary - 23), the distance to the next float32; half of that below a power of two.
      const above = reinterpret<f64>((<u64>(1023 + binary - 24)) << 52) * unit;
      const below = select<i32>(25, 24, (bits & FRACTION_BITS) == 0);
      const inside = reinterpret<f64>((<u64>(1023 + binary - below)) << 52) * unit - SLACK;
      const outside = above + SLACK;
      const by1 = nearest(scaled);
      const by10 = nearest(scaled * 0.1) * 10;
      const by100 = nearest(scaled * 0.01) * 100;
      const by1000 = nearest(scaled * 0.001) * 1000;
      const off1 = abs(scaled - by1);
      const off10 = abs(scaled - by10);
      const off100 = abs(scaled - by100);
      const off1000 = abs(scaled - by1000);
      const is10 = <i32>(off10 < inside);
      const is100 = <i32>(off100 < inside);
      const is1000 = <i32>(off1000 < inside);
      const atEdge =
        ((<i32>(off10 < outside)) ^ is10) | ((<i32>(off100 < outside)) ^ is100) | ((<i32>(off1000 < outside)) ^ is1000);
      const atMiddle =
        ((<i32>(off1 > 0.5 - SLACK)) & ~is10) |
        ((<i32>(off10 > 5 - SLACK)) & is10) |
        ((<i32>(off100 > 50 - SLACK)) & is100);
      if (atEdge | atMiddle) break;
      let nine = select<i32>(<i32>by10, <i32>by1, is10);
      nine = select<i32>(<i32>by100, nine, is100);
      nine = select<i32>(<i32>by1000, nine, is1000);
      if (nine == 1000000000) {
        nine = 100000000;
        exponent++;
      }
      const first = nine / 100000000;
      const others = eightDigits(nine - first * 100000000);
      const size = 9 - <i32>(clz(others) >> 3);
      p = putDecimal(p, <u8>first + ZERO, others | ZEROS, size, exponent);
    }
    end = p;
    store<u8>(p++, COMMA);
    slot += 4;
  }
  store<i32>(DONE, <i32>((slot - from) >> 2));
  return end;
}

/** Puts a decimal of `size` digits, the first of which stands for 10^exponent, an exponent of at most 6; returns its end. */
function putDecimal(to: usize, first: u8, others: u64, size: i32, exponent: i32): usize {
  let p = to;
  if (exponent >= 0) {
    // No integer: it has a digit after the point.
    store<u8>(p, first);
    store<u64>(p + 1, others);
    store<u64>(p + 2 + exponent, others >> (exponent << 3));
    store<u8>(p + 1 + exponent, DOT);
    return p + size + 1;
  }
  if (exponent >= -6) {
    store<u64>(p, ZERO_POINT_ZEROS);
    p += 1 - exponent;
    store<u8>(p, first);
    store<u64>(p + 1, others);
    return p + size;
  }
  store<u8>(p, first);
  store<u8>(p + 1, DOT);
  store<u64>(p + 2, others);
  p += size + <i32>(size > 1);
  store<u8>(p++, LOWER_E);
  store<u8>(p++, MINUS);
  if (exponent <= -10) store<u8>(p++, <u8>(-exponent / 10) + ZERO);
  store<u8>(p++, <u8>(-exponent % 10) + ZERO);
  return p;
}
