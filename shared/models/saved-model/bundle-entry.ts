import { oneLine, PermanentError } from '../../errors.ts';
import type { ModelFiles } from '../model.ts';
import { WHOLE } from './bundle-key.ts';
import type { Extent } from './bundle-key.ts';
import type { TensorShape } from './graph-def.ts';
import { numberOf, shapeOf } from './proto-convert.ts';
import type { RawLong, RawShape } from './proto-raw.ts';
import { decodeMessage } from './proto-decode.ts';
import { readTable } from './sstable.ts';

/** https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/tensor_bundle.proto */

/** What the index says of a tensor or of a slice of one; nothing of it is checked yet. */
export interface BundleEntry {
  readonly dtype: number;
  readonly shape: TensorShape;
  readonly shard: number;
  readonly offset: number;
  readonly size: number;
  /** Masked. */
  readonly crc32c: number;
  /** Of a partitioned tensor: its parts, which have entries of their own. */
  readonly slices: readonly (readonly Extent[])[];
}

export interface BundleIndex {
  readonly shards: number;
  readonly entries: ReadonlyMap<string, BundleEntry>;
}

interface RawHeader {
  readonly numShards: number;
  readonly endianness: number;
}

interface RawEntry {
  readonly dtype: number;
  readonly shape: RawShape | null;
  readonly shardId: number;
  readonly offset: RawLong;
  readonly size: RawLong;
  readonly crc32c: number;
  readonly slices: readonly { readonly extent: readonly RawExtent[] }[];
}

interface RawExtent {
  readonly start: RawLong;
  readonly length: RawLong;
  /** `length` where it is set. */
  readonly hasLength?: string;
}

const LITTLE = 0;
/** Five digits in a shard's name. */
const MAX_SHARDS = 99_999;
/** The header stands first, under the empty key. */
const HEADER_KEY = '';

/** @param name of the index file. @throws PermanentError INVALID_ARGUMENT where it is no index, UNIMPLEMENTED for a big-endian bundle. */
export async function readBundleIndex(files: ModelFiles, name: string): Promise<BundleIndex> {
  const source = `${files.label}: ${name}`;
  const table = readEntries(await files.read(name), source);
  const header = table.get(HEADER_KEY);
  if (!header)
    throw new PermanentError('INVALID_ARGUMENT', `${source} is no index of a tensor bundle: it has no header`);
  const { numShards, endianness } = (await decodeMessage('BundleHeaderProto', header, source)) as RawHeader;
  if (endianness !== LITTLE) {
    throw new PermanentError(
      'UNIMPLEMENTED',
      `${source} is of a big-endian bundle; expected a little-endian one: save the model on such a machine`,
    );
  }
  if (!(numShards >= 1 && numShards <= MAX_SHARDS)) {
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `${source} claims ${numShards} data shards; expected 1 to ${MAX_SHARDS}`,
    );
  }
  table.delete(HEADER_KEY);
  const entries = new Map<string, BundleEntry>();
  for (const [key, value] of table) {
    const raw = (await decodeMessage('BundleEntryProto', value, `${source}, ${JSON.stringify(key)}`)) as RawEntry;
    entries.set(key, entryOf(raw));
  }
  return { shards: numShards, entries };
}

function readEntries(bytes: Uint8Array, source: string): Map<string, Uint8Array> {
  try {
    return readTable(bytes);
  } catch (error) {
    throw new PermanentError('INVALID_ARGUMENT', `${source} cannot be read: ${oneLine(error)}`, { cause: error });
  }
}

function entryOf(raw: RawEntry): BundleEntry {
  return {
    dtype: raw.dtype,
    shape: shapeOf(raw.shape),
    shard: raw.shardId,
    offset: numberOf(raw.offset),
    size: numberOf(raw.size),
    crc32c: raw.crc32c,
    slices: raw.slices.map(({ extent }) =>
      extent.map(({ start, length, hasLength }) => ({
        start: numberOf(start),
        length: hasLength ? numberOf(length) : WHOLE,
      })),
    ),
  };
}
