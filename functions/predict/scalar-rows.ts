import { OPEN_BRACE, OPEN_BRACKET } from '../../shared/formats/ascii.ts';
import type { Signature } from '../../shared/models/model.ts';
import type { TensorSpec } from '../../shared/tensor.ts';
import { JsonText } from './json-text.ts';
import type { Slice } from './json-text.ts';

/**
 * TensorFlow Serving feeds a tensor of the shape that it was sent in, whatever the signature says: to a signature whose input and output are `[-1, 1]`,
 * its own first example (half_plus_two) sends the rows 1.0, 2.0, 5.0, and gets scalars back. Here a batch has the signature's shape: such scalars get
 * the lists around them that the input wants, and the outputs of the same kind lose theirs.
 */

/** How many lists a row of that tensor is, each of one element; 0 where it is none, or of other sizes. */
function listsOfOne({ shape }: TensorSpec): number {
  const sizes = shape?.slice(1) ?? [];
  return sizes.every((size) => size === 1) ? sizes.length : 0;
}

/** Puts values into the lists that their inputs want. */
export class ScalarRows {
  readonly #lists: ReadonlyMap<string, number>;
  readonly #only: string | undefined;

  constructor({ inputs, examples }: Signature) {
    const lists = inputs.map((spec) => [spec.name, listsOfOne(spec)] as const);
    this.#lists = new Map(examples === undefined ? lists.filter(([, depth]) => depth > 0) : []);
    this.#only = inputs.length === 1 ? inputs[0]?.name : undefined;
  }

  /** The instance on one line, and whether a scalar in it was put into lists. */
  line(text: JsonText, item: Slice): readonly [line: Buffer, widened: boolean] {
    if (this.#lists.size === 0) return [text.line(item), false];
    const fields = text.fields(item);
    if (fields === undefined || isBytes(fields)) {
      return this.#only === undefined ? [text.line(item), false] : this.value(text, item, this.#only);
    }
    const values = [...fields].map(([name, slice]) => [name, ...this.value(text, slice, name)] as const);
    if (!values.some(([, , widened]) => widened)) return [text.line(item), false];
    const pieces = values.flatMap(([name, value], place) => [
      Buffer.from(`${place === 0 ? '{' : ','}${JSON.stringify(name)}:`),
      value,
    ]);
    return [Buffer.concat([...pieces, Buffer.from('}')]), true];
  }

  /** An input's value on one line, and whether it was put into lists. */
  value(text: JsonText, slice: Slice, name: string): readonly [line: Buffer, widened: boolean] {
    const depth = this.#lists.get(name) ?? 0;
    const line = text.line(slice);
    const isScalar = line[0] !== OPEN_BRACKET && (line[0] !== OPEN_BRACE || isBytes(text.fields(slice)));
    if (depth === 0 || !isScalar) return [line, false];
    return [Buffer.concat([Buffer.from('['.repeat(depth)), line, Buffer.from(']'.repeat(depth))]), true];
  }
}

/** A prediction whose outputs of lists of one are scalars. */
export function toScalars(prediction: Buffer, { outputs }: Signature): Buffer {
  const [only] = outputs;
  if (only !== undefined && outputs.length === 1) return unwrap(prediction, listsOfOne(only));
  const text = new JsonText(prediction);
  const fields = text.fields(text.whole);
  const pieces = outputs.flatMap((spec, place) => {
    const slice = fields?.get(spec.name);
    if (slice === undefined) throw new Error(`output "${spec.name}" is in no prediction`);
    return [
      Buffer.from(`${place === 0 ? '{' : ','}${JSON.stringify(spec.name)}:`),
      unwrap(text.text(slice), listsOfOne(spec)),
    ];
  });
  return Buffer.concat([...pieces, Buffer.from('}')]);
}

/** The value without so many brackets around it: our encoder writes no whitespace. */
function unwrap(value: Buffer, depth: number): Buffer {
  return value.subarray(depth, value.length - depth);
}

/** `{"b64": …}`: bytes, not an object of fields. */
function isBytes(fields: ReadonlyMap<string, Slice> | undefined): boolean {
  return fields?.size === 1 && fields.has('b64');
}
