import type { ByteStream, ObjectRef, ObjectStore } from '../shared/ports.ts';

/** The object goes on behind what may be read of it. */
export class EnoughError extends Error {}

/** A store that gives no more of one object than its first bytes; whoever reads on gets an EnoughError. */
export class HeadOnly implements ObjectStore {
  readonly stat: ObjectStore['stat'];
  readonly create: ObjectStore['create'];
  readonly compose: ObjectStore['compose'];
  readonly list: ObjectStore['list'];
  readonly delete: ObjectStore['delete'];
  readonly #objects: ObjectStore;
  readonly #input: ObjectRef;
  readonly #bytes: number;

  constructor(objects: ObjectStore, input: ObjectRef, bytes: number) {
    this.#objects = objects;
    this.#input = input;
    this.#bytes = bytes;
    this.stat = objects.stat.bind(objects);
    this.create = objects.create.bind(objects);
    this.compose = objects.compose.bind(objects);
    this.list = objects.list.bind(objects);
    this.delete = objects.delete.bind(objects);
  }

  async *read(object: ObjectRef, start: number, end: number): ByteStream {
    const limited = object.bucket === this.#input.bucket && object.name === this.#input.name;
    yield* this.#objects.read(object, start, limited ? Math.min(end, this.#bytes) : end);
    if (limited && end > this.#bytes) throw new EnoughError();
  }
}
