import { DT } from '../graph-def.ts';
import { opDtype } from '../op-attrs.ts';
import type { OpAttrs } from '../op-attrs.ts';
import { floats, graphError, ints, numbersOf, strings, stringsOf } from '../op-tensor.ts';
import { fromLatin1, latin1, utf8 } from '../op-text.ts';
import type { Ops } from '../op.ts';
import { printf } from './printf.ts';
import type { NumberFormat } from './printf.ts';

/** Numbers to text and back. */
export const numberTextOps: Ops = {
  /** tf.strings.as_string. */
  AsString: ([input], attrs) => {
    const shape = input?.shape ?? [];
    if (input?.dtype === 'bool')
      return [
        strings(
          shape,
          Array.from(input.data, (value) => fromLatin1(value ? 'true' : 'false')),
        ),
      ];
    if (input?.dtype === 'string')
      return [
        strings(
          shape,
          input.data.map((bytes) => fromLatin1(padded(latin1(bytes), attrs))),
        ),
      ];
    const format = formatOf(attrs, input?.dtype === 'float32');
    return [
      strings(
        shape,
        Array.from(numbersOf(input, 'input'), (value) => fromLatin1(printf(value, format))),
      ),
    ];
  },
  /** tf.strings.to_number. */
  StringToNumber: ([input], attrs) => {
    const type = attrs.type('out_type', DT.FLOAT);
    const data = stringsOf(input, 'string_tensor');
    const shape = input?.shape ?? [];
    if (opDtype(type) === 'float32') return [floats(shape, Float32Array.from(data, floatOf))];
    return [ints(shape, Int32Array.from(data, integerOf))];
  },
};

function formatOf(attrs: OpAttrs, float: boolean): NumberFormat {
  const [scientific, shortest] = [attrs.bool('scientific', false), attrs.bool('shortest', false)];
  if (scientific && shortest) throw graphError('Cannot select both scientific and shortest notation');
  const precision = attrs.int('precision', -1);
  if (!float && (scientific || shortest || precision >= 0)) {
    throw graphError('scientific and shortest format and precision are only for floating point numbers');
  }
  const conversion = !float ? 'd' : shortest ? 'g' : scientific ? 'e' : 'f';
  return { conversion, flag: flagOf(attrs), width: attrs.int('width', -1), precision };
}

function flagOf(attrs: OpAttrs): string {
  const fill = attrs.text('fill', '');
  if (!/^[ +\-0#]?$/.test(fill)) throw graphError(`Fill argument not supported: "${fill}"`);
  return fill;
}

function padded(text: string, attrs: OpAttrs): string {
  const width = Math.max(0, attrs.int('width', -1));
  return flagOf(attrs) === '-' ? text.padEnd(width) : text.padStart(width);
}

const FLOAT =
  /^[\t-\r ]*([+-]?)(?:(0x[\da-f]+|\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|(inf(?:inity)?)|nan)[\t-\r ]*$/i;
const INTEGER = /^[\t-\r ]*[+-]?\d+[\t-\r ]*$/;

function floatOf(bytes: Uint8Array): number {
  const match = FLOAT.exec(latin1(bytes));
  if (!match) throw notConverted(bytes);
  const [, sign, digits, infinity] = match;
  const value = digits === undefined ? (infinity === undefined ? NaN : Infinity) : Number(digits);
  return sign === '-' ? -value : value;
}

function integerOf(bytes: Uint8Array): number {
  const text = latin1(bytes);
  const value = INTEGER.test(text) ? Number(text) : NaN;
  // An int64 beyond int32 is not what the tensor can hold; one beyond int64 no number at all.
  if (!(value >= -(2 ** 31) && value < 2 ** 31)) throw notConverted(bytes);
  return value;
}

function notConverted(bytes: Uint8Array): ReturnType<typeof graphError> {
  return graphError(`StringToNumberOp could not correctly convert string: ${utf8(bytes)}`);
}
