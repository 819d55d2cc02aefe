import { PermanentError } from '../../shared/errors.ts';
import { RangeCutter } from '../../shared/formats/range-cutter.ts';
import type { Cut } from '../../shared/formats/range-cutter.ts';
import { formatOf } from '../../shared/formats/registry.ts';
import { gunzip, isGzipError } from '../../shared/input.ts';
import { locationOf } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import { stagedName } from '../../shared/names.ts';
import type { ByteStream, ObjectStore } from '../../shared/ports.ts';
import type { Shard, Split, SplitRecord } from '../../shared/shard.ts';
import { isIndependent } from '../../shared/split-plan.ts';
import { PendingBytes } from './pending-bytes.ts';

/** Takes one shard; the next is cut when it is done. */
export type EmitShard = (shard: Shard) => Promise<void>;

/**
 * Reads a split and cuts it into shards, in order. An input that can be ranged is only looked through: its shards are ranges of it. One that
 * cannot (gzip) is decompressed, and the shards that are wanted are staged as objects of their own.
 * @param start where the split's first record begins, known where its input must be read in sequence.
 * @param wanted whether a shard still needs scoring: what does not is not staged.
 * @throws PermanentError DATA_LOSS where the compressed data is broken; NOT_FOUND where the input has changed.
 */
export async function cutSplit(
  objects: ObjectStore,
  job: Job,
  split: Split,
  start: number | undefined,
  wanted: (shard: number) => boolean,
  emit: EmitShard,
): Promise<SplitRecord> {
  const begin = start ?? split.start;
  const sync = start === undefined && !split.first;
  const cutter = cutterOf(job, split, begin, sync);
  let shards = 0;
  const toShard = (cut: Cut, object: Shard['object'], at: number): Shard => ({
    split: split.index,
    shard: shards,
    object,
    start: cut.start - at,
    end: cut.end - at,
    rows: cut.rows,
    oversize: cut.oversize,
  });
  const { bucket, name, generation } = split.input;
  const place = split.whole
    ? async (cut: Cut, pending: PendingBytes): Promise<Shard> => {
        if (cut.oversize || !wanted(shards)) return toShard(cut, { bucket, name, generation }, 0);
        const { scratch } = job.plan;
        const staged = stagedName(scratch.prefix, split.index, shards);
        const { object } = await objects.create(scratch.bucket, staged, pending.slice(cut.start, cut.end));
        return toShard(cut, { bucket: object.bucket, name: object.name, generation: object.generation }, cut.start);
      }
    : (cut: Cut): Promise<Shard> => Promise.resolve(toShard(cut, { bucket, name, generation }, 0));

  const pending = new PendingBytes(begin, split.whole ? job.spec.maxRowBytes : 0);
  const take = async (cuts: readonly Cut[]): Promise<void> => {
    for (const cut of cuts) {
      await emit(await place(cut, pending));
      pending.dropBefore(cut.end);
      shards++;
    }
  };
  for await (const chunk of contentOf(objects, split, sync ? begin - 1 : begin)) {
    if (split.whole) pending.push(chunk);
    await take(cutter.push(chunk));
    pending.dropOversize(cutter.end);
    if (cutter.done) break;
  }
  await take(cutter.finish());
  return { split: split.index, start: cutter.start, end: cutter.end, shards, rows: cutter.rows };
}

/** @param sync nobody knows whether a record begins at `start`: the cutter looks for the first newline. */
function cutterOf(job: Job, split: Split, start: number, sync: boolean): RangeCutter {
  if (sync && !isIndependent(split))
    throw new Error(`split ${split.index} needs to be told where it begins [job=${job.id}]`);
  return new RangeCutter({
    format: formatOf(split.input.format),
    start,
    end: split.end,
    begin: sync ? 'sync' : 'exact',
    maxItems: job.spec.maxItemsPerBatch,
    maxBytes: job.spec.maxInputBytesPerBatch,
    maxRowBytes: job.spec.maxRowBytes,
  });
}

/** The input's bytes from the offset to its end, decompressed; they are read as far as they are asked for. */
async function* contentOf(objects: ObjectStore, split: Split, from: number): ByteStream {
  const { input } = split;
  if (!split.whole) {
    yield* objects.read(input, from, input.size);
    return;
  }
  let skip = from;
  try {
    for await (const chunk of gunzip(objects.read(input, 0, input.size))) {
      if (skip < chunk.length) yield chunk.subarray(skip);
      skip = Math.max(0, skip - chunk.length);
    }
  } catch (error) {
    if (!isGzipError(error)) throw error;
    throw new PermanentError('DATA_LOSS', `input ${locationOf(input)}: the gzip data is broken: ${error.message}`, {
      cause: error,
    });
  }
}
