import { PermanentError } from '../../errors.ts';
import type { ByteStream } from '../../ports.ts';
import { checkNpySize } from './npy-header.ts';
import { blockRows, RecordLines, unitRows } from './npy-lines.ts';
import { checkRowSize } from './npy-rows.ts';
import { openArray } from './npz-array.ts';
import type { NpzArray } from './npz-array.ts';
import type { Table, TableFormat } from '../table.ts';
import { listZip } from './npz-zip.ts';

/** What numpy.savez names an array that was given no name. */
const UNNAMED = 'arr_0';

/**
 * NumPy's npz: a zip of npy arrays, which have as many rows as each other; a row is an object with a field by each array's name, or the bare
 * value where there is one array without a name. Arrays that are stored are read by ranges of rows; where one is deflated, the file
 * is one unit.
 */
export const npz: TableFormat = {
  name: 'npz',
  open: async (source) => {
    const arrays: NpzArray[] = [];
    for (const entry of await listZip(source)) arrays.push(await openArray(source, entry));
    checkArrays(arrays);
    return new NpzTable(arrays);
  },
};

function checkArrays(arrays: readonly NpzArray[]): void {
  const [first] = arrays;
  if (first === undefined) refuse('it holds no array', 'write it with numpy.savez');
  for (const { name, header, size } of arrays) {
    try {
      checkNpySize(header, size);
    } catch (error) {
      if (error instanceof PermanentError)
        throw new PermanentError(error.status, `npz: array ${JSON.stringify(name)}: ${error.message}`);
      throw error;
    }
    checkRowSize(`npz: array ${JSON.stringify(name)}`, header);
    if (header.layout.rows !== first.header.layout.rows) {
      refuse(
        `the arrays ${JSON.stringify(first.name)} and ${JSON.stringify(name)} have ${first.header.layout.rows} and ${header.layout.rows} rows`,
        'their first axes are the rows of one table: make them equally long',
      );
    }
  }
}

class NpzTable implements Table {
  readonly units: number;
  readonly #arrays: readonly NpzArray[];
  readonly #rows: number;
  readonly #rowBytes: number;
  readonly #unitRows: number;

  constructor(arrays: readonly NpzArray[]) {
    this.#arrays = arrays;
    this.#rows = arrays[0]?.header.layout.rows ?? 0;
    this.#rowBytes = arrays.reduce((sum, { header }) => sum + header.layout.bytes, 0);
    const ranged = arrays.every((array) => array.ranged);
    this.#unitRows = ranged ? unitRows(this.#rowBytes) : Math.max(1, this.#rows);
    this.units = Math.ceil(this.#rows / this.#unitRows);
  }

  async *lines(unit: number): ByteStream {
    const arrays = this.#arrays;
    const bare = arrays.length === 1 && arrays[0]?.name === UNNAMED;
    const lines = new RecordLines(
      arrays.map(({ name, header }) => ({ layout: header.layout, ...(!bare && { name }) })),
    );
    const first = unit * this.#unitRows;
    const end = Math.min(this.#rows, first + this.#unitRows);
    const readers = arrays.map((array) => array.rows(first));
    const step = blockRows(this.#rowBytes);
    try {
      for (let row = first; row < end; row += step) {
        const rows = Math.min(step, end - row);
        const records: Uint8Array[] = [];
        for (const reader of readers) records.push(await reader.take(rows));
        yield lines.write(records, rows);
      }
      if (end === this.#rows) for (const reader of readers) await reader.finish();
    } finally {
      for (const reader of readers) reader.close();
    }
  }
}

function refuse(what: string, remedy: string): never {
  throw new PermanentError('INVALID_ARGUMENT', `npz: ${what}: ${remedy}`);
}
