import type { ErrorInfo } from '../errors.ts';
import type { DecodeOptions, RowBatch } from './format.ts';
import { jsonl } from './jsonl.ts';

/** The limit on a record's bytes was kept where the record was read: its JSON text may be longer. */
const NO_LIMIT = 2 ** 31 - 1;

/**
 * Decodes rows that were written as JSON lines, one each, none blank.
 * @param refused rows that could not be written as they are (their line is `null`), each with its error.
 */
export function decodeValues(
  lines: Uint8Array,
  rows: number,
  options: DecodeOptions,
  refused: ReadonlyMap<number, ErrorInfo>,
): RowBatch {
  const batch = jsonl.decoder(lines, { ...options, maxRowBytes: NO_LIMIT }).next(rows);
  if (batch?.rowCount !== rows) throw new Error(`${rows} rows were written, ${batch?.rowCount ?? 0} read`);
  return refused.size === 0 ? batch : { ...batch, errors: new Map([...batch.errors, ...refused]) };
}
