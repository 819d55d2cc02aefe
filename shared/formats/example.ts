import { compareUtf8 } from '../compare-utf8.ts';
import type { StringElement } from '../tensor.ts';
import { asBuffer } from './ascii.ts';
import { ExampleReader, FEATURE_KINDS } from './example-reader.ts';
import type { ExampleFeature } from './example-reader.ts';
import { MAX_VARINT_BYTES, WireWriter, fieldSize, putVarint } from './example-wire-writer.ts';

export type { ExampleFeature };

/**
 * tf.Example: a map of named features, each a list of bytes, floats or int64s.
 * Source: tensorflow/core/example/example.proto and feature.proto.
 */

/**
 * Reads a serialized tf.Example: packed and unpacked lists; fields of other messages are skipped. Of two features of one name the last counts, and one
 * without a list is none, as TensorFlow has it.
 * @throws RowError naming the byte where the message is broken.
 */
export function decodeExample(bytes: Uint8Array): Map<string, ExampleFeature> {
  return new ExampleReader(asBuffer(bytes)).example();
}

/** A feature to be written; text is written as UTF-8. */
export type FeatureValues =
  | { readonly kind: 'bytes'; readonly values: readonly StringElement[] }
  | { readonly kind: 'float'; readonly values: ArrayLike<number> }
  | { readonly kind: 'int64'; readonly values: ArrayLike<bigint> };

/** Tags of fields of bytes, 1 and 2. */
const FIRST = 0x0a;
const SECOND = 0x12;

/** A feature whose sizes are known. */
interface SizedFeature {
  readonly name: Buffer;
  readonly field: number;
  /** What the list's message holds: of bytes, each value; of numbers, all of them packed. */
  readonly values: readonly Buffer[];
  readonly listSize: number;
}

/** Writes a serialized tf.Example: lists packed, features in the order of their names' bytes: equal features give equal bytes. */
export function encodeExample(features: ReadonlyMap<string, FeatureValues>): Uint8Array {
  const sized = [...features]
    .sort(([a], [b]) => compareUtf8(a, b))
    .map(([name, feature]) => sizedFeature(name, feature));
  const size = sized.reduce((sum, feature) => sum + fieldSize(entrySize(feature)), 0);
  if (size === 0) return new Uint8Array(0);
  const out = new WireWriter(fieldSize(size));
  out.field(FIRST, size);
  for (const feature of sized) {
    const { name, field, values, listSize } = feature;
    out.field(FIRST, entrySize(feature));
    out.field(FIRST, name.length);
    out.copy(name);
    out.field(SECOND, fieldSize(listSize));
    out.field((field << 3) | 2, listSize);
    for (const value of values) {
      out.field(FIRST, value.length);
      out.copy(value);
    }
  }
  return out.bytes;
}

/** The bytes of the map's entry: its name and its feature. */
function entrySize({ name, listSize }: SizedFeature): number {
  return fieldSize(name.length) + fieldSize(fieldSize(listSize));
}

function sizedFeature(name: string, feature: FeatureValues): SizedFeature {
  const values = valuesOf(feature);
  const listSize = values.reduce((sum, { length }) => sum + fieldSize(length), 0);
  return { name: Buffer.from(name), field: FEATURE_KINDS.indexOf(feature.kind) + 1, values, listSize };
}

function valuesOf(feature: FeatureValues): Buffer[] {
  switch (feature.kind) {
    case 'bytes':
      return feature.values.map((value) => (typeof value === 'string' ? Buffer.from(value) : asBuffer(value)));
    case 'float':
      return feature.values.length === 0 ? [] : [asBuffer(new Uint8Array(Float32Array.from(feature.values).buffer))];
    case 'int64':
      return feature.values.length === 0 ? [] : [packed(feature.values)];
    default:
      return feature satisfies never;
  }
}

function packed(values: ArrayLike<bigint>): Buffer {
  const bytes = Buffer.allocUnsafe(MAX_VARINT_BYTES * values.length);
  let p = 0;
  for (let index = 0; index < values.length; index++) {
    let rest = BigInt.asUintN(64, values[index] as bigint);
    // Most are small, and numbers are far faster.
    while (rest > 0xffff_ffffn) {
      bytes[p++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    p = putVarint(bytes, p, Number(rest));
  }
  return bytes.subarray(0, p);
}
