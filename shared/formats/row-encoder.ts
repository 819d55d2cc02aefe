import { ErrorGroups } from '../error-groups.ts';
import type { ErrorInfo } from '../errors.ts';
import type { ErrorGroup } from '../shard.ts';
import { elementCount } from '../tensor.ts';
import type { Tensors, TensorSpec } from '../tensor.ts';
import { CLOSE_BRACE, COMMA, LF, OPEN_BRACE, asBuffer } from './ascii.ts';
import { ByteWriter } from './byte-writer.ts';
import type { InstanceConfig, RowBatch } from './format.ts';
import { shapeText } from './shape.ts';
import { TensorWriter } from './tensor-writer.ts';

/** What an output line carries beside the prediction: `row`, nothing yet (`insertRowKeys` adds the key later). */
export type LineLabel = 'key' | 'instance' | 'row';

/** What the output lines of a job carry. */
export function lineLabelOf({ keyField, rowKeys }: InstanceConfig): LineLabel {
  if (rowKeys === true) return 'row';
  return keyField === undefined ? 'instance' : 'key';
}

export interface RowEncoderOptions {
  readonly label: LineLabel;
  /** The signature's outputs: one gives its bare value, several an object in this order. */
  readonly outputs: readonly TensorSpec[];
}

/** Rows of a batch that the model scored: every output has shape `[rows.length, ...]`. */
export interface ScoredRows {
  readonly rows: Int32Array;
  readonly outputs: Tensors;
}

/** Encoded rows, with what a result says of them. `errors` counts rows from the first one. */
export interface EncodedRows {
  readonly bytes: Uint8Array;
  readonly rows: number;
  readonly failed: number;
  readonly errors: readonly ErrorGroup[];
}

const PREDICTION = Buffer.from('"prediction":');

interface Output {
  readonly name: Buffer;
  readonly writer: TensorWriter;
}

/**
 * Writes one line for every row of a batch, in order: `{"key":…,"prediction":…}` (or "instance", or neither), or "error" where the row
 * failed. Predictions are written as TensorFlow Serving writes them.
 */
export class RowEncoder {
  readonly #options: RowEncoderOptions;
  readonly #labelName: Buffer;
  readonly #out = new ByteWriter();
  #errors = new ErrorGroups();
  #rows = 0;
  #failed = 0;

  constructor(options: RowEncoderOptions) {
    this.#options = options;
    this.#labelName = Buffer.from(options.label === 'row' ? '{' : `{"${options.label}":`);
  }

  /**
   * Encodes all rows of the batch. Each is in `scored`, in `errors`, or among the batch's own errors.
   * @throws Error naming the output that is missing or whose first dimension is not the rows; for a row that is nowhere.
   */
  encode(batch: RowBatch, scored: readonly ScoredRows[], errors: ReadonlyMap<number, ErrorInfo>): void {
    const outputs = scored.map((rows) => this.#outputs(rows));
    const { owners, indexes } = findRows(batch.rowCount, scored);
    const labels = asBuffer(batch.labels);
    const out = this.#out;
    for (let row = 0; row < batch.rowCount; row++) {
      out.copy(this.#labelName);
      if (this.#options.label !== 'row') {
        out.copy(labels, batch.labelStarts[row], batch.labelEnds[row]);
        out.byte(COMMA);
      }
      const error = batch.errors.get(row) ?? errors.get(row);
      if (error === undefined) this.#prediction(outputs[owners[row] as number], row, indexes[row] as number);
      else {
        writeError(out, error);
        this.#errors.add(error, this.#rows + row);
        this.#failed++;
      }
      out.byte(CLOSE_BRACE);
      out.byte(LF);
    }
    this.#rows += batch.rowCount;
  }

  /** What was encoded so far; the encoder is empty afterwards. */
  take(): EncodedRows {
    const encoded = { bytes: this.#out.take(), rows: this.#rows, failed: this.#failed, errors: this.#errors.list() };
    this.#errors = new ErrorGroups();
    this.#rows = 0;
    this.#failed = 0;
    return encoded;
  }

  #prediction(outputs: readonly Output[] | undefined, row: number, index: number): void {
    if (outputs === undefined) throw new Error(`row ${row} of the batch has neither a prediction nor an error`);
    const out = this.#out;
    out.copy(PREDICTION);
    const [only] = outputs;
    if (only !== undefined && outputs.length === 1) {
      only.writer.row(out, index);
      return;
    }
    out.byte(OPEN_BRACE);
    outputs.forEach(({ name, writer }, position) => {
      if (position > 0) out.byte(COMMA);
      out.copy(name);
      writer.row(out, index);
    });
    out.byte(CLOSE_BRACE);
  }

  #outputs({ rows, outputs }: ScoredRows): Output[] {
    return this.#options.outputs.map(({ name }) => {
      const tensor = outputs[name];
      if (tensor === undefined) throw new Error(`output "${name}": the model did not return it`);
      const [size] = tensor.shape;
      if (size !== rows.length || tensor.data.length !== elementCount(tensor.shape)) {
        const found = `shape ${shapeText(tensor.shape)} with ${tensor.data.length} elements`;
        throw new Error(`output "${name}": found ${found}, expected its first dimension to be the ${rows.length} rows`);
      }
      return { name: Buffer.from(`${JSON.stringify(name)}:`), writer: new TensorWriter(name, tensor) };
    });
  }
}

/** The line of a row without a prediction, with its newline. @param label the JSON text of its key or instance; ignored for `row`. */
export function errorLine(label: LineLabel, labelText: string | Uint8Array, error: ErrorInfo): Uint8Array {
  const out = new ByteWriter();
  out.ascii(label === 'row' ? '{' : `{"${label}":`);
  if (label !== 'row') {
    if (typeof labelText === 'string') out.utf8(labelText);
    else out.copy(asBuffer(labelText));
    out.byte(COMMA);
  }
  writeError(out, error);
  out.byte(CLOSE_BRACE);
  out.byte(LF);
  return out.take();
}

function writeError(out: ByteWriter, { code, status, message }: ErrorInfo): void {
  out.ascii('"error":');
  out.utf8(JSON.stringify({ code, status, message }));
}

/** For every row, the scored rows that hold it (-1: none do) and its index there. */
function findRows(rowCount: number, scored: readonly ScoredRows[]): { owners: Int32Array; indexes: Int32Array } {
  const owners = new Int32Array(rowCount).fill(-1);
  const indexes = new Int32Array(rowCount);
  scored.forEach(({ rows }, owner) => {
    rows.forEach((row, index) => {
      owners[row] = owner;
      indexes[row] = index;
    });
  });
  return { owners, indexes };
}
