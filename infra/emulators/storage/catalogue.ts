import { conflict, noSuchBucket, noSuchObject } from './api-error.ts';
import type { Content, ContentStore } from './content-store.ts';
import { compareNames } from './names.ts';
import type { RecordFiles } from './record-files.ts';
import { isVersioned } from './records.ts';
import type { BucketRecord, ObjectRecord, ObjectSettings } from './records.ts';
import type { JsonObject } from './json.ts';

/** What a new generation is made of. `md5Hash` is dropped where `componentCount` says composite. */
export interface ObjectDraft {
  readonly bucket: string;
  readonly name: string;
  readonly settings: ObjectSettings;
  readonly content: Content;
  readonly componentCount?: number | undefined;
}

interface Bucket {
  record: BucketRecord;
  /** Generations by name, oldest first; only the last can be live. */
  readonly objects: Map<string, ObjectRecord[]>;
  sortedNames: readonly string[] | undefined;
}

/**
 * Buckets and the generations of their objects. Every method is synchronous, so that a precondition checked just before
 * a change still holds when it is made; with `files`, each change is on disk when the method returns.
 */
export class Catalogue {
  readonly #content: ContentStore;
  readonly #files: RecordFiles | undefined;
  readonly #buckets = new Map<string, Bucket>();
  #lastGeneration = 0;

  constructor(content: ContentStore, files?: RecordFiles) {
    this.#content = content;
    this.#files = files;
    for (const { bucket, objects } of files?.load() ?? []) this.#restore(bucket, objects);
  }

  createBucket(name: string, settings: JsonObject): BucketRecord {
    if (this.#buckets.has(name)) {
      throw conflict('Your previous request to create the named bucket succeeded and you already own it.');
    }
    const now = new Date().toISOString();
    const record = { name, metageneration: 1, timeCreated: now, updated: now, settings };
    this.#files?.writeBucket(record);
    this.#buckets.set(name, { record, objects: new Map(), sortedNames: undefined });
    return record;
  }

  bucket(name: string): BucketRecord {
    return this.#bucket(name).record;
  }

  bucketNames(): string[] {
    return [...this.#buckets.keys()].sort(compareNames);
  }

  updateBucket(name: string, settings: JsonObject): BucketRecord {
    const bucket = this.#bucket(name);
    const { record } = bucket;
    const updated = new Date().toISOString();
    bucket.record = { ...record, settings, updated, metageneration: record.metageneration + 1 };
    this.#files?.writeBucket(bucket.record);
    return bucket.record;
  }

  deleteBucket(name: string): void {
    if (this.#bucket(name).objects.size > 0) throw conflict('The bucket you tried to delete is not empty.');
    this.#files?.removeBucket(name);
    this.#buckets.delete(name);
  }

  /** Names that have any generation, in listing order. */
  names(bucketName: string): readonly string[] {
    const bucket = this.#bucket(bucketName);
    return (bucket.sortedNames ??= [...bucket.objects.keys()].sort(compareNames));
  }

  /** Generations of one name, oldest first. */
  versions(bucketName: string, name: string): readonly ObjectRecord[] {
    return this.#bucket(bucketName).objects.get(name) ?? [];
  }

  live(bucketName: string, name: string): ObjectRecord | undefined {
    const last = this.versions(bucketName, name).at(-1);
    return last?.timeDeleted === undefined ? last : undefined;
  }

  /** The live object, or the named generation live or not; 404 if there is none. */
  find(bucketName: string, name: string, generation?: string): ObjectRecord {
    const found =
      generation === undefined
        ? this.live(bucketName, name)
        : this.versions(bucketName, name).find((record) => record.generation === generation);
    if (found === undefined) throw noSuchObject(bucketName, name);
    return found;
  }

  /** Makes the next generation of an object live; the one before is archived where the bucket keeps versions. */
  put(draft: ObjectDraft): ObjectRecord {
    const bucket = this.#bucket(draft.bucket);
    const before = this.live(draft.bucket, draft.name);
    const record = this.#newRecord(draft);
    this.#files?.writeObject(record);
    this.#set(bucket, draft.name, [...this.versions(draft.bucket, draft.name), record]);
    if (before !== undefined) this.#retire(bucket, before, record.timeCreated);
    return record;
  }

  /** Changes a generation's settings: its next metageneration. */
  update(record: ObjectRecord, settings: ObjectSettings): ObjectRecord {
    const updated = new Date().toISOString();
    const next = { ...record, settings, updated, metageneration: record.metageneration + 1 };
    this.#replace(this.#bucket(record.bucket), next);
    return next;
  }

  /** Deletes a generation: for good if it was addressed as one, else archiving it where the bucket keeps versions. */
  delete(record: ObjectRecord, addressed: boolean): void {
    const bucket = this.#bucket(record.bucket);
    if (addressed) this.#remove(bucket, record);
    else this.#retire(bucket, record, new Date().toISOString());
  }

  #bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw noSuchBucket();
    return bucket;
  }

  #newRecord({ bucket, name, settings, content, componentCount }: ObjectDraft): ObjectRecord {
    this.#lastGeneration = Math.max(this.#lastGeneration + 1, Date.now() * 1000);
    const generation = String(this.#lastGeneration);
    const now = new Date().toISOString();
    const { md5Hash, ...rest } = content;
    const checks = componentCount === undefined ? { md5Hash } : { componentCount };
    return {
      bucket,
      name,
      generation,
      metageneration: 1,
      timeCreated: now,
      updated: now,
      settings,
      ...rest,
      ...checks,
    };
  }

  #set(bucket: Bucket, name: string, versions: ObjectRecord[]): void {
    if (versions.length === 0) bucket.objects.delete(name);
    if (versions.length === 0 || !bucket.objects.has(name)) bucket.sortedNames = undefined;
    if (versions.length > 0) bucket.objects.set(name, versions);
  }

  #replace(bucket: Bucket, next: ObjectRecord): void {
    this.#files?.writeObject(next);
    const versions = bucket.objects.get(next.name) ?? [];
    this.#set(
      bucket,
      next.name,
      versions.map((record) => (record.generation === next.generation ? next : record)),
    );
  }

  #retire(bucket: Bucket, record: ObjectRecord, timeDeleted: string): void {
    if (isVersioned(bucket.record)) this.#replace(bucket, { ...record, timeDeleted });
    else this.#remove(bucket, record);
  }

  #remove(bucket: Bucket, record: ObjectRecord): void {
    this.#files?.removeObject(record);
    const versions = bucket.objects.get(record.name) ?? [];
    this.#set(
      bucket,
      record.name,
      versions.filter(({ generation }) => generation !== record.generation),
    );
    this.#content.remove(record.contentId, record.size);
  }

  /** A crash between two files can leave two live generations; the newer one was being put in the older one's place. */
  #restore(record: BucketRecord, objects: readonly ObjectRecord[]): void {
    const bucket: Bucket = { record, objects: new Map(), sortedNames: undefined };
    this.#buckets.set(record.name, bucket);
    for (const object of [...objects].sort((a, b) => Number(a.generation) - Number(b.generation))) {
      const older = this.live(record.name, object.name);
      this.#lastGeneration = Math.max(this.#lastGeneration, Number(object.generation));
      this.#set(bucket, object.name, [...(bucket.objects.get(object.name) ?? []), object]);
      if (older !== undefined) this.#retire(bucket, older, object.timeCreated);
    }
  }

  /** Every content that a record names, with its size. */
  contents(): Map<string, number> {
    const all = [...this.#buckets.values()].flatMap(({ objects }) => [...objects.values()].flat());
    return new Map(all.map(({ contentId, size }) => [contentId, size]));
  }
}
