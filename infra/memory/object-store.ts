import { compareUtf8 } from '../../shared/compare-utf8.ts';
import { PermanentError } from '../../shared/errors.ts';
import type { ByteStream, Created, ObjectRef, ObjectStat, ObjectStore, StoredObject } from '../../shared/ports.ts';
import { crc32c, encodeCrc32c } from '../../shared/crc32c.ts';

interface Entry {
  readonly object: StoredObject;
  readonly content: Uint8Array;
}

const MAX_COMPOSE_SOURCES = 32;

/** Any bucket exists. */
export class MemoryObjectStore implements ObjectStore {
  readonly #buckets = new Map<string, Map<string, Entry>>();
  readonly #chunkBytes: number;
  #generation = 0;

  /** @param options.chunkBytes the size of the chunks that `read` gives. */
  constructor(options: { readonly chunkBytes?: number } = {}) {
    this.#chunkBytes = options.chunkBytes ?? 1 << 20;
  }

  stat(bucket: string, name: string): Promise<ObjectStat | undefined> {
    const entry = this.#find(bucket, name);
    return Promise.resolve(entry && statOf(entry));
  }

  async *read(object: ObjectRef, start: number, end: number): ByteStream {
    const content = this.#pinned(object);
    for (let at = start; at < Math.min(end, content.length); at += this.#chunkBytes) {
      await Promise.resolve();
      yield content.slice(at, Math.min(at + this.#chunkBytes, end));
    }
  }

  async create(bucket: string, name: string, content: Uint8Array | ByteStream): Promise<Created> {
    const existing = this.#find(bucket, name);
    if (existing !== undefined) return { created: false, object: existing.object };
    return this.#put(bucket, name, content instanceof Uint8Array ? new Uint8Array(content) : await collect(content));
  }

  compose(bucket: string, sources: readonly ObjectRef[], name: string): Promise<Created> {
    return Promise.resolve().then(() => {
      if (sources.length < 1 || sources.length > MAX_COMPOSE_SOURCES) {
        throw new PermanentError('INVALID_ARGUMENT', `compose takes 1 to ${MAX_COMPOSE_SOURCES} sources`);
      }
      return this.#put(bucket, name, concatenate(sources.map((source) => this.#pinned(source))));
    });
  }

  async *list(bucket: string, prefix: string): AsyncIterable<ObjectStat> {
    const names = [...(this.#buckets.get(bucket)?.keys() ?? [])]
      .filter((name) => name.startsWith(prefix))
      .sort(compareUtf8);
    for (const name of names) {
      const found = await this.stat(bucket, name);
      if (found !== undefined) yield found;
    }
  }

  delete(bucket: string, name: string): Promise<void> {
    this.#buckets.get(bucket)?.delete(name);
    return Promise.resolve();
  }

  #find(bucket: string, name: string): Entry | undefined {
    return this.#buckets.get(bucket)?.get(name);
  }

  #pinned(object: ObjectRef): Uint8Array {
    const entry = this.#find(object.bucket, object.name);
    if (entry?.object.generation === object.generation) return entry.content;
    const problem = entry === undefined ? 'is gone' : 'changed since the job was created';
    throw new PermanentError(
      'NOT_FOUND',
      `${object.bucket}/${object.name} ${problem} [generation=${object.generation}]`,
    );
  }

  #put(bucket: string, name: string, content: Uint8Array): Created {
    const existing = this.#find(bucket, name);
    if (existing !== undefined) return { created: false, object: existing.object };
    const generation = String(++this.#generation);
    const object = Object.freeze({
      bucket,
      name,
      generation,
      size: content.length,
      crc32c: encodeCrc32c(crc32c(content)),
    });
    const entries = this.#buckets.get(bucket) ?? new Map<string, Entry>();
    this.#buckets.set(bucket, entries.set(name, { object, content }));
    return { created: true, object };
  }
}

function statOf({ object: { bucket, name, generation, size } }: Entry): ObjectStat {
  return { bucket, name, generation, size };
}

async function collect(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(new Uint8Array(chunk));
  return concatenate(chunks);
}

/** Not a Buffer: its `slice` would share the bytes. */
function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}
