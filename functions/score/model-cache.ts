import { PermanentError } from '../../shared/errors.ts';
import type { JobPlan } from '../../shared/job.ts';
import { loadModel } from '../../shared/models/load.ts';
import type { Model } from '../../shared/models/model.ts';
import type { ModelStore } from '../../shared/ports.ts';

/** Models kept in memory by one thread or instance. */
const MAX_MODELS = 4;
const MAX_BYTES = 2 * 1024 ** 3;

/** What loading a model took. */
export interface ModelLoad {
  readonly milliseconds: number;
  /** Bytes held by the weights. */
  readonly byteSize: number;
}

/**
 * Uses a loaded model.
 * @param takeLoad tells what loading it took, to the first who asks: so each load is counted once.
 */
type UseModel<T> = (model: Model, takeLoad?: () => ModelLoad | undefined) => Promise<T>;

interface Entry {
  readonly model: Promise<Model>;
  /** Until somebody has taken it. */
  load?: ModelLoad | undefined;
  /** Scorings that hold it now: it is not disposed under them. */
  users: number;
}

/** Keeps loaded models across shards; the least recently used goes first when they are too many or too large. */
export class ModelCache {
  readonly #store: ModelStore;
  readonly #maxBytes: number;
  /** By name, version and digest, the least recently used first. */
  readonly #entries = new Map<string, Entry>();

  /** @param maxBytes of all models together, where that is less than usual; one that is larger is kept alone. */
  constructor(store: ModelStore, maxBytes = Infinity) {
    this.#store = store;
    this.#maxBytes = Math.min(MAX_BYTES, maxBytes);
  }

  /**
   * Calls `use` with the model loaded.
   * @throws PermanentError FAILED_PRECONDITION where the version's files are not those that the job was created with.
   */
  async with<T>(pinned: JobPlan['model'], use: UseModel<T>): Promise<T> {
    const key = JSON.stringify([pinned.model, pinned.version, pinned.digest]);
    const entry = this.#entries.get(key) ?? this.#begin(pinned);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.users++;
    try {
      return await use(await entry.model, () => {
        const { load } = entry;
        entry.load = undefined;
        return load;
      });
    } catch (error) {
      await this.#dropIfUnloaded(key, entry);
      throw error;
    } finally {
      entry.users--;
      await this.#evict();
    }
  }

  #begin(pinned: JobPlan['model']): Entry {
    const start = performance.now();
    const model = this.#load(pinned);
    const entry: Entry = { model, users: 0 };
    model.then(
      ({ byteSize }) => (entry.load = { milliseconds: Math.round(performance.now() - start), byteSize }),
      () => undefined,
    );
    return entry;
  }

  async #load(pinned: JobPlan['model']): Promise<Model> {
    const { digest } = await this.#store.resolve(`${pinned.model}@${pinned.version}`);
    if (digest !== pinned.digest) {
      throw new PermanentError(
        'FAILED_PRECONDITION',
        `model ${pinned.model}@${pinned.version} has changed since the job was created: a version's files must stay as they are`,
      );
    }
    return loadModel(await this.#store.open(pinned.model, pinned.version), {
      open: (model, version) => this.#store.open(model, version),
    });
  }

  /** A model that could not be loaded is tried again by the next shard. */
  async #dropIfUnloaded(key: string, entry: Entry): Promise<void> {
    const loaded = await entry.model.then(
      () => true,
      () => false,
    );
    if (!loaded && this.#entries.get(key) === entry) this.#entries.delete(key);
  }

  async #evict(): Promise<void> {
    for (const [key, entry] of [...this.#entries]) {
      if (this.#entries.size <= 1 || (this.#entries.size <= MAX_MODELS && (await this.#bytes()) <= this.#maxBytes))
        return;
      if (entry.users > 0 || this.#entries.get(key) !== entry) continue;
      this.#entries.delete(key);
      await (await entry.model).dispose();
    }
  }

  async #bytes(): Promise<number> {
    const sizes = await Promise.all(
      [...this.#entries.values()].map(({ model }) =>
        model.then(
          ({ byteSize }) => byteSize,
          () => 0,
        ),
      ),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  }
}
