import { LF } from '../ascii.ts';
import { TEXT, TEXT_SIZE, kernel, newUser } from './kernel.ts';

/** A text, which must not change, of which the kernel sees a window. */
export class KernelText {
  readonly bytes: Buffer;
  readonly #id = newUser();
  #start = 0;
  #end = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Makes the kernel see what is at `pos`, with at least so many bytes after it, or all that there are; returns how far `pos` is from its address. */
  see(pos: number, size: number): number {
    const isSeen = pos >= this.#start && (pos + size <= this.#end || this.#end === this.bytes.length);
    if (kernel.user !== this.#id || !isSeen) this.#move(pos);
    return TEXT - this.#start;
  }

  /** The end of what it sees. */
  get end(): number {
    return this.#end;
  }

  #move(pos: number): void {
    this.#start = pos;
    this.#end = Math.min(pos + TEXT_SIZE, this.bytes.length);
    this.bytes.copy(kernel.bytes, TEXT, pos, this.#end);
    // Ends every token that the window cuts.
    kernel.bytes[TEXT + this.#end - pos] = LF;
    kernel.user = this.#id;
  }
}
