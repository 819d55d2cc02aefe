import type { ColumnMetaData, SchemaElement } from 'hyparquet';
import type { parquetHeader } from 'hyparquet/src/column.js';

/** Bytes that the values of one page may come to where each repeats the start of the one before. */
const MAX_SHARED_BYTES = 256 * 1024 * 1024;

type PageHeader = ReturnType<typeof parquetHeader>;

/** What the decoding of a page's levels needs to know of its column. */
export interface Levels {
  readonly maxRepetition: number;
  readonly maxDefinition: number;
}

/** Unpacks the values of a page. */
export type Unpack = (packed: Uint8Array, size: number) => Uint8Array;

/**
 * Looks at what a page's bytes would be decoded to, before they are: a run of a few bytes can claim two thousand million values, and a list of
 * shared prefixes grows with its square.
 * @param page the page's bytes as the file has them.
 * @throws RangeError
 */
export async function checkRuns(
  header: PageHeader,
  page: Uint8Array,
  column: ColumnMetaData,
  levels: Levels,
  unpack: Unpack,
): Promise<void> {
  const { data_page_header: v1, data_page_header_v2: v2 } = header;
  if (v1 !== undefined) {
    const bytes = unpack(page, header.uncompressed_page_size);
    const runs = new Runs(bytes, v1.num_values);
    if (levels.maxRepetition > 0) runs.sized(widthOf(levels.maxRepetition));
    if (levels.maxDefinition > 0) runs.sized(widthOf(levels.maxDefinition));
    await checkValues(runs, v1.encoding, column.type);
  } else if (v2 !== undefined) {
    const repetition = v2.repetition_levels_byte_length;
    const values = repetition + v2.definition_levels_byte_length;
    if (!(repetition >= 0 && values >= repetition && values <= page.length))
      throw new RangeError('levels beyond the page');
    const packed = page.subarray(values);
    const bytes = v2.is_compressed === false ? packed : unpack(packed, header.uncompressed_page_size - values);
    if (levels.maxRepetition > 0)
      new Runs(page.subarray(0, repetition), v2.num_values).hybrid(widthOf(levels.maxRepetition));
    if (levels.maxDefinition > 0)
      new Runs(page.subarray(repetition, values), v2.num_values).hybrid(widthOf(levels.maxDefinition));
    await checkValues(new Runs(bytes, v2.num_values), v2.encoding, column.type);
  }
}

async function checkValues(runs: Runs, encoding: string, type: SchemaElement['type']): Promise<void> {
  if (encoding === 'DELTA_BYTE_ARRAY') await runs.sharedPrefixes();
  else if (encoding === 'RLE' || (encoding.endsWith('_DICTIONARY') && type === 'BOOLEAN')) runs.sized(1);
  else if (encoding.endsWith('_DICTIONARY')) runs.hybrid(runs.byte());
}

function widthOf(level: number): number {
  return 32 - Math.clz32(level);
}

/** Reads the lengths of runs: https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE */
class Runs {
  readonly #bytes: Uint8Array;
  readonly #values: number;
  #at = 0;

  constructor(bytes: Uint8Array, values: number) {
    this.#bytes = bytes;
    this.#values = values;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  /** A hybrid of runs and packed bits, behind its length in four bytes. */
  sized(width: number): void {
    const [a, b, c, d] = [this.byte(), this.byte(), this.byte(), this.byte()];
    const end = this.#at + a + b * 2 ** 8 + c * 2 ** 16 + d * 2 ** 24;
    if (end > this.#bytes.length) throw new RangeError('a run of values beyond its page');
    this.hybrid(width, end);
    this.#at = end;
  }

  hybrid(width: number, end = this.#bytes.length): void {
    for (let seen = 0; seen < this.#values && this.#at < end;) {
      const header = this.#varint();
      const count = header % 2 === 1 ? ((header - 1) / 2) * 8 : header / 2;
      this.#at += header % 2 === 1 ? (count / 8) * width : Math.ceil(width / 8);
      // Packed bits come in groups of eight: the last may be filled up.
      if (count > this.#values + 7) throw new RangeError(`a run of ${count} values in a page of ${this.#values}`);
      seen += count;
    }
  }

  /** Each value tells how much of the one before it begins with. */
  async sharedPrefixes(): Promise<void> {
    if (this.#bytes.length === 0) return;
    const { deltaBinaryUnpack } = await import('hyparquet/src/delta.js');
    const start = this.#at;
    this.#varint();
    this.#varint();
    const count = this.#varint();
    if (count > this.#values) throw new RangeError(`${count} values in a page of ${this.#values}`);
    const prefixes = new Int32Array(count);
    const { buffer, byteOffset, length } = this.#bytes;
    if (count > 0)
      deltaBinaryUnpack({ view: new DataView(buffer, byteOffset, length), offset: start }, count, prefixes);
    const bytes = prefixes.reduce((sum, size) => sum + Math.abs(size), 0);
    if (bytes > MAX_SHARED_BYTES)
      throw new RangeError(`values of ${bytes} bytes in one page, at most ${MAX_SHARED_BYTES}`);
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  }
}
