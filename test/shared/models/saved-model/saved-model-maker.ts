import { crc32c, maskCrc32c } from '../../../../shared/crc32c.ts';
import { DT } from '../../../../shared/models/saved-model/graph-def.ts';
import { protoType } from '../../../../shared/models/saved-model/proto-schema.ts';

/** Writes small SavedModels in memory, so that tests need no TensorFlow: the protos by our own schema, the bundle by hand. */

/** A tensor to be stored: strings as text or bytes, numbers in the storage of their dtype. */
export interface MadeTensor {
  readonly dtype: number;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView | readonly (string | Uint8Array)[];
  readonly shard?: number;
}

/** A message as protobufjs takes it: camelCase fields; what is a map in TensorFlow is a list of `{key, value}`. */
type Message = Readonly<Record<string, unknown>>;

export async function encodeProto(name: string, message: Message): Promise<Uint8Array> {
  const type = await protoType(name);
  return Uint8Array.from(type.encode(type.fromObject(message)).finish());
}

/** saved_model.pb of one meta graph, tagged `serve`. */
export function savedModelPb(metaGraph: Message): Promise<Uint8Array> {
  return encodeProto('SavedModel', { metaGraphs: [{ metaInfoDef: { tags: ['serve'] }, ...metaGraph }] });
}

export function shapeProto(shape: readonly number[]): Message {
  return { dim: shape.map((size) => ({ size })) };
}

/** The values of the index's entries, changed as the test will. */
export type EntryChange = (key: string, entry: Record<string, unknown>) => void;

/** A tensor bundle's files, under `variables/`. Keys of slices are latin1 text. */
export async function bundleFiles(
  tensors: Readonly<Record<string, MadeTensor | Message>>,
  {
    shards = 1,
    change = () => undefined,
    header = {},
  }: { shards?: number; change?: EntryChange; header?: Message } = {},
): Promise<Record<string, Uint8Array>> {
  const data = Array.from({ length: shards }, () => new Uint8Array(0));
  const entries: [string, Uint8Array][] = [
    ['', await encodeProto('BundleHeaderProto', { numShards: shards, ...header })],
  ];
  for (const [key, tensor] of Object.entries(tensors)) {
    let entry: Record<string, unknown>;
    if ('data' in tensor) {
      const made = tensor as MadeTensor;
      const shardId = made.shard ?? 0;
      const { bytes, crc } = storedBytes(made);
      const before = data[shardId] ?? new Uint8Array(0);
      entry = {
        ...{ dtype: made.dtype, shape: shapeProto(made.shape), shardId },
        ...{ offset: before.length, size: bytes.length, crc32c: maskCrc32c(crc) },
      };
      data[shardId] = Buffer.concat([before, bytes]);
    } else entry = { ...tensor };
    change(key, entry);
    entries.push([key, await encodeProto('BundleEntryProto', entry)]);
  }
  const name = (shard: number): string =>
    `variables/variables.data-${String(shard).padStart(5, '0')}-of-${String(shards).padStart(5, '0')}`;
  return {
    'variables/variables.index': table(entries),
    ...Object.fromEntries(data.map((bytes, shard) => [name(shard), bytes])),
  };
}

function storedBytes({ dtype, data }: MadeTensor): { bytes: Uint8Array; crc: number } {
  if (dtype !== DT.STRING) {
    const { buffer, byteOffset, byteLength } = data as ArrayBufferView;
    const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
    return { bytes, crc: crc32c(bytes) };
  }
  const strings = (data as readonly (string | Uint8Array)[]).map((value) => Buffer.from(value as string));
  let crc = strings.reduce((sum, { length }) => crc32c(uint32(length), sum), 0);
  const checksum = uint32(maskCrc32c(crc));
  crc = strings.reduce((sum, bytes) => crc32c(bytes, sum), crc32c(checksum, crc));
  return { bytes: Buffer.concat([...strings.map(({ length }) => varint(length)), checksum, ...strings]), crc };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** How a table is written: entries a block, a block's content as it is stored, and its compression. */
interface TableOptions {
  readonly perBlock?: number;
  readonly compress?: (block: Uint8Array) => Uint8Array;
  readonly compression?: number;
  /** False: in the order given. */
  readonly sort?: boolean;
}

/** LevelDB's table of these entries, keys being latin1 text. */
export function table(
  entries: readonly (readonly [key: string, value: Uint8Array])[],
  { perBlock = 2, compress = (block) => block, compression = 0, sort = true }: TableOptions = {},
): Uint8Array {
  const ordered = sort ? entries.toSorted(([a], [b]) => (a < b ? -1 : 1)) : entries;
  const parts: Uint8Array[] = [];
  let at = 0;
  const write = (content: Uint8Array): Buffer => {
    const stored = Buffer.concat([compress(content), Buffer.of(compression)]);
    const handle = Buffer.concat([varint(at), varint(stored.length - 1)]);
    parts.push(stored, uint32(maskCrc32c(crc32c(stored))));
    at += stored.length + 4;
    return handle;
  };
  const index: [string, Uint8Array][] = [];
  for (let i = 0; i < ordered.length; i += perBlock) {
    const group = ordered.slice(i, i + perBlock);
    index.push([group.at(-1)?.[0] ?? '', write(block(group))]);
  }
  const footer = Buffer.alloc(48);
  Buffer.concat([write(block([])), write(block(index))]).copy(footer);
  footer.writeUInt32LE(0x8b80fb57, 40);
  footer.writeUInt32LE(0xdb477524, 44);
  return Buffer.concat([...parts, footer]);
}

/** Keys share what they can with the one before; one restart point. */
function block(entries: readonly (readonly [string, Uint8Array])[]): Buffer {
  let last = '';
  const written = entries.map(([key, value]) => {
    let shared = 0;
    while (shared < Math.min(last.length, key.length) && last[shared] === key[shared]) shared++;
    last = key;
    const rest = Buffer.from(key.slice(shared), 'latin1');
    return Buffer.concat([varint(shared), varint(rest.length), varint(value.length), rest, value]);
  });
  return Buffer.concat([...written, uint32(0), uint32(1)]);
}
