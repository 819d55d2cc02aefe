import { isCompressionError } from '../../compression.ts';
import { PermanentError } from '../../errors.ts';
import type { RandomAccess } from '../table.ts';
import { NPY_HEAD_BYTES, readNpyHeader } from './npy-header.ts';
import type { NpyHeader } from './npy-header.ts';
import { readRecords } from './npy-rows.ts';
import { InflatedBytes } from './npz-inflated-bytes.ts';
import type { ZipEntry } from './npz-zip.ts';

/** Of a deflated array in Fortran order, which is unpacked whole before its rows are gathered. */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;

/** One array of an npz file. */
export interface NpzArray {
  /** Without `.npy`. */
  readonly name: string;
  /** Bytes of its npy file. */
  readonly size: number;
  readonly header: NpyHeader;
  /** Rows can be read from anywhere; else only from the first. */
  readonly ranged: boolean;
  rows(first: number): RowReader;
}

/** Reads an array's records, row after row. */
interface RowReader {
  take(rows: number): Promise<Uint8Array>;
  /** After the last row. @throws PermanentError DATA_LOSS where the checksum is wrong. */
  finish(): Promise<void>;
  close(): void;
}

/** @throws PermanentError naming the array. */
export async function openArray(source: RandomAccess, entry: ZipEntry): Promise<NpzArray> {
  const name = JSON.stringify(entry.name);
  if (!entry.name.endsWith('.npy'))
    throw new PermanentError('INVALID_ARGUMENT', `npz: it holds ${name}, which is no .npy file: take it out`);
  return named(name, async () => {
    const header = readNpyHeader(await headOf(source, entry));
    const array = { name: entry.name.slice(0, -'.npy'.length), size: entry.size, header, ranged: !entry.deflated };
    if (!entry.deflated) return { ...array, rows: (first: number) => new StoredRows(source, entry, header, first) };
    if (!header.columnMajor) return { ...array, rows: () => new InflatedRows(source, entry, header) };
    if (entry.size > MAX_UNPACKED_BYTES) {
      throw new PermanentError(
        'RESOURCE_EXHAUSTED',
        `${entry.size} bytes, deflated and in Fortran order, at most ${MAX_UNPACKED_BYTES} can be unpacked: save numpy.ascontiguousarray of it`,
      );
    }
    return { ...array, rows: () => new UnpackedRows(source, entry, header) };
  });
}

/** Says of which array an error is. */
async function named<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const refused = error instanceof PermanentError;
    if (!refused && !isCompressionError(error)) throw error;
    throw new PermanentError(refused ? error.status : 'DATA_LOSS', `npz: ${name}: ${error.message}`, { cause: error });
  }
}

async function headOf(source: RandomAccess, entry: ZipEntry): Promise<Uint8Array> {
  const size = Math.min(entry.size, NPY_HEAD_BYTES);
  if (!entry.deflated) return source.read(entry.start, entry.start + size);
  const bytes = new InflatedBytes(source, entry);
  try {
    return await bytes.take(size);
  } finally {
    bytes.close();
  }
}

/** Stored: rows are ranges of the zip. */
class StoredRows implements RowReader {
  readonly #source: RandomAccess;
  readonly #entry: ZipEntry;
  readonly #header: NpyHeader;
  #row: number;

  constructor(source: RandomAccess, entry: ZipEntry, header: NpyHeader, first: number) {
    this.#source = source;
    this.#entry = entry;
    this.#header = header;
    this.#row = first;
  }

  take(rows: number): Promise<Uint8Array> {
    const first = this.#row;
    this.#row += rows;
    return readRecords(this.#source, this.#entry.start, this.#header, first, rows);
  }

  async finish(): Promise<void> {
    // A range says nothing of the whole's checksum.
  }

  close(): void {
    // Nothing is open.
  }
}

/** Deflated: rows come out one after another. */
class InflatedRows implements RowReader {
  readonly #name: string;
  readonly #bytes: InflatedBytes;
  readonly #header: NpyHeader;
  #begun = false;

  constructor(source: RandomAccess, entry: ZipEntry, header: NpyHeader) {
    this.#name = JSON.stringify(entry.name);
    this.#bytes = new InflatedBytes(source, entry);
    this.#header = header;
  }

  take(rows: number): Promise<Uint8Array> {
    return named(this.#name, async () => {
      if (!this.#begun) await this.#bytes.take(this.#header.length);
      this.#begun = true;
      return this.#bytes.take(rows * this.#header.layout.bytes);
    });
  }

  finish(): Promise<void> {
    return named(this.#name, () => this.#bytes.finish());
  }

  close(): void {
    this.#bytes.close();
  }
}

/** Deflated and in Fortran order: unpacked whole, then gathered. */
class UnpackedRows implements RowReader {
  readonly #name: string;
  readonly #bytes: InflatedBytes;
  readonly #size: number;
  readonly #header: NpyHeader;
  #whole: Uint8Array | undefined;
  #row = 0;

  constructor(source: RandomAccess, entry: ZipEntry, header: NpyHeader) {
    this.#name = JSON.stringify(entry.name);
    this.#bytes = new InflatedBytes(source, entry);
    this.#size = entry.size;
    this.#header = header;
  }

  async take(rows: number): Promise<Uint8Array> {
    const whole = (this.#whole ??= await named(this.#name, () => this.#bytes.take(this.#size)));
    const first = this.#row;
    this.#row += rows;
    const memory: RandomAccess = {
      size: whole.length,
      read: (start, end) => Promise.resolve(whole.subarray(start, end)),
    };
    return readRecords(memory, 0, this.#header, first, rows);
  }

  finish(): Promise<void> {
    return named(this.#name, () => this.#bytes.finish());
  }

  close(): void {
    this.#bytes.close();
  }
}
