import { isUtf8 } from 'node:buffer';

import { BYTES, FIXED32, VARINT, WireReader } from './example-wire.ts';
import { RowError } from '../row-error.ts';

/** A feature as it was read; bytes are views of what was read. */
export type ExampleFeature =
  | { readonly kind: 'bytes'; readonly values: Uint8Array[] }
  | { readonly kind: 'float'; readonly values: number[] | Float32Array }
  | { readonly kind: 'int64'; readonly values: bigint[] };

/** The kinds of feature by the numbers of their fields, from 1. */
export const FEATURE_KINDS = ['bytes', 'float', 'int64'] as const;

/** More byte strings and features than an Example of one record holds: each of them takes far more memory than wire bytes. */
const MAX_PARTS = 1 << 20;
/** A name as it was read: the next Example's name in this place is likely the same. */
interface KnownName {
  readonly bytes: Buffer;
  readonly text: string;
}

/** The names of so many features, in the places where they were met last, are kept from Example to Example; longer names are read each time. */
const MAX_KNOWN = 256;
const MAX_KNOWN_BYTES = 64;
const knownNames: KnownName[] = [];

/** Packed floats of no more bytes are read one by one. */
const SHORT_BYTES = 32;

/** Reads one serialized tf.Example: what `decodeExample` says. */
export class ExampleReader {
  readonly #wire: WireReader;
  #parts = 0;
  /** Names so far. */
  #names = 0;

  constructor(bytes: Buffer) {
    this.#wire = new WireReader(bytes);
  }

  example(): Map<string, ExampleFeature> {
    const features = new Map<string, ExampleFeature>();
    this.#messages(this.#wire.bytes.length, 1, (end) => {
      this.#messages(end, 1, (entryEnd) => {
        this.#entry(entryEnd, features);
      });
    });
    return features;
  }

  #entry(end: number, features: Map<string, ExampleFeature>): void {
    const wire = this.#wire;
    let name = '';
    let feature: ExampleFeature | undefined;
    this.#count();
    while (wire.pos < end) {
      const field = wire.tag(end);
      if (wire.type !== BYTES || field > 2) {
        wire.skip(end);
        continue;
      }
      const valueEnd = wire.length(end);
      if (field === 1) name = this.#text(valueEnd);
      else feature = this.#feature(valueEnd, feature);
    }
    if (feature === undefined) features.delete(name);
    else features.set(name, feature);
  }

  /** @param before what was read of this feature already: a list of the same kind goes on, one of another replaces it. */
  #feature(end: number, before: ExampleFeature | undefined): ExampleFeature | undefined {
    const wire = this.#wire;
    let feature = before;
    while (wire.pos < end) {
      const kind = FEATURE_KINDS[wire.tag(end) - 1];
      if (wire.type !== BYTES || kind === undefined) {
        wire.skip(end);
        continue;
      }
      const listEnd = wire.length(end);
      if (kind === 'bytes') feature = this.#byteStrings(listEnd, feature?.kind === kind ? feature.values : []);
      else if (kind === 'float') feature = this.#floats(listEnd, feature?.kind === kind ? feature.values : []);
      else feature = this.#integers(listEnd, feature?.kind === kind ? feature.values : []);
    }
    return feature;
  }

  #byteStrings(end: number, values: Uint8Array[]): ExampleFeature {
    const { bytes } = this.#wire;
    this.#messages(end, 1, (valueEnd) => {
      this.#count();
      values.push(new Uint8Array(bytes.buffer, bytes.byteOffset + this.#wire.pos, valueEnd - this.#wire.pos));
      this.#wire.pos = valueEnd;
    });
    return { kind: 'bytes', values };
  }

  #floats(end: number, before: number[] | Float32Array): ExampleFeature {
    const wire = this.#wire;
    let values = before;
    while (wire.pos < end) {
      const field = wire.tag(end);
      if (field === 1 && wire.type === BYTES) {
        const listEnd = wire.length(end);
        const size = listEnd - wire.pos;
        // One packed list is the feature; a short one is faster read as any other.
        if (values.length === 0 && size % 4 === 0 && size > SHORT_BYTES) values = this.#packedFloats(listEnd);
        else {
          values = Array.isArray(values) ? values : Array.from(values);
          while (wire.pos < listEnd) values.push(wire.float(listEnd));
        }
      } else if (field === 1 && wire.type === FIXED32) {
        values = Array.isArray(values) ? values : Array.from(values);
        values.push(wire.float(end));
      } else wire.skip(end);
    }
    return { kind: 'float', values };
  }

  /** A copy: the list need not be aligned. */
  #packedFloats(end: number): Float32Array {
    const { bytes, pos } = this.#wire;
    const at = bytes.byteOffset + pos;
    this.#wire.pos = end;
    return new Float32Array(bytes.buffer.slice(at, at + end - pos));
  }

  #integers(end: number, values: bigint[]): ExampleFeature {
    const wire = this.#wire;
    while (wire.pos < end) {
      const field = wire.tag(end);
      if (field === 1 && wire.type === BYTES) {
        const listEnd = wire.length(end);
        while (wire.pos < listEnd) values.push(wire.int64(listEnd));
      } else if (field === 1 && wire.type === VARINT) values.push(wire.int64(end));
      else wire.skip(end);
    }
    return { kind: 'int64', values };
  }

  /** Reads a message of which one field, of bytes, is wanted. `read` takes it from `pos` up to its end. */
  #messages(end: number, wanted: number, read: (end: number) => void): void {
    const wire = this.#wire;
    while (wire.pos < end) {
      if (wire.tag(end) === wanted && wire.type === BYTES) read(wire.length(end));
      else wire.skip(end);
    }
  }

  #text(end: number): string {
    const { bytes, pos } = this.#wire;
    const place = this.#names++;
    const known = knownNames[place];
    if (known?.bytes.length === end - pos && stands(known.bytes, bytes, pos)) {
      this.#wire.pos = end;
      return known.text;
    }
    const name = bytes.subarray(pos, end);
    if (!isUtf8(name)) {
      throw new RowError(
        `instance: no tf.Example: found a feature's name that is not UTF-8 at byte ${pos} of it, expected UTF-8`,
      );
    }
    this.#wire.pos = end;
    const text = name.toString('utf8');
    if (place < MAX_KNOWN && name.length <= MAX_KNOWN_BYTES) knownNames[place] = { bytes: Buffer.from(name), text };
    return text;
  }

  #count(): void {
    if (++this.#parts > MAX_PARTS) {
      throw new RowError(
        `instance: tf.Example: found more than ${MAX_PARTS} features and byte strings, expected at most that`,
      );
    }
  }
}

/** Whether the name is what stands at `at`. */
function stands(name: Buffer, bytes: Buffer, at: number): boolean {
  for (let index = 0; index < name.length; index++) if (bytes[at + index] !== name[index]) return false;
  return true;
}
