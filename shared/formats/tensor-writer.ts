import { isUtf8 } from 'node:buffer';

import type { StringElement, Tensor } from '../tensor.ts';
import { CLOSE_BRACKET, COMMA, MINUS, OPEN_BRACKET, asBuffer } from './ascii.ts';
import type { ByteWriter } from './byte-writer.ts';
import { writeFloat32, writeFloat64, writeInteger } from './float-text.ts';
import { FloatPrinter } from './kernel/float-printer.ts';

/** TensorFlow Serving writes the strings of outputs named so as base64. */
const BYTES_SUFFIX = '_bytes';

/** Writes the elements `[from, to)` of a tensor as JSON, with commas between them. */
type WriteElements = (out: ByteWriter, from: number, to: number) => void;

/** Writes rows of one output as JSON: nested lists of the row's shape. */
export class TensorWriter {
  readonly #shape: readonly number[];
  readonly #rowSize: number;
  readonly #write: WriteElements;

  /** @param tensor of shape `[rows, ...rowShape]`. */
  constructor(name: string, tensor: Tensor) {
    this.#shape = tensor.shape.slice(1);
    this.#rowSize = this.#shape.reduce((product, size) => product * size, 1);
    this.#write = elementsWriter(name, tensor);
  }

  row(out: ByteWriter, row: number): void {
    this.#nested(out, 0, row * this.#rowSize, this.#rowSize);
  }

  /** The elements `[from, from + size)` as lists of the dimensions from `depth` on. */
  #nested(out: ByteWriter, depth: number, from: number, size: number): void {
    const length = this.#shape[depth];
    if (length === undefined) {
      this.#write(out, from, from + 1);
      return;
    }
    out.byte(OPEN_BRACKET);
    if (depth === this.#shape.length - 1) {
      this.#write(out, from, from + length);
    } else {
      const step = length === 0 ? 0 : size / length;
      for (let item = 0; item < length; item++) {
        if (item > 0) out.byte(COMMA);
        this.#nested(out, depth + 1, from + item * step, step);
      }
    }
    out.byte(CLOSE_BRACKET);
  }
}

function elementsWriter(name: string, tensor: Tensor): WriteElements {
  switch (tensor.dtype) {
    case 'float32': {
      const floats = new FloatPrinter(tensor.data);
      return (out, from, to) => {
        floats.print(out, from, to);
      };
    }
    case 'float16':
      return each(tensor.data, writeFloat32);
    case 'float64':
      return each(tensor.data, writeFloat64);
    case 'bool':
      return each(tensor.data, (out, value) => {
        out.ascii(value === 0 ? 'false' : 'true');
      });
    case 'string': {
      const asBytes = name.endsWith(BYTES_SUFFIX);
      return each(tensor.data, (out, value) => {
        writeString(out, value, asBytes);
      });
    }
    case 'int64':
    case 'uint64':
      return each<bigint>(tensor.data, (out, value) => {
        out.ascii(String(value));
      });
    default:
      return each<number>(tensor.data, (out, value) => {
        if (value < 0) out.byte(MINUS);
        writeInteger(out, Math.abs(value));
      });
  }
}

function each<T>(data: Readonly<ArrayLike<T>>, write: (out: ByteWriter, value: T) => void): WriteElements {
  return (out, from, to) => {
    for (let index = from; index < to; index++) {
      if (index > from) out.byte(COMMA);
      write(out, data[index] as T);
    }
  };
}

function writeString(out: ByteWriter, element: StringElement, asBytes: boolean): void {
  const bytes = typeof element === 'string' ? undefined : asBuffer(element);
  if (asBytes || (bytes !== undefined && !isUtf8(bytes))) {
    out.ascii(`{"b64":"${(bytes ?? Buffer.from(element as string)).toString('base64')}"}`);
  } else out.jsonString(bytes?.toString('utf8') ?? (element as string));
}
