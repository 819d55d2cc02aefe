import { PermanentError } from '../../shared/errors.ts';
import { RangeCutter } from '../../shared/formats/range-cutter.ts';
import type { Cut } from '../../shared/formats/range-cutter.ts';
import { formatOf, openTable } from '../../shared/formats/registry.ts';
import type { TableName } from '../../shared/formats/table.ts';
import { randomAccess, unpacked } from '../../shared/input.ts';
import { locationOf } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import { stagedName } from '../../shared/names.ts';
import type { ByteStream, ObjectStore, TableSource } from '../../shared/ports.ts';
import type { Input, Shard, Split, SplitRecord } from '../../shared/shard.ts';
import { isIndependent } from '../../shared/split-plan.ts';
import { tableInputLines } from '../../shared/table-input.ts';
import { PendingBytes } from './pending-bytes.ts';

/** Takes one shard; the next is cut when it is done. */
export type EmitShard = (shard: Shard) => Promise<void>;

/** Shards staged at the same time: each is an object of some megabytes, and its creation takes some 50 ms. */
const STAGED_AT_ONCE = 8;
/** Bytes of them: a shard, or one record, may be of 64 MiB. */
const STAGED_BYTES = 32 * 1024 * 1024;

/**
 * Reads a split and cuts it into shards, in order. An input that can be ranged is only looked through: its shards are ranges of it. One that
 * cannot (gzip) is unpacked, a unit of a table read as JSON lines, and the shards that are wanted are staged as objects of their own.
 * @param start where the split's first record begins, known where its input must be read in sequence.
 * @param wanted whether a shard still needs scoring: what does not is not staged.
 * @param tables where an input may be a table that is no file.
 * @throws PermanentError DATA_LOSS where the packed data is broken; NOT_FOUND where the input has changed.
 */
export async function cutSplit(
  objects: ObjectStore,
  job: Job,
  split: Split,
  start: number | undefined,
  wanted: (shard: number) => boolean,
  emit: EmitShard,
  tables?: TableSource,
): Promise<SplitRecord> {
  const begin = start ?? split.start;
  const sync = start === undefined && !split.first && !split.whole && split.input.layout === undefined;
  const cutter = cutterOf(job, split, begin, sync);
  const { bucket, name, generation } = split.input;
  const toShard = (shard: number, cut: Cut, object: Shard['object'], at: number): Shard => ({
    split: split.index,
    shard,
    object,
    start: cut.start - at,
    end: cut.end - at,
    rows: cut.rows,
    oversize: cut.oversize,
  });
  const pending = new PendingBytes(begin, split.whole ? job.spec.maxRowBytes : 0);
  const place = async (shard: number, cut: Cut): Promise<Shard> => {
    if (!split.whole || cut.oversize || !wanted(shard)) return toShard(shard, cut, { bucket, name, generation }, 0);
    const { scratch } = job.plan;
    const staged = stagedName(scratch.prefix, split.index, shard);
    const { object } = await objects.create(scratch.bucket, staged, pending.slice(cut.start, cut.end));
    return toShard(shard, cut, { bucket: object.bucket, name: object.name, generation: object.generation }, cut.start);
  };

  let shards = 0;
  /** In order; those that are staged, several at a time. */
  const placing: { readonly shard: Promise<Shard>; readonly bytes: number }[] = [];
  let placingBytes = 0;
  const emitFirst = async (): Promise<void> => {
    const first = placing.shift();
    if (first === undefined) return;
    await emit(await first.shard);
    placingBytes -= first.bytes;
  };
  const take = async (cuts: readonly Cut[]): Promise<void> => {
    for (const cut of cuts) {
      const shard = place(shards, cut);
      shard.catch(() => undefined); // it is told when its turn comes
      const bytes = split.whole && !cut.oversize ? cut.end - cut.start : 0;
      placing.push({ shard, bytes });
      placingBytes += bytes;
      pending.dropBefore(cut.end);
      shards++;
      const atOnce = split.whole ? STAGED_AT_ONCE : 1;
      while (placing.length >= atOnce || placingBytes > STAGED_BYTES) await emitFirst();
    }
  };
  for await (const chunk of contentOf(objects, tables, split, sync ? begin - 1 : begin)) {
    if (split.whole) pending.push(chunk);
    await take(cutter.push(chunk));
    pending.dropOversize(cutter.end);
    if (cutter.done) break;
  }
  await take(cutter.finish());
  while (placing.length > 0) await emitFirst();
  return { split: split.index, start: cutter.start, end: cutter.end, shards, rows: cutter.rows };
}

/** @param sync nobody knows whether a record begins at `start`: the cutter looks for the first newline. */
function cutterOf(job: Job, split: Split, start: number, sync: boolean): RangeCutter {
  if (sync && !isIndependent(split))
    throw new Error(`split ${split.index} needs to be told where it begins [job=${job.id}]`);
  return new RangeCutter({
    format: formatOf(split.input.format),
    ...(split.input.layout && { layout: split.input.layout }),
    start,
    end: split.end,
    begin: sync ? 'sync' : 'exact',
    maxItems: job.spec.maxItemsPerBatch,
    maxBytes: job.spec.maxInputBytesPerBatch,
    maxRowBytes: job.spec.maxRowBytes,
  });
}

/** The bytes that the split's records are found in, from the offset on; they are read as far as they are asked for. */
async function* contentOf(
  objects: ObjectStore,
  tables: TableSource | undefined,
  split: Split,
  from: number,
): ByteStream {
  const { input } = split;
  if (input.layout !== undefined) yield* anything(split.end - from);
  else if (split.whole) yield* skip(linesOf(objects, tables, split), from);
  else yield* objects.read(input, from, input.size);
}

function linesOf(objects: ObjectStore, tables: TableSource | undefined, { input, unit }: Split): ByteStream {
  if (input.table === undefined || unit === undefined) return unpacked(objects, input);
  if (input.table.format === 'bigquery') return tableInputLines(tables, input, unit);
  return tableLines(objects, input, input.table.format, unit);
}

/** @throws PermanentError naming the file, which the table's reader does not know. */
async function* tableLines(objects: ObjectStore, input: Input, format: TableName, unit: number): ByteStream {
  try {
    const table = await openTable(format, randomAccess(objects, input));
    yield* table.lines(unit);
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    throw new PermanentError(error.status, `input ${locationOf(input)}: ${error.message}`, { cause: error });
  }
}

const NOTHING = new Uint8Array(1024 * 1024);

/** So many bytes, of which only the number matters: where records are of one size, nothing is read to find them. */
function* anything(bytes: number): Generator<Uint8Array> {
  for (let left = bytes; left > 0; left -= NOTHING.length) yield NOTHING.subarray(0, left);
}

async function* skip(content: ByteStream, bytes: number): ByteStream {
  let left = bytes;
  for await (const chunk of content) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
