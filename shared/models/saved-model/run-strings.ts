import type { StringElement } from '../../tensor.ts';
import { toElement } from '../text.ts';

const EMPTY = new Uint8Array(0);

/**
 * The strings of a graph, each by its number. In the graph a tensor of strings is an int32 tensor of these numbers: operations that only move
 * elements then move strings on any backend, and leave bytes that are no UTF-8 as they are; TensorFlow.js's own would decode and encode them.
 * Number 0 is the empty string, which is what TensorFlow pads strings with.
 */
export class StringPool {
  readonly #strings: Uint8Array[] = [EMPTY];

  add(bytes: Uint8Array): number {
    return bytes.length === 0 ? 0 : this.#strings.push(bytes) - 1;
  }

  /** The strings of a tensor as their numbers. */
  addAll(strings: readonly StringElement[]): Int32Array {
    return Int32Array.from(strings, (element) =>
      this.add(typeof element === 'string' ? Buffer.from(element) : element),
    );
  }

  bytes(id: number): Uint8Array {
    return this.#strings[id] ?? EMPTY;
  }

  allBytes(ids: ArrayLike<number>): Uint8Array[] {
    return Array.from(ids, (id) => this.bytes(id));
  }

  elements(ids: ArrayLike<number>): StringElement[] {
    return Array.from(ids, (id) => toElement(this.bytes(id)));
  }

  /** Forgets what was added after there were so many. */
  release(count: number): void {
    this.#strings.length = count;
  }

  get count(): number {
    return this.#strings.length;
  }
}
