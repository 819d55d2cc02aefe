import { stringOf, strings, type OpTensor } from '../op-tensor.ts';
import { fromUtf8, utf8 } from '../op-text.ts';
import type { Op, Ops } from '../op.ts';
import { printf } from './printf.ts';

/** Elements at each end of a dimension that are told. */
const SUMMARIZE = 3;
const DIGITS = 6;

/** tf.strings.format: each placeholder becomes the next tensor, as tf.print shows it. */
const format: Op = (inputs, attrs) => {
  const [template, placeholder] = [attrs.text('template', '%s'), attrs.text('placeholder', '%s')];
  const summarize = attrs.int('summarize', SUMMARIZE);
  const pieces = template.split(placeholder);
  const text = pieces
    .map((piece, i) => {
      const input = i < pieces.length - 1 ? inputs[i] : undefined;
      return input === undefined ? piece : piece + shown(input, 0, 0, summarize);
    })
    .join('');
  return [strings([], [fromUtf8(text)])];
};

/** The part of a tensor below these indices: `[[1 2] [3 4]]` with a line for each row. */
function shown(input: OpTensor, axis: number, at: number, summarize: number): string {
  if (axis === input.shape.length) return element(input, at);
  const size = input.shape[axis] ?? 0;
  const inner = input.shape.slice(axis + 1).reduce((product, part) => product * part, 1);
  const gap = axis === input.shape.length - 1 ? ' ' : '\n'.repeat(input.shape.length - axis - 1) + ' '.repeat(axis + 1);
  const all = Array.from({ length: size }, (_, i) => i);
  const short = summarize >= 0 && size > 2 * summarize;
  const part = (places: readonly number[]): string[] =>
    places.map((i) => shown(input, axis + 1, at + i * inner, summarize));
  const told = short ? [...part(all.slice(0, summarize)), '...', ...part(all.slice(size - summarize))] : part(all);
  return `[${told.join(gap)}]`;
}

function element(input: OpTensor, at: number): string {
  if (input.dtype === 'string') {
    const text = utf8(stringOf({ ...input, data: input.data.slice(at, at + 1) }, 'input'));
    return input.shape.length === 0 ? text : `"${text}"`;
  }
  const value = input.data[at] ?? 0;
  if (input.dtype === 'bool') return String(value);
  return input.dtype === 'int32'
    ? String(value)
    : printf(value, { conversion: 'g', flag: '', width: 0, precision: DIGITS });
}

export const formatOps: Ops = { StringFormat: format };
