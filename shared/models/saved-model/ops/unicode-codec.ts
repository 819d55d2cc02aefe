import { graphError } from '../op-tensor.ts';

/** The code of bytes that are no character. */
export const INVALID = -1;

export interface CodePoint {
  readonly code: number;
  /** The byte where it begins. */
  readonly start: number;
}

/**
 * The code points of a text, with INVALID for each part of it that is none.
 * @throws PermanentError INVALID_ARGUMENT of an encoding that is not read here.
 */
export function decodeUnicode(bytes: Uint8Array, encoding: string): CodePoint[] {
  switch (encoding.toUpperCase()) {
    case 'UTF-8':
    case 'UTF8':
      return decodeUtf8(bytes);
    case 'UTF-16-BE':
    case 'UTF-16BE':
      return decodeUtf16(bytes);
    case 'UTF-32-BE':
    case 'UTF-32BE':
      return decodeUtf32(bytes);
    case 'US-ASCII':
    case 'ASCII':
      return Array.from(bytes, (byte, start) => ({ code: byte < 0x80 ? byte : INVALID, start }));
    case 'ISO-8859-1':
    case 'LATIN1':
      return Array.from(bytes, (code, start) => ({ code, start }));
    default:
      throw graphError(
        `the encoding ${encoding} is not read here; expected UTF-8, UTF-16-BE, UTF-32-BE, US-ASCII or ISO-8859-1`,
      );
  }
}

export function encodeUnicode(codes: readonly number[], encoding: string): Uint8Array {
  switch (encoding) {
    case 'UTF-8':
      return Buffer.from(textOf(codes), 'utf8');
    case 'UTF-16-BE':
      return Buffer.from(textOf(codes), 'utf16le').swap16();
    case 'UTF-32-BE': {
      const out = Buffer.alloc(4 * codes.length);
      codes.forEach((code, i) => out.writeUInt32BE(code, 4 * i));
      return out;
    }
    default:
      throw graphError(`the encoding ${encoding}; expected UTF-8, UTF-16-BE or UTF-32-BE`);
  }
}

/** Piece by piece: a call takes only so many arguments. */
function textOf(codes: readonly number[]): string {
  return codes.map((code) => String.fromCodePoint(code)).join('');
}

/** As ICU reads it: of what is broken, the longest part that could have begun a character is one. Unicode 16, table 3-8. */
function decodeUtf8(bytes: Uint8Array): CodePoint[] {
  const points: CodePoint[] = [];
  for (let at = 0; at < bytes.length;) {
    const start = at;
    const first = bytes[at++] ?? 0;
    const more = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
    let code = more <= 0 ? first : first & (0x3f >> more);
    let read = 0;
    while (read < more && continues(first, read, bytes[at])) {
      code = (code << 6) | ((bytes[at++] ?? 0) & 0x3f);
      read++;
    }
    points.push({ code: more < 0 || read < more ? INVALID : code, start });
  }
  return points;
}

/** Whether a byte goes on with a character: the second one's range depends on the first (no surrogates, nothing longer than it must be). */
function continues(first: number, read: number, byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const least = read === 0 && first === 0xe0 ? 0xa0 : read === 0 && first === 0xf0 ? 0x90 : 0x80;
  const most = read === 0 && first === 0xed ? 0x9f : read === 0 && first === 0xf4 ? 0x8f : 0xbf;
  return byte >= least && byte <= most;
}

function decodeUtf16(bytes: Uint8Array): CodePoint[] {
  const points: CodePoint[] = [];
  const unit = (at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  for (let at = 0; at < bytes.length;) {
    const start = at;
    const high = unit(at);
    const whole = at + 2 <= bytes.length;
    at += 2;
    if (!whole || (high >= 0xdc00 && high <= 0xdfff)) points.push({ code: INVALID, start });
    else if (high >= 0xd800 && high <= 0xdbff) {
      const low = at + 2 <= bytes.length ? unit(at) : 0;
      const pairs = low >= 0xdc00 && low <= 0xdfff;
      // What is left of a pair that was cut belongs to it.
      if (pairs || at + 2 > bytes.length) at += 2;
      points.push({ code: pairs ? 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00) : INVALID, start });
    } else points.push({ code: high, start });
  }
  return points;
}

function decodeUtf32(bytes: Uint8Array): CodePoint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: Math.ceil(bytes.length / 4) }, (_, i) => {
    const code = 4 * i + 4 <= bytes.length ? view.getUint32(4 * i) : INVALID;
    return { code: code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? INVALID : code, start: 4 * i };
  });
}
