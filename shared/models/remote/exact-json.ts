import { ByteWriter } from '../../formats/byte-writer.ts';
import { TensorWriter } from '../../formats/tensor-writer.ts';
import { elementCount } from '../../tensor.ts';
import type { StringElement, Tensor } from '../../tensor.ts';

/**
 * JSON as model servers write it: NaN and infinities as bare words (RapidJSON's extension, which TF Serving and Triton use), and integers with
 * more digits than a double keeps.
 */

/** How a protocol writes what JSON has no way for. */
export interface JsonDialect {
  /** NaN and infinities as bare words, or as strings (proto3 JSON). */
  readonly specials: 'words' | 'strings';
  /** Bytes as `{"b64": …}`. */
  readonly bytes: (bytes: Uint8Array) => string;
}

const LARGE_INTEGER = /\d{8}/;
const NUMBER = /\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;

/**
 * A float without a fraction gets one: TF Serving takes an integer that a float may not keep (from 2^24 on) for a mistake, whatever its digits.
 * Source: IsLosslessDecimal in https://github.com/tensorflow/serving/blob/master/tensorflow_serving/util/json_tensor.cc
 */
function asFloat(text: string): string {
  return /[.e]/.test(text) ? text : `${text}.0`;
}

export const BASE64_OBJECT = (bytes: Uint8Array): string => `{"b64":"${Buffer.from(bytes).toString('base64')}"}`;

/** Each row of the tensor as JSON text: nested lists of the row's shape. */
export function rowTexts(tensor: Tensor, rows: number, dialect: JsonDialect): string[] {
  if (tensor.dtype === 'string') {
    const rowShape = tensor.shape.slice(1);
    const size = elementCount(rowShape);
    return Array.from({ length: rows }, (_, row) => nested(tensor.data, rowShape, row * size, size, dialect));
  }
  const writer = new TensorWriter('', tensor);
  const out = new ByteWriter();
  return Array.from({ length: rows }, (_, row) => {
    out.length = 0;
    writer.row(out, row);
    const text = out.bytes.toString('latin1', 0, out.length);
    if (!tensor.dtype.startsWith('float')) return text;
    const floats = LARGE_INTEGER.test(text) ? text.replaceAll(NUMBER, asFloat) : text;
    // A tensor of numbers holds no other strings.
    return dialect.specials === 'words' && floats.includes('"') ? floats.replaceAll('"', '') : floats;
  });
}

function nested(
  data: readonly StringElement[],
  shape: readonly number[],
  from: number,
  size: number,
  dialect: JsonDialect,
): string {
  const [length, ...rest] = shape;
  if (length === undefined) {
    const element = data[from] ?? '';
    return typeof element === 'string' ? JSON.stringify(element.toWellFormed()) : dialect.bytes(element);
  }
  const step = length === 0 ? 0 : size / length;
  const items = Array.from({ length }, (_, item) => nested(data, rest, from + item * step, step, dialect));
  return `[${items.join(',')}]`;
}

/** An integer that a double may not keep; also matches in strings, where it does no harm. */
const LONG_INTEGER = /(?<![\d.e+])\d{16,20}(?![\d.e])/i;

/**
 * Parses JSON; bare NaN, Infinity and -Infinity become those numbers, integers that a double does not keep become BigInts.
 * @throws SyntaxError, or RangeError where lists are nested too deeply.
 */
export function parseExactJson(text: string): unknown {
  const parse = (json: string): unknown => (LONG_INTEGER.test(json) ? JSON.parse(json, keepDigits) : JSON.parse(json));
  try {
    return parse(text);
  } catch (error) {
    const quoted = quoteWords(text);
    if (quoted === undefined) throw error;
    return parse(quoted);
  }
}

/** Node 24 tells a reviver the text of a number: https://github.com/tc39/proposal-json-parse-with-source */
function keepDigits(_key: string, value: unknown, { source }: { readonly source?: string } = {}): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value;
  return /^-?\d{16,20}$/.test(source) ? BigInt(source) : value;
}

const WORD = /"|-?(?:NaN|Infinity|Inf)\b/g;

/** The text with its bare NaN and Infinity as strings; undefined where it has none. */
function quoteWords(text: string): string | undefined {
  const parts: string[] = [];
  let from = 0;
  const word = new RegExp(WORD);
  for (let found = word.exec(text); found !== null; found = word.exec(text)) {
    const [match] = found;
    if (match === '"') {
      word.lastIndex = stringEnd(text, found.index);
      continue;
    }
    const name = match.endsWith('NaN') ? 'NaN' : match.startsWith('-') ? '-Infinity' : 'Infinity';
    parts.push(text.slice(from, found.index), `"${name}"`);
    from = word.lastIndex;
  }
  return parts.length === 0 ? undefined : parts.join('') + text.slice(from);
}

/** The offset behind the string that begins with the quote at `start`. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text[end - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
  return text.length;
}
