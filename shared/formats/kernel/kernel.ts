import { KERNEL_WASM } from './wasm.ts';

/** The part of https://webassembly.github.io/spec/js-api/ that is used: Node's types leave it to the DOM's. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

/** What assembly/index.ts exports. Addresses are offsets into the memory. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly DONE: { readonly value: number };
  /**
   * Reads numbers that commas separate, at most `most` of them, as float32 to the address `to`. Stops before what it is not sure of
   * or no comma follows, at the latest before a newline, and behind the byte `close` where that follows one. Returns where it stopped.
   */
  readonly readFloats: (from: number, to: number, most: number, close: number) => number;
  /**
   * Reads records of one line each by a program (record-program.ts) from the text `[from, end)`: their numbers to `numbers`; their keys, or
   * with `echo` the whole records, to `[labels, labelsEnd)`; where each label ends, counted from `firstLabel`, to `labelEnds`. Stops before
   * a record that it is not sure of or that is longer than `maxBytes`. Returns where it stopped.
   */
  readonly readRecords: (
    program: number,
    from: number,
    end: number,
    numbers: number,
    labels: number,
    labelsEnd: number,
    labelEnds: number,
    firstLabel: number,
    most: number,
    maxBytes: number,
    echo: number,
  ) => number;
  /** Prints float32 numbers with commas between them; stops before one that it is not sure of. Returns the text's end. */
  readonly printFloats: (from: number, count: number, to: number) => number;
}

const KIB = 1024;
/** The kernel reads and writes words past the end. */
const PADDING = 4 * KIB;

/** What lies where in the memory. First the compiler's tables. */
export const PROGRAM = 32 * KIB;
export const PROGRAM_SIZE = 32 * KIB;
/** A window of the text that is read; or what is printed. */
export const TEXT = PROGRAM + PROGRAM_SIZE;
export const TEXT_SIZE = 256 * KIB;
/** What was read, or a window of what is printed. */
export const NUMBERS = TEXT + TEXT_SIZE + PADDING;
export const MOST_NUMBERS = 32 * KIB;
export const LABELS = NUMBERS + 4 * MOST_NUMBERS;
export const LABELS_SIZE = 64 * KIB;
export const LABEL_ENDS = LABELS + LABELS_SIZE;
export const MOST_ROWS = 4 * KIB;

export interface Kernel extends Pick<Exports, 'readFloats' | 'readRecords' | 'printFloats'> {
  readonly bytes: Buffer;
  readonly numbers: Float32Array;
  readonly labelEnds: Int32Array;
  /** How many numbers or records the last call took. */
  readonly done: Int32Array;
  /** Who uses it, and may find in its memory what they left there: a number of their own from `newUser`. */
  user: number;
}

/**
 * Reads and prints float32 numbers as float-column.ts and float-text.ts do, several times as fast, and from the first call on: JavaScript
 * gets fast only as it runs, in each thread anew. One for each thread; who finds that another used it starts anew.
 */
export const kernel: Kernel = instantiate();

function instantiate(): Kernel {
  const module = new WebAssembly.Module(Buffer.from(KERNEL_WASM, 'base64'));
  const exactly = (from: number, to: number): number => Number(bytes.toString('latin1', from, to));
  const instance = new WebAssembly.Instance(module, { read: { exactly } });
  const { memory, DONE, ...functions } = instance.exports as Exports;
  const { buffer } = memory;
  const bytes = Buffer.from(buffer);
  return {
    ...functions,
    bytes,
    numbers: new Float32Array(buffer, NUMBERS, MOST_NUMBERS),
    labelEnds: new Int32Array(buffer, LABEL_ENDS, MOST_ROWS),
    done: new Int32Array(buffer, DONE.value, 1),
    user: 0,
  };
}

let users = 0;

export function newUser(): number {
  return ++users;
}
