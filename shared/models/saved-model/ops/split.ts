import { ints, strings, stringOf, stringsOf } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import { fromLatin1, latin1 } from '../op-text.ts';
import type { Ops } from '../op.ts';

/** Strings to their parts, as a sparse tensor: indices [parts, 2] of string and place, the parts, and the dense shape [strings, most parts]. */
export const splitOps: Ops = {
  /** TF1's: every byte of the delimiter divides (none: every byte stands alone); empty parts are left out where `skip_empty` says. */
  StringSplit: ([input, delimiter], attrs) => {
    const skip = attrs.bool('skip_empty', true);
    const marks = new Set(latin1(stringOf(delimiter, 'delimiter')));
    return sparse(stringsOf(input, 'input').map((bytes) => splitBytes(latin1(bytes), marks, skip)));
  },
  /** tf.strings.split: at each separator, or where it is empty at runs of white space. */
  StringSplitV2: ([input, separator], attrs) => {
    const mark = latin1(stringOf(separator, 'sep'));
    const most = attrs.int('maxsplit', -1);
    const split = most === 0 ? whole : mark === '' ? splitSpace : splitAt;
    return sparse(stringsOf(input, 'input').map((bytes) => split(latin1(bytes), mark, most)));
  },
};

function splitBytes(text: string, marks: ReadonlySet<string>, skip: boolean): string[] {
  if (marks.size === 0) return Array.from(text);
  if (text === '') return [];
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && !marks.has(text.charAt(i))) continue;
    if (!skip || i > start) parts.push(text.slice(start, i));
    start = i + 1;
  }
  return parts;
}

function whole(text: string): string[] {
  return [text];
}

function splitAt(text: string, mark: string, most: number): string[] {
  const parts = text.split(mark);
  if (most < 0 || parts.length <= most + 1) return parts;
  return [...parts.slice(0, most), parts.slice(most).join(mark)];
}

function splitSpace(text: string, _mark: string, most: number): string[] {
  const parts: string[] = [];
  const word = /[^\t-\r ]+/g;
  for (let match = word.exec(text); match; match = word.exec(text)) {
    parts.push(match[0]);
    // What is left is one part, even if nothing is.
    if (parts.length === most) return [...parts, text.slice(word.lastIndex).replace(/^[\t-\r ]+/, '')];
  }
  return parts;
}

function sparse(rows: readonly (readonly string[])[]): OpTensor[] {
  const count = rows.reduce((sum, parts) => sum + parts.length, 0);
  const indices = new Int32Array(2 * count);
  let at = 0;
  rows.forEach((parts, row) => {
    for (let place = 0; place < parts.length; place++) {
      indices[at++] = row;
      indices[at++] = place;
    }
  });
  const longest = rows.reduce((most, parts) => Math.max(most, parts.length), 0);
  return [
    ints([count, 2], indices),
    strings([count], rows.flat().map(fromLatin1)),
    ints([2], Int32Array.of(rows.length, longest)),
  ];
}
