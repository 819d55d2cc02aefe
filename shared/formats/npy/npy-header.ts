import { isUtf8 } from 'node:buffer';

import { PermanentError } from '../../errors.ts';
import { elementCount } from '../../tensor.ts';
import { asBuffer } from '../ascii.ts';
import type { RecordLayout } from '../format.ts';
import { parseElement } from './npy-element.ts';

/** A longer header is refused: NumPy's own reader takes 10,000 characters. */
const MAX_HEADER_BYTES = 64 * 1024;
/** NumPy's limit. */
const MAX_RANK = 64;
const MAGIC = Buffer.from('\x93NUMPY', 'latin1');

/** What an npy file says of its array. */
export interface NpyHeader {
  /** Bytes before the data. */
  readonly length: number;
  /** NumPy's name of the elements' type: `<f4`. */
  readonly element: string;
  /** Rows are along its first axis. */
  readonly shape: readonly [number, ...number[]];
  /** First axis fastest, and that makes a difference. */
  readonly columnMajor: boolean;
  readonly layout: RecordLayout;
}

/**
 * Reads the header of an npy file, versions 1 to 3: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * @param head the file's first bytes, at least `NPY_HEAD_BYTES` of them where it has so many.
 * @throws PermanentError INVALID_ARGUMENT where it is none, or its array has no rows along a first axis; UNIMPLEMENTED for elements that no model takes.
 */
export function readNpyHeader(head: Uint8Array): NpyHeader {
  const bytes = asBuffer(head);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    refuse('found other first bytes than \\x93NUMPY', 'write the file with numpy.save');
  const version = bytes[6] ?? 0;
  if (version < 1 || version > 3) refuse(`found format version ${version}`, 'versions 1 to 3 are read');
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) refuse('found its end within the header', 'the file is cut off');
  const length = start + (version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8));
  if (length > MAX_HEADER_BYTES)
    refuse(`found a header of ${length} bytes`, `at most ${MAX_HEADER_BYTES} are read: save the array anew`);
  if (bytes.length < length) refuse('found its end within the header', 'the file is cut off');
  const text = bytes.subarray(start, length);
  if (version === 3 && !isUtf8(text)) refuse('found a header that is not UTF-8', 'save the array anew');
  const { descr, columnMajor, shape } = parseDict(text.toString(version === 3 ? 'utf8' : 'latin1'));
  const [rows, ...rowShape] = shape;
  if (rows === undefined)
    refuse('found an array of no dimensions', 'its first axis holds the rows: save it with shape (1,) or more');
  const layout = layoutOf(descr, rows, rowShape);
  return {
    length,
    element: descr,
    shape: [rows, ...rowShape],
    // With one axis that is longer than 1 both orders are the same.
    columnMajor: columnMajor && shape.filter((size) => size !== 1).length > 1 && rows > 0,
    layout,
  };
}

/** Bytes of a file's start that hold any header. */
export const NPY_HEAD_BYTES = MAX_HEADER_BYTES;

/** @throws PermanentError INVALID_ARGUMENT where the file is shorter or longer than its header says. */
export function checkNpySize({ length, layout }: { length: number; layout: RecordLayout }, size: number): void {
  const expected = length + layout.rows * layout.bytes;
  if (size === expected) return;
  const what = size < expected ? 'the file is cut off' : 'something else follows the array: save it alone';
  refuse(`found ${size} bytes where header and data make ${expected}`, what);
}

function layoutOf(element: string, rows: number, shape: readonly number[]): RecordLayout {
  const bytes = elementCount(shape) * parseElement(element).bytes;
  if (!Number.isSafeInteger(bytes * rows)) refuse(`found shape (${[rows, ...shape].join(', ')})`, 'no file holds that');
  if (bytes === 0 && rows > 0)
    refuse(
      `found rows of no bytes: shape (${[rows, ...shape].join(', ')}) of ${element}`,
      'rows hold at least one element',
    );
  return { element, shape, bytes: Math.max(1, bytes), rows };
}

/**
 * Parses the header's Python literal, strictly: a dict with the keys descr (a string), fortran_order (a bool) and shape (a tuple of
 * integers), in any order. Nothing is evaluated.
 */
function parseDict(text: string): { descr: string; columnMajor: boolean; shape: number[] } {
  const literal = new Literal(text);
  const found: { descr?: string; columnMajor?: boolean; shape?: number[] } = {};
  literal.expect('{');
  while (!literal.take('}')) {
    const key = literal.string();
    literal.expect(':');
    if (key === 'descr' && found.descr === undefined) found.descr = literal.element();
    else if (key === 'fortran_order' && found.columnMajor === undefined) found.columnMajor = literal.bool();
    else if (key === 'shape' && found.shape === undefined) found.shape = literal.tuple();
    else
      refuse(
        `found the key ${JSON.stringify(key.slice(0, 40))} in the header`,
        'descr, fortran_order and shape, once each',
      );
    if (!literal.take(',')) {
      literal.expect('}');
      break;
    }
  }
  literal.end();
  const { descr, columnMajor, shape } = found;
  if (descr === undefined || columnMajor === undefined || shape === undefined)
    refuse('found a header without descr, fortran_order or shape', 'save the array anew');
  return { descr, columnMajor, shape };
}

/** Reads the tokens of a Python literal. */
class Literal {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  take(token: string): boolean {
    this.#space();
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  expect(token: string): void {
    if (!this.take(token)) this.#refuse(token);
  }

  string(): string {
    return this.#match(/'([^'\\]*)'|"([^"\\]*)"/y, 'a string').replaceAll(/^['"]|['"]$/g, '');
  }

  /** The type of the elements; that of a structured array is a list, which no tensor holds. */
  element(): string {
    if (!this.take('[')) return this.string();
    throw new PermanentError(
      'UNIMPLEMENTED',
      'npy: the elements are structured (several fields each), which no tensor holds: save one array per field, as npz',
    );
  }

  bool(): boolean {
    return this.#match(/True|False/y, 'True or False') === 'True';
  }

  tuple(): number[] {
    const sizes: number[] = [];
    this.expect('(');
    while (!this.take(')')) {
      // Python 2 wrote long integers with an L.
      const size = Number(this.#match(/\d{1,16}L?/y, 'a dimension').replace('L', ''));
      if (!Number.isSafeInteger(size) || sizes.push(size) > MAX_RANK) this.#refuse(`at most ${MAX_RANK} dimensions`);
      if (!this.take(',')) {
        this.expect(')');
        break;
      }
    }
    return sizes;
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.#refuse('the end of the header');
  }

  #match(pattern: RegExp, expected: string): string {
    this.#space();
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) this.#refuse(expected);
    this.#at += found.length;
    return found;
  }

  #space(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? '-')) this.#at++;
  }

  #refuse(expected: string): never {
    const found = JSON.stringify(this.#text.slice(this.#at, this.#at + 20));
    refuse(`found ${found} at character ${this.#at} of the header, expected ${expected}`, 'save the array anew');
  }
}

function refuse(found: string, remedy: string): never {
  throw new PermanentError('INVALID_ARGUMENT', `npy: ${found}: ${remedy}`);
}
