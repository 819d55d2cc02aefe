import type { OpAttrs } from '../op-attrs.ts';
import { graphError, ints, numbersOf, strings, stringsOf, type OpTensor } from '../op-tensor.ts';
import type { Op, Ops } from '../op.ts';
import { decodeUnicode, encodeUnicode, INVALID, type CodePoint } from './unicode-codec.ts';

/** tf.strings.unicode_*. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/unicode_ops.cc */

const LAST_CONTROL = 0x1f;
const REPLACEMENT = 0xfffd;

/** What stands for what is no character: the attributes `errors`, `replacement_char` and `replace_control_characters`. */
function checked(points: readonly CodePoint[], attrs: OpAttrs): CodePoint[] {
  const errors = attrs.text('errors', 'replace');
  const [replacement, controls] = [
    attrs.int('replacement_char', REPLACEMENT),
    attrs.bool('replace_control_characters', false),
  ];
  return points.flatMap((point) => {
    const invalid = point.code === INVALID;
    if (invalid && errors === 'strict') throw graphError('Invalid formatting on input string');
    if (!invalid && !(controls && point.code <= LAST_CONTROL)) return [point];
    return errors === 'ignore' ? [] : [{ ...point, code: replacement }];
  });
}

/** Outputs: row splits, code points, and with offsets the byte where each begins. */
const decode: Op = ([input], attrs) => {
  const encoding = attrs.text('input_encoding', 'UTF-8');
  const rows = stringsOf(input, 'input').map((bytes) => checked(decodeUnicode(bytes, encoding), attrs));
  const splits = new Int32Array(rows.length + 1);
  rows.forEach((row, i) => (splits[i + 1] = (splits[i] ?? 0) + row.length));
  const all = rows.flat();
  const vector = (values: number[]): OpTensor => ints([values.length], Int32Array.from(values));
  return [ints([splits.length], splits), vector(all.map(({ code }) => code)), vector(all.map(({ start }) => start))];
};

const transcode: Op = ([input], attrs) => {
  const [from, to] = [attrs.text('input_encoding', 'UTF-8'), attrs.text('output_encoding', 'UTF-8')];
  const texts = stringsOf(input, 'input').map((bytes) => {
    const points = checked(decodeUnicode(bytes, from), attrs);
    return encodeUnicode(
      points.map(({ code }) => code),
      to,
    );
  });
  return [strings(input?.shape ?? [], texts)];
};

/** Inputs: code points, and where each string's begin. */
const encode: Op = ([values, splits], attrs) => {
  const codes = numbersOf(values, 'input_values');
  const ends = numbersOf(splits, 'input_splits');
  const to = attrs.text('output_encoding', 'UTF-8');
  if ((ends[0] ?? 0) !== 0 || (ends.at(-1) ?? 0) !== codes.length) throw graphError('Invalid row splits');
  const texts = Array.from({ length: Math.max(0, ends.length - 1) }, (_, row) => {
    const points = Array.from(codes.subarray(ends[row], ends[row + 1]), (code) => ({
      code: isScalar(code) ? code : INVALID,
      start: 0,
    }));
    return encodeUnicode(
      checked(points, attrs).map(({ code }) => code),
      to,
    );
  });
  return [strings([texts.length], texts)];
};

function isScalar(code: number): boolean {
  return code >= 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
}

export const unicodeOps: Ops = {
  UnicodeDecode: async (inputs, attrs) => (await decode(inputs, attrs)).slice(0, 2),
  UnicodeDecodeWithOffsets: decode,
  UnicodeTranscode: transcode,
  UnicodeEncode: encode,
};
