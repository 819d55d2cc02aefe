import { LF } from '../ascii.ts';
import type { BatchBuilder } from '../batch-builder.ts';
import type { FieldPlan } from '../field-plan.ts';
import type { Float32Column } from '../float-column.ts';
import type { KernelText } from './kernel-text.ts';
import { LABELS, LABELS_SIZE, LABEL_ENDS, MOST_NUMBERS, MOST_ROWS, NUMBERS, PROGRAM, kernel } from './kernel.ts';
import { recordProgram } from './record-program.ts';
import type { RecordProgram } from './record-program.ts';

/** So many records in a row are worth a call to the kernel. */
const LONG_RUN = 4;
/** After so many calls that read nothing, with no long run between them, records are read by another program. */
const MOST_MISSES = 8;
const MOST_PROGRAMS = 8;
const GREATEST_INT32 = 0x7fffffff;

/**
 * Reads runs of records that look alike, from behind the first of them: whole lines, where only numbers and strings differ. The decoder
 * reads the others, and shows them to `learn`.
 */
export class RecordReader {
  readonly #text: KernelText;
  readonly #plan: FieldPlan;
  readonly #maxRowBytes: number;
  readonly #echo: number;
  #program: RecordProgram | undefined;
  #programs = 0;
  #misses = 0;

  constructor(text: KernelText, plan: FieldPlan, maxRowBytes: number) {
    this.#text = text;
    this.#plan = plan;
    this.#maxRowBytes = maxRowBytes;
    this.#echo = plan.config.keyField === undefined && plan.config.rowKeys !== true ? 1 : 0;
  }

  /** Takes the record `[start, end)`, which decoded, as the pattern of those after it, if one is wanted. */
  learn(start: number, end: number): void {
    if (this.#program !== undefined || this.#programs === MOST_PROGRAMS) return;
    this.#program = recordProgram(this.#plan, this.#text.bytes, start, end);
    this.#programs++;
    this.#misses = 0;
  }

  /** Reads records from `pos` on into the builder, at most so many; returns the offset of the first that it left. */
  read(pos: number, most: number, builder: BatchBuilder): number {
    let p = pos;
    let left = most;
    while (this.#program !== undefined && left > 0 && p < this.#text.bytes.length) {
      const before = builder.rowCount;
      p = this.#run(this.#program, p, left, builder);
      const rows = builder.rowCount - before;
      left -= rows;
      if (rows >= LONG_RUN) this.#misses = 0;
      else if (rows === 0 && ++this.#misses === MOST_MISSES) this.#program = undefined;
      if (rows === 0) break;
    }
    return p;
  }

  #run(program: RecordProgram, pos: number, most: number, builder: BatchBuilder): number {
    const text = this.#text;
    const { labels, inputs } = builder;
    const shift = text.see(pos, text.bytes.indexOf(LF, pos) + 1 - pos);
    program.bytes.copy(kernel.bytes, PROGRAM);
    const mostRows = Math.min(most, MOST_ROWS, Math.floor(MOST_NUMBERS / Math.max(program.width, 1)));
    const end = kernel.readRecords(
      PROGRAM,
      pos + shift,
      text.end + shift,
      NUMBERS,
      LABELS,
      LABELS + LABELS_SIZE,
      LABEL_ENDS,
      labels.length,
      mostRows,
      Math.min(this.#maxRowBytes, GREATEST_INT32),
      this.#echo,
    );
    const rows = kernel.done[0] as number;
    if (rows === 0) return pos;
    const labelEnds = kernel.labelEnds.subarray(0, rows);
    labels.copy(kernel.bytes, LABELS, LABELS + (labelEnds[rows - 1] as number) - labels.length);
    let first = 0;
    for (const { input, width } of program.feeds) {
      (inputs[input]?.column as Float32Column).takeRows(rows, first, width, program.width);
      first += width;
    }
    builder.commitRows(labelEnds);
    return end - shift;
  }
}
