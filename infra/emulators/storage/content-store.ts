import { Readable } from 'node:stream';
import { ApiError } from './api-error.ts';
import type { Digests } from './checksums.ts';

/** Finished bytes, immutable from then on. */
export interface Content extends Digests {
  readonly contentId: string;
  readonly size: number;
}

/** Bytes being written; nothing can read them before `finish`. */
export interface ContentWriter {
  readonly contentId: string;
  readonly size: number;
  write(bytes: Buffer): Promise<void>;
  /** Gives back open files between two requests; the next write takes them again. */
  release(): Promise<void>;
  finish(): Promise<Content>;
  discard(): Promise<void>;
}

/** Holds finished bytes open: they stay readable even if the object is removed meanwhile. */
export interface ContentReader {
  peek(count: number): Buffer;
  /** The bytes from `start` up to, not including, `end`. */
  read(start: number, end: number): AsyncGenerator<Buffer, void>;
  close(): void;
}

export interface ContentStore {
  create(): ContentWriter;
  /** Continues what an earlier process was writing, cut to a multiple of `granularity`; undefined if it is gone. */
  resume(contentId: string, granularity: number): Promise<ContentWriter | undefined>;
  open(contentId: string): ContentReader;
  remove(contentId: string, size: number): void;
  /** Forgets everything except these (content id → size); run once, when the records are loaded. */
  keepOnly(sizes: ReadonlyMap<string, number>): void;
}

/** Bounds on what is stored, in bytes. */
export interface StorageLimits {
  readonly maxObjectBytes: number;
  readonly maxTotalBytes: number;
}

/** Counts stored bytes against the limits. */
export class Quota {
  readonly limits: StorageLimits;
  #used = 0;

  constructor(limits: StorageLimits) {
    this.limits = limits;
  }

  /** Takes `bytes` more for an object that has `size` already; 413 or 507 if that is too much. */
  take(bytes: number, size: number): void {
    const { maxObjectBytes, maxTotalBytes } = this.limits;
    if (size + bytes > maxObjectBytes) {
      throw new ApiError(413, 'uploadTooLarge', `An object may hold at most ${maxObjectBytes} bytes in this emulator.`);
    }
    if (this.#used + bytes > maxTotalBytes) {
      throw new ApiError(507, 'quotaExceeded', `This emulator stores at most ${maxTotalBytes} bytes.`);
    }
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }

  reset(used: number): void {
    this.#used = used;
  }
}

/** Writes all of `bytes` and finishes; discards what was written if anything throws. */
export async function storeContent(store: ContentStore, bytes: AsyncIterable<Buffer>): Promise<Content> {
  const writer = store.create();
  try {
    for await (const piece of bytes) await writer.write(piece);
    return await writer.finish();
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** A stream over `reader` that closes it however the stream ends, also when nobody ever read from it. */
export function readableOf(reader: ContentReader, start: number, end: number): Readable {
  const blocks = reader.read(start, end);
  return new Readable({
    read() {
      blocks.next().then(
        (block) => this.push(block.done === true ? null : block.value),
        (error: unknown) => this.destroy(error as Error),
      );
    },
    destroy(error, done) {
      const finish = () => {
        reader.close();
        done(error);
      };
      blocks.return().then(finish, finish);
    },
  });
}
