import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { File, Storage } from '@google-cloud/storage';

import { COMPOSE_FAN_IN } from '../../shared/config.ts';
import { PermanentError } from '../../shared/errors.ts';
import type { ByteStream, Created, ObjectRef, ObjectStat, ObjectStore, StoredObject } from '../../shared/ports.ts';
import { download } from './download.ts';
import { listPages } from './list-objects.ts';
import { OBJECT_FIELDS, toStoredObject } from './object-resource.ts';
import { isMissing, isTaken, translated } from './storage-errors.ts';

/** Create-only. It also makes every write safe to repeat, so that the client itself retries what broke on the way. */
const ABSENT = { ifGenerationMatch: 0 } as const;

/** Bytes of a streamed upload that are held to be sent again: the least that Google recommends. */
const UPLOAD_CHUNK_BYTES = 8 * 1024 * 1024;

export class GoogleObjectStore implements ObjectStore {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async stat(bucket: string, name: string): Promise<ObjectStat | undefined> {
    const found = await this.#find(bucket, name);
    return found && { bucket, name, generation: found.generation, size: found.size };
  }

  read(object: ObjectRef, start: number, end: number): ByteStream {
    return download(this.#storage, object, start, end);
  }

  async create(bucket: string, name: string, content: Uint8Array | ByteStream): Promise<Created> {
    const file = this.#file(bucket, name);
    return this.#createOnce(file, async () => {
      const options = { preconditionOpts: ABSENT, validation: 'crc32c' } as const;
      if (content instanceof Uint8Array) {
        await file.save(asBuffer(content), { ...options, resumable: false });
      } else {
        const upload = file.createWriteStream({ ...options, resumable: true, chunkSize: UPLOAD_CHUNK_BYTES });
        await pipeline(Readable.from(content, { objectMode: false }), upload);
      }
      return file.metadata;
    });
  }

  async compose(bucket: string, sources: readonly ObjectRef[], name: string): Promise<Created> {
    const what = `compose of ${bucket}/${name}`;
    if (sources.length < 1 || sources.length > COMPOSE_FAN_IN) {
      throw new PermanentError('INVALID_ARGUMENT', `${what}: ${sources.length} sources, not 1 to ${COMPOSE_FAN_IN}`);
    }
    const stranger = sources.find((source) => source.bucket !== bucket);
    if (stranger !== undefined) {
      throw new PermanentError('INVALID_ARGUMENT', `${what}: ${stranger.bucket}/${stranger.name} is in another bucket`);
    }
    const file = this.#file(bucket, name);
    return this.#createOnce(file, async () => {
      const files = sources.map((source) => this.#file(bucket, source.name, source.generation));
      const [, resource] = await file.bucket.combine(files, file, ABSENT);
      return resource;
    });
  }

  async *list(bucket: string, prefix: string): AsyncIterable<ObjectStat> {
    for await (const { objects } of listPages(this.#storage.bucket(bucket), prefix)) {
      for (const { name, generation, size } of objects) yield { bucket, name, generation, size };
    }
  }

  async delete(bucket: string, name: string): Promise<void> {
    try {
      await this.#file(bucket, name).delete({ ignoreNotFound: true });
    } catch (error) {
      throw translated(error, `${bucket}/${name}`);
    }
  }

  #file(bucket: string, name: string, generation?: string): File {
    return this.#storage.bucket(bucket).file(name, generation === undefined ? {} : { generation });
  }

  /**
   * 412 is success: the name was taken, by a duplicate delivery or by this very call, whose answer was lost so that the client sent it again. So
   * is 404 where the object is there: what a compose joins may be deleted once it was joined.
   * @param write returns the new object's description.
   */
  async #createOnce(file: File, write: () => Promise<unknown>): Promise<Created> {
    const bucket = file.bucket.name;
    try {
      return { created: true, object: toStoredObject(bucket, await write()) };
    } catch (error) {
      const existing = isTaken(error) || isMissing(error) ? await this.#find(bucket, file.name) : undefined;
      if (existing !== undefined) return { created: false, object: existing };
      if (isTaken(error)) throw new Error(`${bucket}/${file.name} was deleted while it was created`, { cause: error });
      throw translated(error, `${bucket}/${file.name}`);
    }
  }

  async #find(bucket: string, name: string): Promise<StoredObject | undefined> {
    try {
      const [metadata] = await this.#file(bucket, name).getMetadata({ fields: OBJECT_FIELDS } as object);
      return toStoredObject(bucket, metadata);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw translated(error, `${bucket}/${name}`);
    }
  }
}

/** The same bytes. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
