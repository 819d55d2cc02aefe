import { errorInfo, PermanentError } from '../../errors.ts';
import type { ErrorInfo } from '../../errors.ts';
import type { DType, StringElement, Tensor } from '../../tensor.ts';
import { elementCount } from '../../tensor.ts';
import type { RecordLayout } from '../format.ts';

/** The type of an array's elements. */
export interface NpyElement {
  /** `string` for NumPy's S (bytes) and U (text), which have a fixed width and are filled up with zeros. */
  readonly dtype: DType;
  /** Bytes of one. */
  readonly bytes: number;
  readonly bigEndian: boolean;
  /** U: four bytes a character. */
  readonly wide: boolean;
}

const NUMBERS: Readonly<Record<string, DType>> = {
  '?': 'bool',
  b1: 'bool',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};

/** What no model takes, by the first letter of its type. */
const REFUSED: Readonly<Record<string, string>> = {
  O: 'Python objects (pickled), which are never loaded',
  V: 'raw or structured data',
  c: 'complex numbers',
  M: 'dates (datetime64)',
  m: 'time spans (timedelta64)',
  f: 'floats of this width',
  i: 'integers of this width',
  u: 'integers of this width',
};

/** Wider strings are refused: no field is. */
const MAX_STRING_BYTES = 64 * 1024 * 1024;

/**
 * Reads NumPy's name of a type, as `numpy.dtype.str` writes it.
 * @throws PermanentError UNIMPLEMENTED naming the type where it is none that tensors hold; INVALID_ARGUMENT where it is no type.
 */
export function parseElement(descr: string): NpyElement {
  const [, order = '', name = '', width = ''] = /^([<>|=]?)([a-zA-Z?])(\d{0,9})(?:\[[^\]]*\])?$/.exec(descr) ?? [];
  const bigEndian = order === '>';
  const number = NUMBERS[name + width];
  if (number !== undefined) {
    const bytes = Math.max(1, Number(width));
    return { dtype: number, bytes, bigEndian: bigEndian && bytes > 1, wide: false };
  }
  const characters = Number(width);
  if ((name === 'S' || name === 'a' || name === 'U') && width !== '') {
    const bytes = name === 'U' ? 4 * characters : characters;
    if (bytes <= MAX_STRING_BYTES) return { dtype: 'string', bytes, bigEndian, wide: name === 'U' };
  }
  const shown = JSON.stringify(descr.slice(0, 40));
  const what = REFUSED[name];
  if (what === undefined)
    throw new PermanentError('INVALID_ARGUMENT', `npy: found the type ${shown}, which is no type of NumPy`);
  throw new PermanentError(
    'UNIMPLEMENTED',
    `npy: the elements are ${what} (${shown}): convert them to bool, an integer, a float or a string with astype`,
  );
}

/** Rows read from an array's bytes. */
export interface NpyRows {
  /** Of shape `[rows, ...rowShape]`, in this machine's byte order. */
  readonly tensor: Tensor;
  /** Rows whose text no string can hold. */
  readonly refused: ReadonlyMap<number, ErrorInfo>;
}

const NONE: ReadonlyMap<number, ErrorInfo> = new Map();

/** @param bytes whole records of the layout. */
export function readRows(bytes: Uint8Array, layout: RecordLayout): NpyRows {
  const element = parseElement(layout.element);
  const rows = bytes.length / layout.bytes;
  const shape = [rows, ...layout.shape];
  if (element.dtype === 'string') return readStrings(bytes, element, shape);
  return { tensor: { dtype: element.dtype, shape, data: readNumbers(bytes, element) } as Tensor, refused: NONE };
}

function readNumbers(bytes: Uint8Array, { dtype, bytes: width, bigEndian }: NpyElement): Tensor['data'] {
  // A copy, so that the numbers are aligned and can be turned around.
  const copy = Buffer.from(new Uint8Array(bytes).buffer);
  if (bigEndian && width === 2) copy.swap16();
  else if (bigEndian && width === 4) copy.swap32();
  else if (bigEndian) copy.swap64();
  const { buffer } = copy;
  switch (dtype) {
    case 'bool':
      // Any bits but zero are True.
      return Uint8Array.from(copy, (value) => (value === 0 ? 0 : 1));
    case 'int8':
      return new Int8Array(buffer);
    case 'uint8':
      return new Uint8Array(buffer);
    case 'int16':
      return new Int16Array(buffer);
    case 'uint16':
      return new Uint16Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'uint32':
      return new Uint32Array(buffer);
    case 'int64':
      return new BigInt64Array(buffer);
    case 'uint64':
      return new BigUint64Array(buffer);
    case 'float16':
      return new Float16Array(buffer);
    case 'float32':
      return new Float32Array(buffer);
    case 'float64':
      return new Float64Array(buffer);
    case 'string':
      throw new TypeError('strings are no numbers');
  }
}

/** The zeros at an element's end are no part of it. */
function readStrings(bytes: Uint8Array, element: NpyElement, shape: readonly number[]): NpyRows {
  const perRow = elementCount(shape.slice(1));
  const count = perRow * (shape[0] ?? 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: StringElement[] = [];
  const refused = new Map<number, ErrorInfo>();
  for (let index = 0; index < count; index++) {
    const start = index * element.bytes;
    const text = element.wide ? readText(view, start, element) : readBytes(bytes, start, element.bytes);
    if (typeof text === 'number') {
      const found = `0x${text.toString(16)}`;
      refused.set(
        Math.floor(index / perRow),
        errorInfo('INVALID_ARGUMENT', `instance: found the character ${found}, expected a Unicode character`),
      );
    }
    data.push(typeof text === 'number' ? '' : text);
  }
  return { tensor: { dtype: 'string', shape, data }, refused };
}

function readBytes(bytes: Uint8Array, start: number, width: number): Uint8Array {
  let end = start + width;
  while (end > start && bytes[end - 1] === 0) end--;
  return bytes.subarray(start, end);
}

/** The text, or the first number in it that is no character. */
function readText(view: DataView, start: number, { bytes, bigEndian }: NpyElement): string | number {
  let end = start + bytes;
  while (end > start && view.getUint32(end - 4, true) === 0) end -= 4;
  let text = '';
  for (let at = start; at < end; at += 4) {
    const character = view.getUint32(at, !bigEndian);
    if (character > 0x10_ff_ff) return character;
    text += String.fromCodePoint(character);
  }
  return text;
}
