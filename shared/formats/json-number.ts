import { DOT, LOWER_E, MINUS, NINE, PLUS, UPPER_E, ZERO } from './ascii.ts';

/** The end of the JSON number that begins at `start`; where there is none, the bitwise complement of the offending byte's offset. */
export function numberEnd(bytes: Uint8Array, start: number): number {
  let p = bytes[start] === MINUS ? start + 1 : start;
  const first = p;
  p = digitsEnd(bytes, p);
  if (p === first) return ~p;
  if (bytes[first] === ZERO && p > first + 1) return first + 1;
  if (bytes[p] === DOT) {
    const end = digitsEnd(bytes, p + 1);
    if (end === p + 1) return ~end;
    p = end;
  }
  if (bytes[p] === LOWER_E || bytes[p] === UPPER_E) {
    const sign = bytes[p + 1];
    const digits = sign === PLUS || sign === MINUS ? p + 2 : p + 1;
    p = digitsEnd(bytes, digits);
    if (p === digits) return ~p;
  }
  return p;
}

function digitsEnd(bytes: Uint8Array, start: number): number {
  let p = start;
  let c = bytes[p] as number;
  while (c >= ZERO && c <= NINE) c = bytes[++p] as number;
  return p;
}
