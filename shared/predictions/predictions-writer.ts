import type { ByteStream, StoredObject } from '../ports.ts';
import type { Layout } from './layout.ts';

/**
 * Writes a job's output lines in another format. The output is `header`, the parts one after another, `footer`: so parts are written as
 * their splits are done, in any order, and joined without being read. All of it depends on nothing but the lines: an attempt
 * after a crash makes the same bytes.
 */
export interface PredictionsWriter {
  /** Every part must have the columns of all others: one in which no row was scored is written again once they are known. */
  readonly uniform: boolean;
  /** @param lines `{"key":…,"prediction":…}`, in chunks that end anywhere. */
  part(lines: ByteStream, layout: Layout): ByteStream;
  header(layout: Layout): Uint8Array;
  /** @param parts as they stand behind the header. */
  footer(layout: Layout, parts: readonly StoredObject[], read: ReadPart): Promise<Uint8Array>;
}

/** Reads the bytes `[start, end)` of a part. */
export type ReadPart = (part: StoredObject, start: number, end: number) => Promise<Uint8Array>;

/** For formats whose parts are all there is. */
export const NOTHING = new Uint8Array();
