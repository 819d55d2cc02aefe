import { OPEN_BRACE, OPEN_BRACKET } from '../../shared/formats/ascii.ts';
import type { Signature } from '../../shared/models/model.ts';
import type { TensorSpec } from '../../shared/tensor.ts';
import { JsonText } from './json-text.ts';
import type { Slice } from './json-text.ts';

/**
 * TensorFlow Serving feeds a tensor of the shape that it was sent in, whatever the signature says: to a signature whose input and output are `[-1, 1]`,
 * its own first example (half_plus_two) sends the rows 1.0, 2.0, 5.0, and gets scalars back. Here a batch has the signature's shape: such a scalar is
 * the one element of its row (`InputReader`), and the outputs of the same kind lose the lists around theirs.
 */

/** How many lists a row of that tensor is, each of one element; 0 where it is none, or of other sizes. */
function listsOfOne({ shape }: TensorSpec): number {
  const sizes = shape?.slice(1) ?? [];
  return sizes.every((size) => size === 1) ? sizes.length : 0;
}

/** Finds scalars where a signature has lists of one. */
export class ScalarRows {
  readonly #inputs: ReadonlySet<string>;
  readonly #only: string | undefined;

  constructor({ inputs, examples }: Signature) {
    const names = examples === undefined ? inputs.filter((spec) => listsOfOne(spec) > 0).map(({ name }) => name) : [];
    this.#inputs = new Set(names);
    this.#only = inputs.length === 1 ? inputs[0]?.name : undefined;
  }

  /** Whether the instance holds one. */
  inInstance(text: JsonText, item: Slice): boolean {
    if (this.#inputs.size === 0) return false;
    const fields = text.fields(item);
    if (fields === undefined || isBytes(fields))
      return this.#only !== undefined && this.inValue(text, item, this.#only);
    return [...fields].some(([name, slice]) => this.inValue(text, slice, name));
  }

  /** Whether the value of that input is one. */
  inValue(text: JsonText, slice: Slice, name: string): boolean {
    if (!this.#inputs.has(name)) return false;
    const first = text.bytes[slice.start];
    return first !== OPEN_BRACKET && (first !== OPEN_BRACE || isBytes(text.fields(slice)));
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
