import type { ByteStream } from '../../ports.ts';
import { checkNpySize, NPY_HEAD_BYTES, readNpyHeader } from './npy-header.ts';
import type { NpyHeader } from './npy-header.ts';
import { checkRowSize, readRecords } from './npy-rows.ts';
import { blockRows, RecordLines, unitRows } from './npy-lines.ts';
import type { RandomAccess, Table, TableFormat } from '../table.ts';

/** An npy array whose rows are scattered (Fortran order). A unit is a range of rows. */
export const npyTable: TableFormat = {
  name: 'npy',
  open: async (source) => {
    const header = readNpyHeader(await source.read(0, Math.min(source.size, NPY_HEAD_BYTES)));
    checkNpySize(header, source.size);
    checkRowSize('npy', header);
    return new NpyTable(source, header);
  },
};

class NpyTable implements Table {
  readonly units: number;
  readonly #source: RandomAccess;
  readonly #header: NpyHeader;
  readonly #unitRows: number;

  constructor(source: RandomAccess, header: NpyHeader) {
    this.#source = source;
    this.#header = header;
    this.#unitRows = unitRows(header.layout.bytes);
    this.units = Math.ceil(header.layout.rows / this.#unitRows);
  }

  async *lines(unit: number): ByteStream {
    const { layout } = this.#header;
    const lines = new RecordLines([{ layout }]);
    const step = blockRows(layout.bytes);
    const end = Math.min(layout.rows, (unit + 1) * this.#unitRows);
    for (let row = unit * this.#unitRows; row < end; row += step) {
      const rows = Math.min(step, end - row);
      yield lines.write([await readRecords(this.#source, 0, this.#header, row, rows)], rows);
    }
  }
}
