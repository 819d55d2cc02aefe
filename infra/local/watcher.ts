import type { ObjectStat, ObjectStore } from '../../shared/ports.ts';

/**
 * Raises the upload event for every new or changed file of a folder, as a bucket does. It polls: that works on every file system. A file
 * that is still being written changes between two looks, and waits until it stands still.
 */
export class FolderWatcher {
  readonly #objects: ObjectStore;
  readonly #bucket: string;
  readonly #finalized: (object: ObjectStat) => Promise<void>;
  /** Generations by name: seen at the last look, and raised. */
  #seen = new Map<string, string>();
  #raised = new Map<string, string>();

  constructor(objects: ObjectStore, bucket: string, finalized: (object: ObjectStat) => Promise<void>) {
    this.#objects = objects;
    this.#bucket = bucket;
    this.#finalized = finalized;
  }

  /** One look. A file whose event fails is raised again at the next. */
  async look(): Promise<void> {
    const seen = new Map<string, string>();
    const raised = new Map<string, string>();
    for await (const object of this.#objects.list(this.#bucket, '')) {
      const { name, generation } = object;
      seen.set(name, generation);
      if (this.#raised.get(name) !== generation && this.#seen.get(name) === generation) await this.#finalized(object);
      if (this.#seen.get(name) === generation) raised.set(name, generation);
    }
    this.#seen = seen;
    this.#raised = raised;
  }
}
