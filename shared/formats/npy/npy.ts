import type { ErrorInfo } from '../../errors.ts';
import type { Tensor } from '../../tensor.ts';
import { LF } from '../ascii.ts';
import { ByteWriter } from '../byte-writer.ts';
import type {
  DecodeOptions,
  EmitBoundary,
  Format,
  RecordLayout,
  RecordScanner,
  RowBatch,
  ShardDecoder,
} from '../format.ts';
import { decodeValues } from '../json-values.ts';
import { readRows } from './npy-element.ts';
import { readNpyHeader } from './npy-header.ts';
import { TensorWriter } from '../tensor-writer.ts';

/**
 * NumPy's npy: an array whose rows, along the first axis, are records of one size. A row is the value of the model's single input. An array in
 * Fortran order has its rows scattered over the file: it is read as a table (`npy-table.ts`).
 */
export const npy: Format = {
  name: 'npy',
  boundaries: 'computed',
  scanner: (layout) => new FixedScanner(layoutOr(layout).bytes),
  readHeader: (head) => {
    const { length, layout, columnMajor } = readNpyHeader(head);
    return { length, layout, ...(columnMajor && { asTable: true }) };
  },
  decoder: (shard, options) => new NpyDecoder(shard, layoutOr(options.layout), options),
};

function layoutOr(layout: RecordLayout | undefined): RecordLayout {
  if (layout === undefined) throw new Error('npy: the layout of the records is not known');
  return layout;
}

class FixedScanner implements RecordScanner {
  readonly #bytes: number;
  #offset = 0;
  #next: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#next = bytes;
  }

  push(chunk: Uint8Array, emit: EmitBoundary): void {
    this.#offset += chunk.length;
    for (; this.#next <= this.#offset; this.#next += this.#bytes) emit(this.#next, false);
  }

  finish(): void {
    // The file ends with a record: its size was checked when it was pinned.
  }
}

class NpyDecoder implements ShardDecoder {
  readonly #bytes: Uint8Array;
  readonly #layout: RecordLayout;
  readonly #options: DecodeOptions;
  #at = 0;

  constructor(bytes: Uint8Array, layout: RecordLayout, options: DecodeOptions) {
    this.#bytes = bytes;
    this.#layout = layout;
    this.#options = options;
  }

  next(maxRows: number): RowBatch | undefined {
    if (this.#at >= this.#bytes.length) return undefined;
    const end = Math.min(this.#bytes.length, this.#at + maxRows * this.#layout.bytes);
    const { tensor, refused } = readRows(this.#bytes.subarray(this.#at, end), this.#layout);
    this.#at = end;
    return fits(tensor, this.#options) ? columnar(tensor, this.#options) : throughJson(tensor, this.#options, refused);
  }
}

/** Whether the rows are what the model's one input takes, as they are. */
function fits({ dtype, shape }: Tensor, { signature, instanceConfig }: DecodeOptions): boolean {
  const [input, ...others] = signature.inputs;
  const { keyField, includedFields, excludedFields, instanceType } = instanceConfig;
  const plain = [keyField, includedFields, excludedFields, instanceType].every((option) => option === undefined);
  if (!plain || input === undefined || others.length > 0 || signature.examples !== undefined) return false;
  if (dtype === 'string' || input.dtype !== dtype) return false;
  if (input.shape === null) return true;
  const sizes = input.shape.slice(1);
  return (
    input.shape.length === shape.length && sizes.every((size, index) => size === null || size === shape[index + 1])
  );
}

function columnar(tensor: Tensor, { signature, instanceConfig }: DecodeOptions): RowBatch {
  const rowCount = tensor.shape[0] ?? 0;
  const labels = new ByteWriter();
  const labelStarts = new Int32Array(rowCount);
  const labelEnds = new Int32Array(rowCount);
  if (instanceConfig.rowKeys !== true) {
    const writer = new TensorWriter('', tensor);
    for (let row = 0; row < rowCount; row++) {
      labelStarts[row] = labels.length;
      writer.row(labels, row);
      labelEnds[row] = labels.length;
    }
  }
  const inputs = { [signature.inputs[0]?.name ?? '']: tensor };
  const rows = Int32Array.from({ length: rowCount }, (_, row) => row);
  return { rowCount, labels: labels.take(), labelStarts, labelEnds, groups: [{ rows, inputs }], errors: new Map() };
}

/** Rows of another type or shape than the input's are read as the JSON that they would be, which says what does not fit. */
function throughJson(tensor: Tensor, options: DecodeOptions, refused: ReadonlyMap<number, ErrorInfo>): RowBatch {
  const rowCount = tensor.shape[0] ?? 0;
  const writer = new TensorWriter('', tensor);
  const lines = new ByteWriter();
  for (let row = 0; row < rowCount; row++) {
    if (refused.has(row)) lines.ascii('null');
    else writer.row(lines, row);
    lines.byte(LF);
  }
  return decodeValues(lines.take(), rowCount, options, refused);
}
