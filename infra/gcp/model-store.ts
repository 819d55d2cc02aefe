import { createHash } from 'node:crypto';

import type { Storage } from '@google-cloud/storage';

import { compareUtf8 } from '../../shared/compare-utf8.ts';
import { PermanentError } from '../../shared/errors.ts';
import { readAll } from '../../shared/input.ts';
import { mapConcurrent } from '../../shared/map-concurrent.ts';
import { chooseVersion, isModelName, isVersion, parseModelReference, summarize } from '../../shared/models/catalog.ts';
import { parseModelConfig } from '../../shared/models/model-config.ts';
import type { ModelFiles } from '../../shared/models/model.ts';
import type {
  CatalogModel,
  ModelConfig,
  ModelRegistry,
  ModelSummary,
  ModelVersion,
  NewModelFile,
  ObjectStore,
  StoredObject,
} from '../../shared/ports.ts';
import { listPages } from './list-objects.ts';
import { incompleteMark, publishVersion, removeVersion, replaceConfig } from './model-store-writes.ts';
import { GoogleObjectStore } from './object-store.ts';

/** A version of more is a mistake: a data set. */
const MAX_FILES = 10_000;
/** Models looked up at a time for a list. */
const LOOK_UPS = 8;

/** Changes of a configuration that others may make before ours is tried no more. */
const MAX_LOOKS = 20;

interface Entry extends CatalogModel {
  /** Its config.json; undefined where there is none. */
  readonly configObject: StoredObject | undefined;
}

/**
 * A bucket of `<model>/<version>/…`, with `<model>/config.json` beside the versions. A version that is being published or removed has a mark beside
 * it (`<model>/.incomplete-<version>`), and is not there as long as it has: one listing of the model's folder, which is strongly consistent, shows both.
 */
export class GoogleModelStore implements ModelRegistry {
  readonly #storage: Storage;
  readonly #bucket: string;
  readonly #objects: ObjectStore;

  constructor(storage: Storage, bucket: string) {
    this.#storage = storage;
    this.#bucket = bucket;
    this.#objects = new GoogleObjectStore(storage);
  }

  async resolve(reference: string): Promise<ModelVersion> {
    const { model, selector } = parseModelReference(reference);
    const version = chooseVersion(await this.#find(model), selector);
    const files = await this.#files(model, version);
    const byteSize = [...files.values()].reduce((total, file) => total + file.size, 0);
    return { model, version, digest: digestOf(files), byteSize };
  }

  async open(model: string, version: string): Promise<ModelFiles> {
    const found = await this.#find(model);
    if (!isVersion(version)) throw noVersion(model, version);
    const files = await this.#files(model, chooseVersion(found, version));
    const label = `${model}@${version}`;
    return {
      label,
      names: Object.freeze([...files.keys()]),
      read: async (name) => {
        const file = files.get(name);
        if (file === undefined) throw new PermanentError('NOT_FOUND', `${label} holds no file ${name}`);
        return this.#read(file);
      },
    };
  }

  async list(): Promise<readonly ModelSummary[]> {
    const found = await mapConcurrent(await this.#names(), LOOK_UPS, (model) => this.#look(model));
    return found.map((entry) => entry && summarize(entry)).filter((summary) => summary !== undefined);
  }

  async publish(model: string, version: string, files: readonly NewModelFile[]): Promise<void> {
    await publishVersion({ bucket: this.#storage.bucket(this.#bucket), objects: this.#objects }, model, version, files);
  }

  async configure(model: string, change: (model: CatalogModel) => ModelConfig | undefined): Promise<void> {
    for (let look = 1; look <= MAX_LOOKS; look++) {
      const entry = await this.#find(model);
      const next = change(entry);
      if (next === undefined) return;
      const file = this.#storage.bucket(this.#bucket).file(`${model}/config.json`);
      if (await replaceConfig(file, entry.configObject?.generation, entry.config, next)) return;
    }
    throw new Error(`${this.#bucket}/${model}/config.json is changed by others all the time`);
  }

  async remove(model: string, version: string): Promise<void> {
    await this.#find(model);
    if (!isVersion(version)) throw noVersion(model, version);
    await removeVersion({ bucket: this.#storage.bucket(this.#bucket), objects: this.#objects }, model, version);
  }

  async #find(model: string): Promise<Entry> {
    const found = isModelName(model) ? await this.#look(model) : undefined;
    if (found !== undefined) return found;
    const names = await this.#names();
    const there = names.length === 0 ? 'there is none' : `there are ${names.join(', ')}`;
    throw new PermanentError('NOT_FOUND', `no model ${model} in ${this.#bucket}: ${there}`);
  }

  /** The model as its folder shows it; undefined where nothing is in there. */
  async #look(model: string): Promise<Entry | undefined> {
    for (let look = 1; ; look++) {
      const { folders, files } = await this.#enter(`${model}/`);
      if (folders.length === 0 && files.length === 0) return undefined;
      const name = `${model}/config.json`;
      const configObject = files.find((file) => file.name === name);
      try {
        const config = configObject === undefined ? {} : parseModelConfig(await this.#read(configObject), name);
        const there = new Set(files.map((file) => file.name));
        const versions = folders.filter((folder) => isVersion(folder) && !there.has(incompleteMark(model, folder)));
        return { model, versions, config, configObject };
      } catch (error) {
        // Replaced between the listing and the read: its generation is gone.
        const isReplaced = error instanceof PermanentError && error.status === 'NOT_FOUND';
        if (!isReplaced || look === MAX_LOOKS) throw error;
      }
    }
  }

  async #names(): Promise<readonly string[]> {
    return (await this.#enter('')).folders.filter(isModelName).sort(compareUtf8);
  }

  /** What is in the folder itself; names of folders are relative. */
  async #enter(
    prefix: string,
  ): Promise<{ readonly folders: readonly string[]; readonly files: readonly StoredObject[] }> {
    const folders: string[] = [];
    const files: StoredObject[] = [];
    for await (const page of listPages(this.#storage.bucket(this.#bucket), prefix, '/')) {
      folders.push(...page.prefixes.map((name) => name.slice(prefix.length, -1)));
      files.push(...page.objects);
    }
    return { folders, files };
  }

  /** A version's files by their names, relative and in order; hidden ones are none, nor are the placeholders of folders. */
  async #files(model: string, version: string): Promise<ReadonlyMap<string, StoredObject>> {
    const prefix = `${model}/${version}/`;
    const files = new Map<string, StoredObject>();
    for await (const { objects } of listPages(this.#storage.bucket(this.#bucket), prefix)) {
      for (const object of objects) {
        const name = object.name.slice(prefix.length);
        if (!/(?:^|\/)(?:\.|$)/.test(name)) files.set(name, object);
      }
      if (files.size > MAX_FILES)
        throw new PermanentError(
          'RESOURCE_EXHAUSTED',
          `${prefix} holds more than ${MAX_FILES} files: is it a model version?`,
        );
    }
    if (files.size === 0) throw new PermanentError('NOT_FOUND', `${this.#bucket}/${prefix} holds no model files`);
    return files;
  }

  async #read(object: StoredObject): Promise<Uint8Array> {
    return readAll(this.#objects.read(object, 0, object.size), object.size);
  }
}

function noVersion(model: string, version: string): PermanentError {
  return new PermanentError('NOT_FOUND', `model ${model} has no version ${JSON.stringify(version)}`);
}

/** SHA-256 over the line `["<name>",<size>,"<crc32c>"]` of each file, in order: it is all in the listing, and reading gigabytes is not needed. */
function digestOf(files: ReadonlyMap<string, StoredObject>): string {
  const hash = createHash('sha256');
  for (const [name, { size, crc32c }] of files) hash.update(`${JSON.stringify([name, size, crc32c])}\n`);
  return hash.digest('hex');
}
