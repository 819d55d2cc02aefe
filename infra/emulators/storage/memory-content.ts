import { randomUUID } from 'node:crypto';
import { Checksums } from './checksums.ts';
import type { Content, ContentReader, ContentStore, ContentWriter, Quota } from './content-store.ts';

/** Size of the pieces a download is sent in. */
const BLOCK_BYTES = 256 * 1024;

/** Contents in memory, for tests. */
export class MemoryContentStore implements ContentStore {
  readonly #contents = new Map<string, Buffer>();
  readonly #quota: Quota;

  constructor(quota: Quota) {
    this.#quota = quota;
  }

  create(): ContentWriter {
    return new MemoryWriter(this.#quota, (contentId, bytes) => this.#contents.set(contentId, bytes));
  }

  resume(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  open(contentId: string): ContentReader {
    const bytes = this.#contents.get(contentId);
    if (bytes === undefined) throw new Error(`content is missing [contentId=${contentId}]`);
    return {
      peek: (count) => bytes.subarray(0, count),
      // eslint-disable-next-line @typescript-eslint/require-await -- the interface is for disks too
      async *read(start, end) {
        for (let at = start; at < end; at += BLOCK_BYTES) yield bytes.subarray(at, Math.min(end, at + BLOCK_BYTES));
      },
      close: () => undefined,
    };
  }

  remove(contentId: string, size: number): void {
    if (this.#contents.delete(contentId)) this.#quota.give(size);
  }

  keepOnly(): void {
    // Nothing outlives the process.
  }
}

class MemoryWriter implements ContentWriter {
  readonly contentId = randomUUID();
  size = 0;
  readonly #quota: Quota;
  readonly #keep: (contentId: string, bytes: Buffer) => void;
  readonly #checksums = new Checksums();
  #pieces: Buffer[] = [];

  constructor(quota: Quota, keep: (contentId: string, bytes: Buffer) => void) {
    this.#quota = quota;
    this.#keep = keep;
  }

  write(bytes: Buffer): Promise<void> {
    this.#quota.take(bytes.length, this.size);
    this.size += bytes.length;
    this.#checksums.update(bytes);
    this.#pieces.push(bytes);
    return Promise.resolve();
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  finish(): Promise<Content> {
    this.#keep(this.contentId, Buffer.concat(this.#pieces));
    this.#pieces = [];
    return Promise.resolve({ contentId: this.contentId, size: this.size, ...this.#checksums.digest() });
  }

  discard(): Promise<void> {
    this.#quota.give(this.size);
    this.size = 0;
    this.#pieces = [];
    return Promise.resolve();
  }
}
