import { PermanentError } from '../errors.ts';
import { excerpt } from '../formats/row-error.ts';
import type { DType } from '../tensor.ts';
import type { OutputColumn } from './layout.ts';

/** An element of a tensor: int64 and uint64 as bigint, bytes that are no UTF-8 (or of an output named so) as bytes. */
export type Element = number | bigint | boolean | string | Uint8Array;

/** Nested lists of elements. */
export type Nested = Element | readonly Nested[];

export function isList(value: Nested): value is readonly Nested[] {
  return Array.isArray(value);
}

/** TensorFlow Serving writes the strings of outputs named so as base64. */
const BYTES_SUFFIX = '_bytes';

/** The strings that stand for what JSON has no number for. */
const SPECIAL: ReadonlyMap<unknown, number> = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);

/** Whether the output's strings are bytes, all of them. */
export function isBytes({ dtype, name }: OutputColumn): boolean {
  return dtype === 'string' && name.endsWith(BYTES_SUFFIX);
}

/**
 * One row's value of an output, from its JSON text.
 * @returns nested lists of exactly `output.rank` levels; of whatever levels it has where the rank is not known.
 * @throws PermanentError FAILED_PRECONDITION naming the output, where the model returned another dtype or rank than its signature says.
 */
export function parseOutput(json: Buffer, output: OutputColumn): Nested {
  try {
    return nested(parsed(json, output.dtype), output.rank, ELEMENTS[output.dtype]);
  } catch (error) {
    if (error !== MISMATCH && !(error instanceof SyntaxError)) throw error;
    const expected = output.rank === null ? output.dtype : `${output.dtype} in ${output.rank} dimensions`;
    throw new PermanentError(
      'FAILED_PRECONDITION',
      `output "${output.name}": found ${excerpt(json, 0, json.length)}, expected ${expected}, as the signature says: ask for the predictionsFormat jsonl`,
    );
  }
}

const MISMATCH = new Error('not what the signature says');

function mismatch(): never {
  throw MISMATCH;
}

/** Anything else than lists of integers that a double holds exactly. */
const NOT_SMALL = /\d{16}|[^\d,[\]-]/;

function parsed(json: Buffer, dtype: DType): unknown {
  const text = json.toString('utf8');
  if (dtype !== 'int64' && dtype !== 'uint64') return JSON.parse(text) as unknown;
  // JSON.parse would round what a double cannot hold.
  return JSON.parse(NOT_SMALL.test(text) ? text.replaceAll(/-?\d+/g, '"$&"') : text) as unknown;
}

function nested(value: unknown, rank: number | null, element: (value: unknown) => Element): Nested {
  if (rank === 0 || (rank === null && !Array.isArray(value))) return element(value);
  if (!Array.isArray(value)) return mismatch();
  return value.map((item: unknown) => nested(item, rank === null ? null : rank - 1, element));
}

function real(value: unknown): number {
  return typeof value === 'number' ? value : (SPECIAL.get(value) ?? mismatch());
}

function half(value: unknown): number {
  return Math.f16round(real(value));
}

function single(value: unknown): number {
  return Math.fround(real(value));
}

function integer(value: unknown): number {
  return Number.isInteger(value) ? (value as number) : mismatch();
}

function bigInteger(value: unknown): bigint {
  return typeof value === 'string' || typeof value === 'number' ? BigInt(value) : mismatch();
}

function boolean(value: unknown): boolean {
  return typeof value === 'boolean' ? value : mismatch();
}

function string(value: unknown): string | Uint8Array {
  // What UTF-8 cannot hold (a lone surrogate) stays JSON text.
  if (typeof value === 'string') return value.isWellFormed() ? value : JSON.stringify(value);
  const { b64 } = (value ?? {}) as { readonly b64?: unknown };
  return typeof b64 === 'string' ? Buffer.from(b64, 'base64') : mismatch();
}

const ELEMENTS: Readonly<Record<DType, (value: unknown) => Element>> = {
  float16: half,
  float32: single,
  float64: real,
  int8: integer,
  uint8: integer,
  int16: integer,
  uint16: integer,
  int32: integer,
  uint32: integer,
  int64: bigInteger,
  uint64: bigInteger,
  bool: boolean,
  string,
};
