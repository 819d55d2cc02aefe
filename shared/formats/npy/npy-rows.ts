import { PermanentError } from '../../errors.ts';
import { mapConcurrent } from '../../map-concurrent.ts';
import { elementCount } from '../../tensor.ts';
import type { NpyHeader } from './npy-header.ts';
import type { RandomAccess } from '../table.ts';

/** Bytes read at a time. */
const BLOCK_BYTES = 8 * 1024 * 1024;
/** Ranges fetched at the same time. */
const MAX_READS = 16;
/** More ranges of a few bytes each would take hours to fetch. */
const MAX_ROW_ELEMENTS = 1_000_000;
/** Bytes between two columns' runs that are read rather than left out. */
const MAX_GAP_BYTES = 256 * 1024;
/** Bytes of one row: the most that a job can allow (maxRowBytes). */
const MAX_ROW_BYTES = 64 * 1024 * 1024;

/** @throws PermanentError RESOURCE_EXHAUSTED where one row would not fit in memory, or takes too many reads. */
export function checkRowSize(what: string, { layout, columnMajor }: NpyHeader): void {
  if (layout.bytes > MAX_ROW_BYTES)
    throw new PermanentError(
      'RESOURCE_EXHAUSTED',
      `${what}: rows of ${layout.bytes} bytes, at most ${MAX_ROW_BYTES} can be read`,
    );
  const elements = elementCount(layout.shape);
  if (!columnMajor || elements <= MAX_ROW_ELEMENTS) return;
  throw new PermanentError(
    'RESOURCE_EXHAUSTED',
    `${what}: rows of ${elements} elements in Fortran order, at most ${MAX_ROW_ELEMENTS} can be gathered: save numpy.ascontiguousarray of it`,
  );
}

/**
 * Rows of an npy file, as an array in C order holds them one after another.
 * @param source the file, or what holds it, which begins at `start` there.
 */
export function readRecords(
  source: RandomAccess,
  start: number,
  header: NpyHeader,
  first: number,
  rows: number,
): Promise<Uint8Array> {
  const { length, layout, columnMajor } = header;
  const data = start + length;
  if (columnMajor) return gather(source, data, header, first, rows);
  return source.read(data + first * layout.bytes, data + (first + rows) * layout.bytes);
}

/** In Fortran order element e of row r is at e · rows + r: the rows are gathered from a short run of each column. */
async function gather(
  source: RandomAccess,
  data: number,
  { layout }: NpyHeader,
  first: number,
  rows: number,
): Promise<Uint8Array> {
  const perRow = elementCount(layout.shape);
  const width = layout.bytes / perRow;
  const records = new Uint8Array(rows * layout.bytes);
  const places = cOrderPlaces(layout.shape);
  const columnBytes = layout.rows * width;
  // Of short columns several are read at once; of long ones only the rows that are wanted.
  const together = columnBytes - rows * width <= MAX_GAP_BYTES ? Math.max(1, Math.floor(BLOCK_BYTES / columnBytes)) : 1;
  const starts = Array.from({ length: Math.ceil(perRow / together) }, (_, index) => index * together);
  await mapConcurrent(starts, MAX_READS, async (column) => {
    const last = Math.min(perRow, column + together) - 1;
    const begin = data + column * columnBytes + first * width;
    const bytes = await source.read(begin, data + last * columnBytes + (first + rows) * width);
    for (let at = column; at <= last; at++) {
      const from = (at - column) * columnBytes;
      scatter(bytes.subarray(from, from + rows * width), records, width, (places[at] ?? 0) * width, layout.bytes);
    }
  });
  return records;
}

/** Puts an element of each row to its place in the row's record. */
function scatter(column: Uint8Array, records: Uint8Array, width: number, place: number, recordBytes: number): void {
  for (let from = 0, to = place; from < column.length; from += width, to += recordBytes) {
    for (let byte = 0; byte < width; byte++) records[to + byte] = column[from + byte] ?? 0;
  }
}

/** Of each element of a row, in Fortran order, its place in C order. */
function cOrderPlaces(shape: readonly number[]): Uint32Array {
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const index = shape.map(() => 0);
  return Uint32Array.from({ length: elementCount(shape) }, () => {
    const place = index.reduce((sum, at, axis) => sum + at * (strides[axis] ?? 0), 0);
    for (let axis = 0; axis < shape.length; axis++) {
      index[axis] = (index[axis] ?? 0) + 1;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      index[axis] = 0;
    }
    return place;
  });
}
