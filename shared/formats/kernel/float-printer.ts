import { COMMA } from '../ascii.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { writeFloat32 } from '../float-text.ts';
import { MOST_NUMBERS, NUMBERS, TEXT, TEXT_SIZE, kernel, newUser } from './kernel.ts';

/** More than the longest text of a number and what is written past it. */
const MOST_BYTES = 40;
const MOST_PRINTED = Math.floor(TEXT_SIZE / MOST_BYTES);

/** Prints float32 numbers, which must not change. The kernel holds a window of them. */
export class FloatPrinter {
  readonly #data: Float32Array;
  readonly #id = newUser();
  #start = 0;
  #end = 0;

  constructor(data: Float32Array) {
    this.#data = data;
  }

  /** Writes the numbers `[from, to)` with commas between them, each as `writeFloat32` does. */
  print(out: ByteWriter, from: number, to: number): void {
    for (let index = from; index < to;) {
      if (kernel.user !== this.#id || index < this.#start || index >= this.#end) this.#move(index);
      const most = Math.min(Math.min(to, this.#end) - index, MOST_PRINTED);
      if (index > from) out.byte(COMMA);
      const end = kernel.printFloats(NUMBERS + 4 * (index - this.#start), most, TEXT);
      out.copy(kernel.bytes, TEXT, end);
      const done = kernel.done[0] as number;
      index += done;
      if (done === 0) writeFloat32(out, this.#data[index++] as number);
    }
  }

  #move(index: number): void {
    this.#start = index;
    this.#end = Math.min(index + MOST_NUMBERS, this.#data.length);
    kernel.numbers.set(this.#data.subarray(index, this.#end));
    kernel.user = this.#id;
  }
}
