import type { ByteStream } from '../ports.ts';
import { LF, OPEN_BRACE, asBuffer } from './ascii.ts';
import { ByteWriter } from './byte-writer.ts';

/** Room for the inserted keys of a chunk's lines, beside the chunk itself. */
const SPARE_BYTES = 4096;

/**
 * Makes the row the key of every output line: `{"prediction":…}` becomes `{"key":17,"prediction":…}`. Chunks may end anywhere.
 * @param firstRow the first line's row.
 */
export async function* insertRowKeys(lines: ByteStream, firstRow: number): ByteStream {
  let row = firstRow;
  let atLineStart = true;
  for await (const chunk of lines) {
    const bytes = asBuffer(chunk);
    const out = new ByteWriter(bytes.length + SPARE_BYTES);
    let p = 0;
    while (p < bytes.length) {
      if (atLineStart) {
        if (bytes[p] !== OPEN_BRACE) throw new Error(`row ${row}: an output line that is no object`);
        out.ascii(`{"key":${row++},`);
        p++;
      }
      const newline = bytes.indexOf(LF, p);
      const end = newline < 0 ? bytes.length : newline + 1;
      out.copy(bytes, p, end);
      p = end;
      atLineStart = newline >= 0;
    }
    if (out.length > 0) yield out.take();
  }
}
