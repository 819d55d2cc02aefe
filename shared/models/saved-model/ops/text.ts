import { broadcastIndex, broadcastShape, sizeOf } from '../op-shape.ts';
import { graphError, ints, numbersOf, strings, stringsOf } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import type { OpAttrs } from '../op-attrs.ts';
import { fromLatin1, fromUtf8, latin1, utf8 } from '../op-text.ts';
import type { Op, Ops } from '../op.ts';

/** One string to one. */
export const textOps: Ops = {
  StringLower: cased(
    (text) => text.toLowerCase(),
    (text) => text.replaceAll(/[A-Z]+/g, (run) => run.toLowerCase()),
  ),
  StringUpper: cased(
    (text) => text.toUpperCase(),
    (text) => text.replaceAll(/[a-z]+/g, (run) => run.toUpperCase()),
  ),
  /** ASCII white space at both ends. */
  StringStrip: ([input]) => [
    mapped(input, (bytes) => fromLatin1(latin1(bytes).replaceAll(/^[\t-\r ]+|[\t-\r ]+$/g, ''))),
  ],
  StringLength: ([input], attrs) => {
    const length = isUtf8(attrs) ? characters : (bytes: Uint8Array) => bytes.length;
    return [ints(input?.shape ?? [], Int32Array.from(stringsOf(input, 'input'), length))];
  },
  /** tf.strings.substr: the position (from the end where negative) and the length of each string, or of all. */
  Substr: ([input, position, length], attrs) => {
    const data = stringsOf(input, 'input');
    const [starts, lengths] = [numbersOf(position, 'pos'), numbersOf(length, 'len')];
    const shape = broadcastShape(input?.shape ?? [], position?.shape ?? []);
    const [place, which] = [broadcastIndex(input?.shape ?? [], shape), broadcastIndex(position?.shape ?? [], shape)];
    const cut = isUtf8(attrs) ? cutCharacters : cutBytes;
    const cuts = Array.from({ length: sizeOf(shape) }, (_, i) =>
      cut(data[place(i)] as Uint8Array, starts[which(i)] as number, lengths[which(i)] as number),
    );
    return [strings(shape, cuts)];
  },
};

/** With `encoding: 'utf-8'` all letters, else those of ASCII, leaving every other byte. */
function cased(unicode: (text: string) => string, ascii: (text: string) => string): Op {
  return ([input], attrs) => {
    const encoding = attrs.text('encoding', '');
    if (encoding !== '' && encoding !== 'utf-8') throw graphError(`the encoding ${encoding}; expected none or utf-8`);
    return [
      mapped(
        input,
        encoding === '' ? (bytes) => fromLatin1(ascii(latin1(bytes))) : (bytes) => fromUtf8(unicode(utf8(bytes))),
      ),
    ];
  };
}

function mapped(input: OpTensor | undefined, change: (bytes: Uint8Array) => Uint8Array): OpTensor {
  return strings(input?.shape ?? [], stringsOf(input, 'input').map(change));
}

function isUtf8(attrs: OpAttrs): boolean {
  return attrs.text('unit', 'BYTE') === 'UTF8_CHAR';
}

/** Bytes that do not continue a character. */
function characters(bytes: Uint8Array): number {
  return bytes.reduce((count, byte) => count + Number((byte & 0xc0) !== 0x80), 0);
}

function cutBytes(bytes: Uint8Array, position: number, length: number): Uint8Array {
  if (position < -bytes.length || position > bytes.length) throw outOfRange(position, bytes);
  const start = position < 0 ? bytes.length + position : position;
  // Here TensorFlow takes a negative length for an endless one; of characters it takes none.
  return bytes.subarray(start, length < 0 ? bytes.length : start + length);
}

function cutCharacters(bytes: Uint8Array, position: number, length: number): Uint8Array {
  const text = Array.from(utf8(bytes));
  if (position < -text.length || position > text.length) throw outOfRange(position, bytes);
  const start = position < 0 ? text.length + position : position;
  return fromUtf8(text.slice(start, start + Math.max(0, length)).join(''));
}

function outOfRange(position: number, bytes: Uint8Array): ReturnType<typeof graphError> {
  return graphError(`pos ${position} out of range for string b'${utf8(bytes)}'`);
}
