import { errorInfo } from '../errors.ts';
import type { ErrorInfo, Status } from '../errors.ts';
import type { Signature } from '../models/model.ts';
import type { Tensor } from '../tensor.ts';
import { elementCount } from '../tensor.ts';
import { ByteWriter } from './byte-writer.ts';
import type { Column } from './columns.ts';
import { createColumn } from './create-column.ts';
import type { BatchGroup, RowBatch } from './format.ts';
import { InputReader } from './input-reader.ts';
import type { RowError } from './row-error.ts';

/** Rows whose inputs have the same shapes. */
interface Group {
  readonly rows: number[];
  readonly shapes: readonly (readonly number[])[];
  readonly columns: readonly Column[];
}

/** Room in the first columns of a group whose shape only its rows tell. */
const OPEN_CAPACITY = 64;

/**
 * Gathers decoded rows into a RowBatch. Between two rows the caller reads values through `inputs` and writes the row's label into `labels`;
 * then it ends the row with `commit` or `fail`. Where all rows have one shape, values are read straight into the columns that the
 * model gets; else each row is read apart and appended to the group of its shapes.
 */
export class BatchBuilder {
  readonly inputs: readonly InputReader[];
  labels = new ByteWriter();
  rowCount = 0;
  readonly #fixed: boolean;
  /** An input has no batch dimension: every row is a group of its own. */
  readonly #unbatched: boolean;
  readonly #rowSizes: readonly number[];
  #labelEnds = new Int32Array(0);
  #groups = new Map<string, Group>();
  #errors = new Map<number, ErrorInfo>();

  constructor({ inputs }: Signature) {
    this.inputs = inputs.map((spec) => new InputReader(spec, createColumn(spec.dtype, 0)));
    this.#unbatched = inputs.some(({ shape }) => shape?.length === 0);
    this.#fixed = !this.#unbatched && this.inputs.every(({ isFixed }) => isFixed);
    this.#rowSizes = this.inputs.map(({ dimensions }) => elementCount(dimensions?.map((size) => size ?? 1) ?? []));
  }

  /** Starts a batch of at most so many rows, which are not longer than so many bytes of text. */
  begin(maxRows: number, bytes: number): void {
    this.rowCount = 0;
    this.#groups = new Map();
    this.#errors = new Map();
    // An element takes at least two bytes of text, and so does a record.
    const most = Math.ceil(bytes / 2) + 1;
    this.#labelEnds = new Int32Array(Math.min(maxRows, most));
    this.inputs.forEach((input, index) => {
      const capacity = this.#fixed ? Math.min(maxRows * (this.#rowSizes[index] ?? 1), most) : OPEN_CAPACITY;
      input.column = createColumn(input.spec.dtype, capacity);
    });
    if (this.#fixed) {
      const shapes = this.inputs.map(({ dimensions }) => (dimensions ?? []).map((size) => size ?? 0));
      this.#groups.set('', { rows: [], shapes, columns: this.inputs.map(({ column }) => column) });
    }
  }

  /** Ends a row that decoded. */
  commit(): void {
    const row = this.#endRow();
    const group = this.#fixed ? this.#groups.get('') : this.#groupOfRow();
    group?.rows.push(row);
    if (!this.#fixed) {
      this.inputs.forEach(({ column }, index) => {
        group?.columns[index]?.append(column);
        column.truncate(0);
      });
    }
  }

  /** Ends rows that decoded and of which all is there already: the values in the columns, and the labels, which end there. All rows must have one shape. */
  commitRows(labelEnds: Int32Array): void {
    const rows = this.#groups.get('')?.rows;
    this.#labelEnds.set(labelEnds, this.rowCount);
    for (const end = this.rowCount + labelEnds.length; this.rowCount < end; this.rowCount++) rows?.push(this.rowCount);
  }

  /** Ends a row that did not decode: what was read of it is dropped. */
  fail(error: RowError, status: Status = 'INVALID_ARGUMENT'): void {
    const row = this.#endRow();
    this.#errors.set(row, errorInfo(status, error.message));
    const committed = this.#fixed ? (this.#groups.get('')?.rows.length ?? 0) : 0;
    this.inputs.forEach(({ column }, index) => {
      column.truncate(committed * (this.#rowSizes[index] ?? 1));
    });
  }

  build(): RowBatch {
    const labelEnds = this.#labelEnds.slice(0, this.rowCount);
    const labelStarts = new Int32Array(this.rowCount);
    labelStarts.set(labelEnds.subarray(0, -1), 1);
    return {
      rowCount: this.rowCount,
      labels: this.labels.take(),
      labelStarts,
      labelEnds,
      groups: [...this.#groups.values()].filter(({ rows }) => rows.length > 0).map((group) => this.#batchGroup(group)),
      errors: this.#errors,
    };
  }

  #endRow(): number {
    this.#labelEnds[this.rowCount] = this.labels.length;
    return this.rowCount++;
  }

  #groupOfRow(): Group {
    const shapes = this.inputs.map(({ rowShape }) => rowShape);
    const name = this.#unbatched ? String(this.rowCount) : shapes.map((shape) => shape.join()).join(' ');
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = {
        rows: [],
        shapes,
        columns: this.inputs.map(({ spec, column }) => createColumn(spec.dtype, column.length)),
      };
      this.#groups.set(name, group);
    }
    return group;
  }

  #batchGroup({ rows, shapes, columns }: Group): BatchGroup {
    const inputs: Record<string, Tensor> = {};
    this.inputs.forEach(({ spec }, index) => {
      const shape = spec.shape?.length === 0 ? [] : [rows.length, ...(shapes[index] ?? [])];
      const column = columns[index];
      if (column !== undefined) inputs[spec.name] = column.tensor(shape);
    });
    return { rows: new Int32Array(rows), inputs };
  }
}
