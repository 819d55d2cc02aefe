import { graphError, ints, numbersOf, strings, stringsOf } from '../op-tensor.ts';
import { fromLatin1, latin1 } from '../op-text.ts';
import type { Ops } from '../op.ts';

/**
 * tf.strings.ngrams: rows of strings (the data, and where each row begins, [rows + 1]) to rows of so many neighbours joined.
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/string_ngrams_op.cc
 */
export const ngramOps: Ops = {
  StringNGrams: ([data, splits], attrs) => {
    const all = stringsOf(data, 'data').map(latin1);
    const starts = numbersOf(splits, 'data_splits');
    const [separator, left, right] = ['separator', 'left_pad', 'right_pad'].map((name) =>
      latin1(Buffer.from(attrs.text(name, ''))),
    );
    const padding = attrs.int('pad_width', -1);
    const short = attrs.bool('preserve_short_sequences', false);
    const widths = attrs.ints('ngram_widths').map(Number);
    const made: string[] = [];
    const ends = new Int32Array(starts.length);
    for (let row = 0; row + 1 < starts.length; row++) {
      const [from, to] = [starts[row] as number, starts[row + 1] as number];
      if (from > to || to > all.length)
        throw graphError(`Invalid split value ${to}, must be in [${from}, ${all.length}]`);
      const words = all.slice(from, to);
      const before = made.length;
      for (const width of widths) {
        const pad = padding < 0 ? width - 1 : Math.min(padding, width - 1);
        const padded = [...fill(left, pad), ...words, ...fill(right, pad)];
        for (let i = 0; i + width <= padded.length; i++) made.push(padded.slice(i, i + width).join(separator));
      }
      // Once for all widths: what is shorter than each of them.
      if (short && made.length === before && words.length > 0) {
        const pad = padding < 0 ? 0 : padding;
        made.push([...fill(left, pad), ...words, ...fill(right, pad)].join(separator));
      }
      ends[row + 1] = made.length;
    }
    return [strings([made.length], made.map(fromLatin1)), ints([ends.length], ends)];
  },
};

function fill(text: string | undefined, count: number): string[] {
  return new Array<string>(count).fill(text ?? '');
}
