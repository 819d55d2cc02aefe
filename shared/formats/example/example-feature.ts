import type { FeatureSpec } from '../../models/model.ts';
import { elementCount } from '../../tensor.ts';
import type { TensorSpec } from '../../tensor.ts';
import { CLOSE_BRACKET, MINUS, NINE, OPEN_BRACKET, ZERO } from '../ascii.ts';
import type { Column } from '../columns.ts';
import { createColumn, expectedElement } from '../create-column.ts';
import type { FeatureValues } from './example.ts';
import { InputReader } from '../input-reader.ts';
import { IntegerColumn } from '../integer-column.ts';
import type { JsonReader } from '../json-reader.ts';

const LOWER_T = 116;
const LOWER_F = 102;
/** Room in a feature's column at first. */
const CAPACITY = 16;

/** The tensor that a feature is, as if it were an input. */
export function featureTensor({ name, dtype, shape }: FeatureSpec): TensorSpec {
  return { name, dtype, shape: shape === null ? [null, null] : [null, ...shape] };
}

/**
 * Reads the JSON value of one feature: nested lists of its shape, or, as a tf.Example holds them, a flat list of as many values; a list of one may be
 * written as the value alone.
 */
export class FeatureReader {
  readonly #column: Column;
  readonly #scalar: InputReader | undefined;
  readonly #list: InputReader;
  readonly #nested: InputReader | undefined;

  constructor(spec: FeatureSpec) {
    const { name, dtype, shape } = spec;
    const count = shape === null ? null : elementCount(shape);
    this.#column =
      dtype === 'int64'
        ? new FlagColumn(dtype, expectedElement(dtype), new BigInt64Array(CAPACITY))
        : createColumn(dtype, CAPACITY);
    const reader = (dimensions: TensorSpec['shape'] & object): InputReader =>
      new InputReader({ name, dtype, shape: [null, ...dimensions] }, this.#column);
    this.#scalar = count === null || count === 1 ? reader([]) : undefined;
    this.#list = reader([count]);
    this.#nested = shape !== null && shape.length > 1 ? reader(shape) : undefined;
  }

  /** What the feature takes, for messages. */
  get expected(): string {
    return (this.#scalar ?? this.#nested ?? this.#list).expected;
  }

  /** The values that are next; they are overwritten by the next reading. */
  read(json: JsonReader, subject: string): FeatureValues {
    this.#column.truncate(0);
    this.#readerOf(json).read(json, subject);
    const { dtype, data } = this.#column.tensor([this.#column.length]);
    if (dtype === 'string') return { kind: 'bytes', values: data };
    if (dtype === 'int64') return { kind: 'int64', values: data };
    return { kind: 'float', values: data as Float32Array };
  }

  #readerOf(json: JsonReader): InputReader {
    if (json.peek() !== OPEN_BRACKET) return this.#scalar ?? this.#nested ?? this.#list;
    const start = json.pos++;
    const isNested = json.peek() === OPEN_BRACKET;
    json.pos = start;
    return isNested ? (this.#nested ?? this.#list) : this.#list;
  }
}

/** int64s; true and false are 1 and 0, as in TensorFlow Serving's JSON of Examples. */
class FlagColumn extends IntegerColumn<'int64'> {
  override element(json: JsonReader, subject: string): void {
    const c = json.bytes[json.pos];
    if (c !== LOWER_T && c !== LOWER_F) {
      super.element(json, subject);
      return;
    }
    json.skipValue();
    const data = this.length < this.data.length ? this.data : this.grow();
    data[this.length++] = c === LOWER_T ? 1n : 0n;
  }
}

/**
 * The dtype of the feature that the JSON value which is next makes: float32 where a number in it has a fraction or an exponent, int64 for other
 * numbers and booleans, string for all else; undefined for an empty list, which says nothing. The value is not consumed.
 */
export function inferredDtype(json: JsonReader): FeatureSpec['dtype'] | undefined {
  const isList = json.peek() === OPEN_BRACKET;
  const start = json.pos;
  let dtype: FeatureSpec['dtype'] | undefined;
  if (isList) json.pos++;
  if (!isList || !json.take(CLOSE_BRACKET)) {
    do {
      const found = scalarDtype(json);
      if (dtype === undefined || (dtype === 'int64' && found === 'float32')) dtype = found;
    } while (isList && json.another(CLOSE_BRACKET));
  }
  json.pos = start;
  return dtype;
}

function scalarDtype(json: JsonReader): FeatureSpec['dtype'] {
  const c = json.peek();
  const start = json.pos;
  json.skipValue();
  if (c === LOWER_T || c === LOWER_F) return 'int64';
  // A list in a list: nothing takes it, and its reader says so.
  if (c === OPEN_BRACKET) return 'int64';
  if (c !== MINUS && !(c >= ZERO && c <= NINE)) return 'string';
  for (let p = c === MINUS ? start + 1 : start; p < json.pos; p++) {
    const digit = json.bytes[p] as number;
    if (digit < ZERO || digit > NINE) return 'float32';
  }
  return 'int64';
}
