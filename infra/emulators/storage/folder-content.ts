import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, read, readdirSync, readSync, rmSync } from 'node:fs';
import { open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Checksums } from './checksums.ts';
import type { Content, ContentReader, ContentStore, ContentWriter, Quota } from './content-store.ts';

/** Size of the pieces files are read in. */
const BLOCK_BYTES = 256 * 1024;

const readFd = promisify(read);

/** Contents as files of a folder, named by content id; never held whole in memory. */
export class FolderContentStore implements ContentStore {
  readonly #folder: string;
  readonly #quota: Quota;

  constructor(folder: string, quota: Quota) {
    this.#folder = folder;
    this.#quota = quota;
    mkdirSync(folder, { recursive: true });
  }

  create(): ContentWriter {
    const contentId = randomUUID();
    return new FileWriter(contentId, join(this.#folder, contentId), this.#quota);
  }

  async resume(contentId: string, granularity: number): Promise<ContentWriter | undefined> {
    const path = join(this.#folder, contentId);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return undefined;
    const size = found.size - (found.size % granularity);
    await truncate(path, size);
    const writer = new FileWriter(contentId, path, this.#quota);
    const reader = this.open(contentId);
    try {
      for await (const block of reader.read(0, size)) writer.count(block);
    } finally {
      reader.close();
    }
    return writer;
  }

  open(contentId: string): ContentReader {
    const fd = openSync(join(this.#folder, contentId), 'r');
    let closed = false;
    return {
      peek(count) {
        const bytes = Buffer.alloc(count);
        return bytes.subarray(0, readSync(fd, bytes, 0, count, 0));
      },
      async *read(start, end) {
        for (let at = start; at < end;) {
          const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, end - at));
          const { bytesRead } = await readFd(fd, block, 0, block.length, at);
          if (bytesRead === 0) throw new Error(`content is shorter than its record [contentId=${contentId}]`);
          yield block.subarray(0, bytesRead);
          at += bytesRead;
        }
      },
      close() {
        if (!closed) closeSync(fd);
        closed = true;
      },
    };
  }

  remove(contentId: string, size: number): void {
    rmSync(join(this.#folder, contentId), { force: true });
    this.#quota.give(size);
  }

  keepOnly(sizes: ReadonlyMap<string, number>): void {
    for (const file of readdirSync(this.#folder)) {
      if (!sizes.has(file)) rmSync(join(this.#folder, file), { force: true });
    }
    this.#quota.reset([...sizes.values()].reduce((sum, size) => sum + size, 0));
  }
}

class FileWriter implements ContentWriter {
  readonly contentId: string;
  size = 0;
  readonly #path: string;
  readonly #quota: Quota;
  readonly #checksums = new Checksums();
  #file: FileHandle | undefined;

  constructor(contentId: string, path: string, quota: Quota) {
    this.contentId = contentId;
    this.#path = path;
    this.#quota = quota;
  }

  async write(bytes: Buffer): Promise<void> {
    this.#quota.take(0, this.size + bytes.length);
    this.#file ??= await open(this.#path, 'a');
    for (let at = 0; at < bytes.length;) at += (await this.#file.write(bytes, at)).bytesWritten;
    this.count(bytes);
  }

  /** Takes account of bytes that are in the file. */
  count(bytes: Buffer): void {
    this.#quota.take(bytes.length, this.size);
    this.size += bytes.length;
    this.#checksums.update(bytes);
  }

  async release(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async finish(): Promise<Content> {
    await this.release();
    if (this.size === 0) await writeFile(this.#path, '');
    return { contentId: this.contentId, size: this.size, ...this.#checksums.digest() };
  }

  async discard(): Promise<void> {
    await this.release();
    await rm(this.#path, { force: true });
    this.#quota.give(this.size);
    this.size = 0;
  }
}
