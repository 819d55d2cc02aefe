import { createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { pipeline, Readable } from 'node:stream';
import type { Transform } from 'node:stream';

import type { ByteStream } from './object.ts';

/** What the bytes of an input are packed in; a packed input cannot be read by ranges. */
export type Compression = 'none' | 'gzip' | 'zlib' | 'zstd';

/** By the suffix that follows the format's own: `instances.jsonl.gz`. */
export const COMPRESSION_SUFFIXES: Readonly<Record<string, Compression>> = {
  gz: 'gzip',
  zlib: 'zlib',
  zst: 'zstd',
  zstd: 'zstd',
};

const CHUNK_BYTES = 256 * 1024;

/**
 * Whether a file that begins so can be of this compression. gzip (RFC 1952) and zstd (RFC 8878, or a skippable frame) have magic numbers; zlib
 * (RFC 1950) has only a check of two bytes, which one text in thirty passes: ask for it only where something else hints at it.
 */
export function looksLike(head: Uint8Array, compression: Compression): boolean {
  const [a = 0, b = 0, c = 0, d = 0] = head;
  switch (compression) {
    case 'none':
      return true;
    case 'gzip':
      return a === 0x1f && b === 0x8b;
    case 'zlib':
      return head.length >= 2 && (a & 0x0f) === 8 && a >> 4 <= 7 && (a * 256 + b) % 31 === 0;
    case 'zstd':
      return (
        (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) ||
        ((a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18)
      );
  }
}

/**
 * The unpacked bytes, streamed: memory is bounded by the chunks, and for zstd by its window (128 MiB at most), however much comes out of how
 * little. Members or frames one after another are one stream. Who stops reading closes the source too.
 * @throws an error for which `isCompressionError` holds, where the data is broken or ends early.
 */
export function decompress(content: ByteStream, compression: Compression): ByteStream {
  switch (compression) {
    case 'none':
      return content;
    case 'gzip':
      return gunzip(content);
    case 'zlib':
      return frames(content, () => createInflate({ chunkSize: CHUNK_BYTES }), false);
    case 'zstd':
      return frames(content, () => createZstdDecompress({ chunkSize: CHUNK_BYTES }), true);
  }
}

/** Whether the packed data was refused (as against the store failing to give it). */
export function isCompressionError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^Z(STD)?_/.test(error.code);
}

/** Node reads gzip members one after another by itself. */
function gunzip(content: ByteStream): ByteStream {
  const sink = createGunzip({ chunkSize: CHUNK_BYTES });
  // Whatever fails destroys the sink with that error: whoever reads it sees it there.
  pipeline(Readable.from(content, { objectMode: false }), sink, () => undefined);
  return sink;
}

/** A decompressor that tells how much of what was written it took. */
type Unpacker = Transform & { readonly bytesWritten: number };

/**
 * Unpacks frame by frame: Node's zstd and inflate streams stop at the end of the first frame and drop what follows it in the same chunk.
 * @param several whether further frames may follow the first.
 */
async function* frames(content: ByteStream, create: () => Unpacker, several: boolean): ByteStream {
  const source = new PushBack(content);
  try {
    for (let first = true; first || (await source.more()); first = false) {
      if (!first && !several) throw broken('data follows the end of the compressed stream');
      yield* frame(source, create());
    }
  } finally {
    await source.close();
  }
}

/** Unpacks one frame, or several that end where chunks do, and gives back to the source what it did not take. */
async function* frame(source: PushBack, unpacker: Unpacker): ByteStream {
  let failed: Error | undefined;
  const writing = feed(source, unpacker).catch((error: unknown) => {
    failed = error instanceof Error ? error : new Error(String(error));
    unpacker.destroy(failed);
  });
  try {
    yield* unpacker as AsyncIterable<Uint8Array>;
    await writing;
    if (failed !== undefined) throw failed;
  } finally {
    unpacker.destroy();
  }
}

async function feed(source: PushBack, unpacker: Unpacker): Promise<void> {
  let fed = 0;
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
    if (!(await written(unpacker, chunk))) return;
    fed += chunk.length;
    const left = fed - unpacker.bytesWritten;
    if (left > 0) {
      source.giveBack(chunk.subarray(chunk.length - left));
      return;
    }
  }
  unpacker.end();
}

/** Writes one chunk; false where the stream is gone (its reader has stopped, or was told the error). */
function written(unpacker: Unpacker, chunk: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    const closed = (): void => {
      resolve(false);
    };
    unpacker.once('close', closed);
    unpacker.write(chunk, (error) => {
      unpacker.off('close', closed);
      resolve(error === null || error === undefined);
    });
  });
}

/** A stream of chunks into which the rest of a chunk can be put back. */
class PushBack {
  readonly #source: AsyncIterator<Uint8Array>;
  #returned: Uint8Array | undefined;

  constructor(content: ByteStream) {
    this.#source = content[Symbol.asyncIterator]();
  }

  async next(): Promise<Uint8Array | undefined> {
    const returned = this.#returned;
    this.#returned = undefined;
    if (returned !== undefined) return returned;
    const next = await this.#source.next();
    return next.done === true ? undefined : next.value;
  }

  giveBack(chunk: Uint8Array): void {
    this.#returned = chunk;
  }

  /** Whether another byte comes. */
  async more(): Promise<boolean> {
    for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) {
      if (chunk.length > 0) {
        this.#returned = chunk;
        return true;
      }
    }
    return false;
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

function broken(message: string): Error {
  return Object.assign(new Error(message), { code: 'Z_DATA_ERROR' });
}
