import { PermanentError } from '../../errors.ts';
import { CLOSE_BRACE, COMMA, LF, OPEN_BRACE } from '../ascii.ts';
import { ByteWriter } from '../byte-writer.ts';
import type { RecordLayout } from '../format.ts';
import { readRows } from './npy-element.ts';
import { TensorWriter } from '../tensor-writer.ts';

/** Bytes of array data in one unit: what a split reads, as with other inputs. */
const UNIT_BYTES = 64 * 1024 * 1024;
/** Bytes of array data in memory at a time. */
const BLOCK_BYTES = 8 * 1024 * 1024;

/** Rows in one unit of a table, and in one block of it. */
export function unitRows(rowBytes: number): number {
  return Math.max(1, Math.floor(UNIT_BYTES / rowBytes));
}

export function blockRows(rowBytes: number): number {
  return Math.max(1, Math.floor(BLOCK_BYTES / rowBytes));
}

/** One array of a table. */
interface ArrayOfRows {
  readonly layout: RecordLayout;
  /** The field that holds its rows' values; unset: they are the rows. */
  readonly name?: string;
}

/** Writes rows of one or several arrays as JSON lines. */
export class RecordLines {
  readonly #arrays: readonly ArrayOfRows[];

  constructor(arrays: readonly ArrayOfRows[]) {
    this.#arrays = arrays;
  }

  /** @param records of each array, the same rows of all. @throws PermanentError INVALID_ARGUMENT for text that no string can hold. */
  write(records: readonly Uint8Array[], rows: number): Uint8Array {
    const lines = new ByteWriter(records.reduce((sum, { length }) => sum + length, 0));
    const fields = this.#arrays.map(({ layout, name }, index) => {
      const { tensor, refused } = readRows(records[index] ?? new Uint8Array(0), layout);
      const [problem] = refused.values();
      if (problem !== undefined) throw new PermanentError('INVALID_ARGUMENT', `npy: ${problem.message}`);
      // Strings are text where they can be; a name that ends in _bytes is no wish here.
      return {
        name: name === undefined ? undefined : `${JSON.stringify(name)}:`,
        writer: new TensorWriter('', tensor),
      };
    });
    for (let row = 0; row < rows; row++) {
      if (fields[0]?.name !== undefined) lines.byte(OPEN_BRACE);
      for (const [index, { name, writer }] of fields.entries()) {
        if (index > 0) lines.byte(COMMA);
        if (name !== undefined) lines.utf8(name);
        writer.row(lines, row);
      }
      if (fields[0]?.name !== undefined) lines.byte(CLOSE_BRACE);
      lines.byte(LF);
    }
    return lines.take();
  }
}
