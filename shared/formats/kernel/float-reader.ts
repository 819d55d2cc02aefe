import type { KernelText } from './kernel-text.ts';
import { MOST_NUMBERS, NUMBERS, kernel } from './kernel.ts';

/** A number that begins so many bytes before the end of what the kernel sees may not be whole. */
const LONGEST_NUMBER = 64;

/** Reads numbers of one text. */
export class FloatReader {
  readonly bytes: Buffer;
  /** Where reading stopped. */
  pos = 0;
  readonly #text: KernelText;

  constructor(text: KernelText) {
    this.bytes = text.bytes;
    this.#text = text;
  }

  /**
   * Reads numbers, each followed by a comma or by `close`, which ends the reading. Stops before what it leaves to others: what is no
   * number, and numbers that it is not sure of.
   * @returns how many there are: the first of `kernel.numbers`.
   */
  read(pos: number, most: number, close: number): number {
    const text = this.#text;
    const shift = text.see(pos, LONGEST_NUMBER);
    this.pos = kernel.readFloats(pos + shift, NUMBERS, Math.min(most, MOST_NUMBERS), close) - shift;
    return kernel.done[0] as number;
  }
}
