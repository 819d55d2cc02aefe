import { link as hardLink, lstat, mkdir, open, realpath, rmdir, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';

import { PermanentError } from '../../shared/errors.ts';
import { locationOf } from '../../shared/job.ts';
import type { ByteStream, Created, ObjectRef, ObjectStat, ObjectStore, StoredObject } from '../../shared/ports.ts';
import { combineCrc32c, crc32c, encodeCrc32c } from '../../shared/crc32c.ts';
import { createFile } from './create-file.ts';
import {
  errorCode,
  fileError,
  generationOf,
  isMissing,
  readRange,
  sweepTemporaryFiles,
  syncFolder,
  writeAll,
} from './files.ts';
import { listFiles } from './list-files.ts';
import { objectPath } from './object-path.ts';

/** A folder as a bucket. */
export interface LocalBucket {
  readonly root: string;
  /** Whether a created object has reached the disk when `create` returns (default true): a crash of the machine then keeps it. */
  readonly durable?: boolean;
}

/** By bucket name; a plain path is a durable bucket. */
export type LocalBuckets = Readonly<Record<string, string | LocalBucket>>;

/** Cloud Storage's limit. */
const MAX_COMPOSE_SOURCES = 32;
/** Checksums remembered of objects written here, so that composing them reads none of them again; about 200 bytes each. */
const MAX_REMEMBERED_CHECKSUMS = 10_000;

/**
 * Folders as buckets. An object's generation is its file's modification time and size. A file is written under a hidden name in
 * its own folder and linked to its final one, which fails where that exists: it appears whole, once.
 */
export class LocalObjectStore implements ObjectStore {
  readonly #buckets: ReadonlyMap<string, Required<LocalBucket>>;
  readonly #link: typeof hardLink;
  readonly #checksums = new Map<string, number>();

  constructor(buckets: LocalBuckets, options: { readonly link?: typeof hardLink } = {}) {
    this.#buckets = new Map(
      Object.entries(buckets).map(([name, bucket]) => {
        const { root, durable = true } = typeof bucket === 'string' ? { root: bucket } : bucket;
        return [name, { root: path.resolve(root), durable }];
      }),
    );
    this.#link = options.link ?? hardLink;
  }

  async stat(bucket: string, name: string): Promise<ObjectStat | undefined> {
    const file = this.#path(bucket, name);
    try {
      const found = await stat(file, { bigint: true });
      if (found.isDirectory())
        throw new PermanentError('INVALID_ARGUMENT', `${locationOf({ bucket, name })}: is a directory`);
      return found.isFile() ? { bucket, name, generation: generationOf(found), size: Number(found.size) } : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw fileError(error, locationOf({ bucket, name }));
    }
  }

  async *read(object: ObjectRef, start: number, end: number): ByteStream {
    await using handle = await this.#openPinned(object);
    yield* readRange(handle, start, end);
    await checkGeneration(handle, object);
  }

  async create(bucket: string, name: string, content: Uint8Array | ByteStream): Promise<Created> {
    const existing = await this.#existing(bucket, name);
    if (existing !== undefined) return { created: false, object: existing };
    return this.#write(bucket, name, async (handle) => {
      if (content instanceof Uint8Array) {
        await writeAll(handle, content);
        return crc32c(content);
      }
      let checksum = 0;
      for await (const chunk of content) {
        await writeAll(handle, chunk);
        checksum = crc32c(chunk, checksum);
      }
      return checksum;
    });
  }

  async compose(bucket: string, sources: readonly ObjectRef[], name: string): Promise<Created> {
    const what = `compose of ${locationOf({ bucket, name })}`;
    if (sources.length < 1 || sources.length > MAX_COMPOSE_SOURCES) {
      throw new PermanentError(
        'INVALID_ARGUMENT',
        `${what}: ${sources.length} sources, not 1 to ${MAX_COMPOSE_SOURCES}`,
      );
    }
    const existing = await this.#existing(bucket, name);
    if (existing !== undefined) return { created: false, object: existing };
    const [only] = sources;
    const linked = sources.length === 1 && only !== undefined ? await this.#linkObject(bucket, only, name) : undefined;
    return linked ?? this.#write(bucket, name, (handle) => this.#concatenate(sources, handle));
  }

  async *list(bucket: string, prefix: string): AsyncIterable<ObjectStat> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (folder !== '') {
      // A prefix that no name can have matches nothing.
      try {
        this.#path(bucket, folder.slice(0, -1));
      } catch (error) {
        if (error instanceof PermanentError && this.#buckets.has(bucket)) return;
        throw error;
      }
    }
    for await (const { name, found } of listFiles(this.#bucket(bucket).root, folder, prefix)) {
      yield { bucket, name, generation: generationOf(found), size: Number(found.size) };
    }
  }

  async delete(bucket: string, name: string): Promise<void> {
    const file = this.#path(bucket, name);
    try {
      await unlink(file);
    } catch (error) {
      if (isMissing(error)) return;
      if ((await lstat(file).catch(() => undefined))?.isDirectory()) return; // a folder is no object
      throw fileError(error, locationOf({ bucket, name }));
    }
    await removeEmptyFolders(path.dirname(file), this.#bucket(bucket).root);
  }

  /**
   * Deletes what killed processes left half written below the prefix's folder.
   * @returns how many files.
   */
  async sweepTemporary(bucket: string, prefix = ''): Promise<number> {
    const folder = prefix.slice(0, Math.max(prefix.lastIndexOf('/'), 0));
    return sweepTemporaryFiles(folder === '' ? this.#bucket(bucket).root : this.#path(bucket, folder));
  }

  #bucket(bucket: string): Required<LocalBucket> {
    const found = this.#buckets.get(bucket);
    if (found === undefined)
      throw new PermanentError('NOT_FOUND', `no bucket ${bucket}; there are ${[...this.#buckets.keys()].join(', ')}`);
    return found;
  }

  #path(bucket: string, name: string): string {
    return objectPath(this.#bucket(bucket).root, name);
  }

  async #openPinned(object: ObjectRef): Promise<FileHandle> {
    const what = locationOf(object);
    const handle = await open(this.#path(object.bucket, object.name), 'r').catch((error: unknown) => {
      if (isMissing(error))
        throw new PermanentError('NOT_FOUND', `${what} is gone: it was deleted since the job was created`, {
          cause: error,
        });
      throw fileError(error, what);
    });
    try {
      await checkGeneration(handle, object);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** What is there under that name, with its checksum. */
  async #existing(bucket: string, name: string): Promise<StoredObject | undefined> {
    const found = await this.stat(bucket, name);
    return found && { ...found, crc32c: encodeCrc32c(await this.#checksum(found)) };
  }

  async #checksum(object: ObjectStat): Promise<number> {
    const known = this.#checksums.get(keyOf(object));
    if (known !== undefined) return known;
    let checksum = 0;
    for await (const chunk of this.read(object, 0, object.size)) checksum = crc32c(chunk, checksum);
    this.#remember(object, checksum);
    return checksum;
  }

  #remember(object: ObjectRef, checksum: number): void {
    this.#checksums.set(keyOf(object), checksum);
    if (this.#checksums.size <= MAX_REMEMBERED_CHECKSUMS) return;
    for (const oldest of this.#checksums.keys()) {
      this.#checksums.delete(oldest);
      return;
    }
  }

  /** Writes a file with `fill`, which returns the checksum, if its name is free. */
  async #write(bucket: string, name: string, fill: (handle: FileHandle) => Promise<number>): Promise<Created> {
    const { durable } = this.#bucket(bucket);
    const options = { durable, link: this.#link, what: locationOf({ bucket, name }) };
    const { created, value: checksum } = await createFile(this.#path(bucket, name), options, fill);
    return { created, object: await this.#present(bucket, name, created ? checksum : undefined) };
  }

  /** The object that was just created or found; a checksum that is known saves reading it. */
  async #present(bucket: string, name: string, checksum?: number): Promise<StoredObject> {
    const found = await this.stat(bucket, name);
    if (found === undefined) throw new Error(`${locationOf({ bucket, name })} was deleted while it was created`);
    if (checksum !== undefined) this.#remember(found, checksum);
    return { ...found, crc32c: encodeCrc32c(await this.#checksum(found)) };
  }

  /** One source is composed by giving its file a second name: no bytes are copied. Undefined where that is impossible. */
  async #linkObject(bucket: string, source: ObjectRef, name: string): Promise<Created | undefined> {
    const file = this.#path(bucket, name);
    const { durable } = this.#bucket(bucket);
    const handle = await this.#openPinned(source);
    try {
      if (durable) await handle.sync(); // the source's bucket may not have
    } finally {
      await handle.close();
    }
    const checksum = this.#checksums.get(keyOf(source));
    try {
      await mkdir(path.dirname(file), { recursive: true });
      await this.#link(await realpath(this.#path(source.bucket, source.name)), file);
    } catch (error) {
      if (errorCode(error) === 'EEXIST' && (await this.stat(bucket, name)) !== undefined) {
        return { created: false, object: await this.#present(bucket, name) };
      }
      return undefined; // copying works, or says what is wrong
    }
    if (durable) await syncFolder(path.dirname(file));
    return { created: true, object: await this.#present(bucket, name, checksum) };
  }

  /** @returns the checksum of the whole, combined from the sources' where they are known. */
  async #concatenate(sources: readonly ObjectRef[], into: FileHandle): Promise<number> {
    let whole = 0;
    for (const source of sources) {
      const known = this.#checksums.get(keyOf(source));
      let length = 0;
      for await (const chunk of this.read(source, 0, Infinity)) {
        await writeAll(into, chunk);
        length += chunk.length;
        if (known === undefined) whole = crc32c(chunk, whole);
      }
      if (known !== undefined) whole = combineCrc32c(whole, known, length);
    }
    return whole;
  }
}

function keyOf(object: ObjectRef): string {
  return `${object.bucket}/${object.name}#${object.generation}`;
}

async function checkGeneration(handle: FileHandle, object: ObjectRef): Promise<void> {
  const found = await handle.stat({ bigint: true });
  if (found.isFile() && generationOf(found) === object.generation) return;
  const what = locationOf(object);
  throw new PermanentError(
    'NOT_FOUND',
    `${what} changed since the job was created [generation=${object.generation}, found=${generationOf(found)}]`,
  );
}

/** Best effort: the folder and those above it, below the root, as long as they are empty. */
async function removeEmptyFolders(folder: string, root: string): Promise<void> {
  for (let at = folder; at.startsWith(root + path.sep); at = path.dirname(at)) {
    try {
      await rmdir(at);
    } catch {
      return;
    }
  }
}
