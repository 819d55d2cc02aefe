import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BucketRecord, ObjectRecord } from './records.ts';

/** Half-written files start with this; a start after a crash removes them. */
const UNFINISHED = '.unfinished-';

/** One folder of JSON documents; each write is whole or absent, because it is a rename. */
export class DocumentFolder<T> {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  write(id: string, value: T): void {
    const unfinished = join(this.#folder, `${UNFINISHED}${id}`);
    writeFileSync(unfinished, JSON.stringify(value));
    renameSync(unfinished, join(this.#folder, `${id}.json`));
  }

  remove(id: string): void {
    rmSync(join(this.#folder, `${id}.json`), { force: true });
  }

  load(): T[] {
    const values: T[] = [];
    for (const file of readdirSync(this.#folder)) {
      const path = join(this.#folder, file);
      if (file.startsWith(UNFINISHED)) rmSync(path);
      else if (file.endsWith('.json')) values.push(JSON.parse(readFileSync(path, 'utf8')) as T);
    }
    return values;
  }
}

const idOf = (record: ObjectRecord) =>
  `${createHash('sha256').update(record.name).digest('hex').slice(0, 32)}-${record.generation}`;

/** The records of a catalogue in a folder: `buckets/B.json` and `objects/B/<hash of name>-<generation>.json`. */
export class RecordFiles {
  readonly #root: string;
  readonly #buckets: DocumentFolder<BucketRecord>;
  readonly #objects = new Map<string, DocumentFolder<ObjectRecord>>();

  constructor(root: string) {
    this.#root = root;
    this.#buckets = new DocumentFolder(join(root, 'buckets'));
  }

  load(): { bucket: BucketRecord; objects: ObjectRecord[] }[] {
    return this.#buckets.load().map((bucket) => ({ bucket, objects: this.#of(bucket.name).load() }));
  }

  writeBucket(bucket: BucketRecord): void {
    this.#buckets.write(bucket.name, bucket);
  }

  removeBucket(name: string): void {
    this.#buckets.remove(name);
    rmSync(this.#path(name), { recursive: true, force: true });
    this.#objects.delete(name);
  }

  writeObject(record: ObjectRecord): void {
    this.#of(record.bucket).write(idOf(record), record);
  }

  removeObject(record: ObjectRecord): void {
    this.#of(record.bucket).remove(idOf(record));
  }

  #path(bucket: string): string {
    return join(this.#root, 'objects', bucket);
  }

  #of(bucket: string): DocumentFolder<ObjectRecord> {
    const folder = this.#objects.get(bucket) ?? new DocumentFolder<ObjectRecord>(this.#path(bucket));
    this.#objects.set(bucket, folder);
    return folder;
  }
}
