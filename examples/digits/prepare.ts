import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readDigits, type Digit } from './dataset.ts';

const WORK = join(import.meta.dirname, 'work');
/** The model's input. */
const INPUT = 'pixels';

export interface Prepared {
  /** One line per digit: `{"key":"digit-00017","pixels":[784 numbers]}`. */
  readonly instances: string;
  /** `key,label,split`, where split is `training` or `held-back`. */
  readonly labels: string;
  readonly rows: number;
}

/** Writes the 10,000 digits as instances, and what they are; the same bytes every time. */
export async function prepareDigits(): Promise<Prepared> {
  await mkdir(WORK, { recursive: true });
  const instances = join(WORK, 'digits.jsonl');
  const labels = join(WORK, 'labels.csv');
  const digits = await readDigits();
  await pipeline(Readable.from(instanceLines(digits)), createWriteStream(instances));
  const rows = digits.map(({ key, label, heldBack }) => `${key},${label},${heldBack ? 'held-back' : 'training'}\n`);
  await writeFile(labels, `key,label,split\n${rows.join('')}`);
  return { instances, labels, rows: digits.length };
}

function* instanceLines(digits: readonly Digit[]): Generator<string> {
  for (const { key, pixels } of digits) yield `${JSON.stringify({ key, [INPUT]: Array.from(pixels) })}\n`;
}

if (import.meta.main) {
  const { instances, labels, rows } = await prepareDigits();
  console.log(`${rows} digits in ${instances}, labels in ${labels}`);
}
