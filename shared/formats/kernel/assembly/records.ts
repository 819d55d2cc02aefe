/* eslint-disable -- AssemblyScript: its types are none of TypeScript's */
// @ts-nocheck
import { readFloats } from './read';
import { DONE } from './tables';

/** What follows the literal of a step: record-program.ts knows them by the same numbers; 1 is a scalar that is skipped. */
const END = 0;
const KEY = 2;
const LIST = 3;
const NUMBER = 4;

const LF: u8 = 10;
const CR: u8 = 13;
const SPACE: u8 = 32;
const QUOTE: u8 = 34;
const MINUS: u8 = 45;
const DOT: u8 = 46;
const ZERO: u8 = 48;
const BACKSLASH: u8 = 92;
const CLOSE_BRACKET: u8 = 93;
const CLOSE_BRACE: u8 = 125;

/** A step is its kind, how many numbers it takes, the size of its literal, and from here the literal, padded. */
const LITERAL: usize = 16;
const LANES: usize = 16;

let keyStart: usize = 0;
let keyEnd: usize = 0;

/**
 * Reads lines by a program: their numbers to `numbers`, their labels (the key or, to echo it, the record) to `[labels, labelsEnd)`, and where
 * each label ends, counted from `firstLabel`, to `labelEnds`. Stops before a line that does not follow the program. Returns where it stopped; in
 * DONE, how many records there were.
 */
export function readRecords(
  program: usize,
  from: usize,
  end: usize,
  numbers: usize,
  labels: usize,
  labelsEnd: usize,
  labelEnds: usize,
  firstLabel: i32,
  most: i32,
  maxBytes: i32,
  echo: bool,
): usize {
  let p = from;
  let slot = numbers;
  let label = labels;
  let rows = 0;
  for (; rows < most; rows++) {
    keyStart = keyEnd = p;
    const q = recordEnd(program, p, slot);
    if (q == 0) break;
    const newline = q + <usize>(load<u8>(q) == CR);
    if (newline >= end || load<u8>(newline) != LF || newline - p > <usize>maxBytes) break;
    if (echo) {
      keyStart = p;
      keyEnd = q;
    }
    const size = keyEnd - keyStart;
    if (label + size + LANES > labelsEnd) break;
    for (let i: usize = 0; i < size; i += LANES) v128.store(label + i, v128.load(keyStart + i));
    label += size;
    store<i32>(labelEnds + ((<usize>rows) << 2), firstLabel + <i32>(label - labels));
    slot += load<i32>(DONE) << 2;
    p = newline + 1;
  }
  store<i32>(DONE, rows);
  return p;
}

/** Reads one record by the program; returns the end of its text, and in DONE how many numbers it has. 0 where it is another kind of record. */
function recordEnd(program: usize, from: usize, numbers: usize): usize {
  let p = from;
  let step = program;
  let slot = numbers;
  for (;;) {
    const kind = load<i32>(step);
    const size = <usize>load<i32>(step, 8);
    if (!isNext(p, step + LITERAL, size)) return 0;
    p += size;
    if (kind == END) break;
    if (kind >= LIST) {
      const width = load<i32>(step, 4);
      p = readFloats(p, slot, width, kind == LIST ? CLOSE_BRACKET : CLOSE_BRACE);
      if (load<i32>(DONE) != width) return 0;
      if (kind == NUMBER) p--;
      else if (load<u8>(p - 1) != CLOSE_BRACKET) return 0;
      slot += (<usize>width) << 2;
    } else {
      const scalar = p;
      p = load<u8>(p) == QUOTE ? stringEnd(p) : numberEnd(p);
      if (p == 0) return 0;
      if (kind == KEY) {
        keyStart = scalar;
        keyEnd = p;
      }
    }
    step += LITERAL + ((size + LANES - 1) & ~(LANES - 1));
  }
  store<i32>(DONE, <i32>((slot - numbers) >> 2));
  return p;
}

function isNext(text: usize, literal: usize, size: usize): bool {
  for (let i: usize = 0; i < size; i += LANES) {
    const equal = i8x16.bitmask(i8x16.eq(v128.load(text + i), v128.load(literal + i)));
    const left = <i32>(size - i);
    const lanes = left < 16 ? (1 << left) - 1 : 0xffff;
    if ((equal & lanes) != lanes) return false;
  }
  return true;
}

/** The end of a string without escapes; else 0. */
function stringEnd(from: usize): usize {
  let p = from + 1;
  let c = load<u8>(p);
  while (c != QUOTE) {
    if (c == BACKSLASH || c < SPACE) return 0;
    c = load<u8>(++p);
  }
  return p + 1;
}

/** The end of a number without an exponent; 0 where there is none. What may not follow it is found by the literal that does not. */
function numberEnd(from: usize): usize {
  let p = from + <usize>(load<u8>(from) == MINUS);
  const first = p;
  if (load<u8>(p) == ZERO) p++;
  else p = digitsEnd(p);
  if (p == first) return 0;
  if (load<u8>(p) != DOT) return p;
  const fraction = ++p;
  p = digitsEnd(p);
  return p == fraction ? 0 : p;
}

function digitsEnd(from: usize): usize {
  let p = from;
  while (<u8>(load<u8>(p) - ZERO) <= 9) p++;
  return p;
}
