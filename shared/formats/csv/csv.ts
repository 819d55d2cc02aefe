import { asBuffer } from '../ascii.ts';
import { CsvDecoder } from './csv-decoder.ts';
import { readCsvHeader } from './csv-header.ts';
import { CsvReader } from './csv-reader.ts';
import type { EmitBoundary, Format, RecordScanner } from '../format.ts';

/** Comma-separated values by RFC 4180, with a header: see `CsvReader` for the grammar, `CsvDecoder` for the instances. */
export const csv: Format = {
  name: 'csv',
  boundaries: 'from-start',
  scanner: () => new CsvScanner(),
  readHeader: readCsvHeader,
  decoder: (shard, options) => new CsvDecoder(shard, options),
};

const NOTHING = Buffer.alloc(0);

class CsvScanner implements RecordScanner {
  readonly #reader = new CsvReader();
  #offset = 0;
  #recordStart = 0;

  push(chunk: Uint8Array, emit: EmitBoundary): void {
    const bytes = asBuffer(chunk);
    const reader = this.#reader;
    let p = 0;
    for (;;) {
      const end = reader.recordEnd(bytes, p);
      if (end < 0) break;
      p = end;
      this.#recordStart = this.#offset + end;
      emit(this.#recordStart, reader.blank);
    }
    this.#offset += bytes.length;
  }

  finish(emit: EmitBoundary): void {
    const record = this.#reader.finish(NOTHING);
    if (this.#offset > this.#recordStart) emit(this.#offset, !record);
    this.#recordStart = this.#offset;
  }
}
