import { compareUtf8 } from '../../compare-utf8.ts';
import type { StringElement } from '../../tensor.ts';
import { asBuffer } from '../ascii.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { FEATURE_KINDS } from './example-reader.ts';
import { fieldSize, putField, putVarint, varintSize } from './example-wire-writer.ts';

/** A feature to be written; text is written as UTF-8. */
export type FeatureValues =
  | { readonly kind: 'bytes'; readonly values: readonly StringElement[] }
  | { readonly kind: 'float'; readonly values: ArrayLike<number> }
  | { readonly kind: 'int64'; readonly values: ArrayLike<bigint> };

/** Tags of fields of bytes, 1 and 2. */
const FIRST = 0x0a;
const SECOND = 0x12;

/** Names whose bytes are kept: as many as the features of any model. */
const MAX_NAMES = 10_000;
const names = new Map<string, Buffer>();

/** A feature whose sizes are known. */
interface SizedFeature {
  readonly name: Buffer;
  readonly feature: FeatureValues;
  /** What the list's message holds of bytes: each value. */
  readonly parts: readonly Buffer[];
  /** Bytes of the packed list, where it is one of numbers. */
  readonly packed: number;
  readonly listSize: number;
  /** Bytes of the map's entry: its name and its feature. */
  readonly size: number;
}

/** Writes a serialized tf.Example: lists packed, features in the order of their names' bytes: equal features give equal bytes. */
export function writeExample(out: ByteWriter, features: ReadonlyMap<string, FeatureValues>): void {
  const sized: SizedFeature[] = [];
  let size = 0;
  for (const [name, feature] of ordered(features)) {
    const entry = sizedFeature(name, feature);
    size += fieldSize(entry.size);
    sized.push(entry);
  }
  if (size === 0) return;
  const bytes = out.reserve(fieldSize(size));
  let p = putField(bytes, out.length, FIRST, size);
  for (const { name, feature, parts, packed, listSize, size: entrySize } of sized) {
    p = putField(bytes, p, FIRST, entrySize);
    p = putBytes(bytes, putField(bytes, p, FIRST, name.length), name);
    p = putField(bytes, p, SECOND, fieldSize(listSize));
    p = putField(bytes, p, ((FEATURE_KINDS.indexOf(feature.kind) + 1) << 3) | 2, listSize);
    for (const part of parts) p = putBytes(bytes, putField(bytes, p, FIRST, part.length), part);
    if (packed > 0) p = putNumbers(bytes, putField(bytes, p, FIRST, packed), feature);
  }
  out.length = p;
}

function ordered(features: ReadonlyMap<string, FeatureValues>): Iterable<readonly [string, FeatureValues]> {
  return features.size < 2 ? features : [...features].sort(([a], [b]) => compareUtf8(a, b));
}

function sizedFeature(name: string, feature: FeatureValues): SizedFeature {
  const nameBytes = bytesOfName(name);
  const parts = feature.kind === 'bytes' ? feature.values.map(bytesOf) : [];
  const packed = packedSize(feature);
  let listSize = packed === 0 ? 0 : fieldSize(packed);
  for (const { length } of parts) listSize += fieldSize(length);
  const size = fieldSize(nameBytes.length) + fieldSize(fieldSize(listSize));
  return { name: nameBytes, feature, parts, packed, listSize, size };
}

function bytesOf(value: StringElement): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : asBuffer(value);
}

function bytesOfName(name: string): Buffer {
  let bytes = names.get(name);
  if (bytes === undefined) {
    bytes = Buffer.from(name);
    if (names.size >= MAX_NAMES) names.clear();
    names.set(name, bytes);
  }
  return bytes;
}

function packedSize(feature: FeatureValues): number {
  switch (feature.kind) {
    case 'bytes':
      return 0;
    case 'float':
      return 4 * feature.values.length;
    case 'int64': {
      let size = 0;
      for (let index = 0; index < feature.values.length; index++) size += int64Size(feature.values[index] as bigint);
      return size;
    }
    default:
      return feature satisfies never;
  }
}

/** The first integer that a varint of five bytes, seven bits in each, does not hold. */
const FIVE_BYTES = 1n << 35n;

/** Negative numbers take all ten bytes. */
function int64Size(value: bigint): number {
  const unsigned = BigInt.asUintN(64, value);
  return unsigned < FIVE_BYTES ? varintSize(Number(unsigned)) : 5 + varintSize(Number(unsigned >> 35n));
}

function putBytes(bytes: Buffer, at: number, part: Buffer): number {
  part.copy(bytes, at);
  return at + part.length;
}

function putNumbers(bytes: Buffer, at: number, feature: FeatureValues): number {
  let p = at;
  if (feature.kind === 'float') {
    const { values } = feature;
    for (let index = 0; index < values.length; index++) p = bytes.writeFloatLE(values[index] as number, p);
  } else if (feature.kind === 'int64') {
    const { values } = feature;
    for (let index = 0; index < values.length; index++) p = putInt64(bytes, p, values[index] as bigint);
  }
  return p;
}

function putInt64(bytes: Buffer, at: number, value: bigint): number {
  let p = at;
  let rest = BigInt.asUintN(64, value);
  // Most are small, and numbers are far faster.
  while (rest > 0xffff_ffffn) {
    bytes[p++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  return putVarint(bytes, p, Number(rest));
}
