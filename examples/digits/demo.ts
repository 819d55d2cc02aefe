import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { prepareDigits } from './prepare.ts';

/** Scores 10,000 handwritten digits with `fanfold run` and says how many it read rightly: `npm run demo`. */

const ROOT = join(import.meta.dirname, '../..');
const OUTPUT = join(import.meta.dirname, 'work', 'predictions.jsonl');
const SHOWN_LINES = 3;
const SHOWN_CHARACTERS = 110;

interface OutputLine {
  readonly key: string;
  readonly prediction?: readonly number[];
}

class Tally {
  right = 0;
  total = 0;

  toString(): string {
    return `${((100 * this.right) / this.total).toFixed(2)} % (${this.right} of ${this.total})`;
  }
}

async function runFanfold(instances: string): Promise<number> {
  const from = (path: string): string => relative(ROOT, path);
  const model = join(import.meta.dirname, '..', 'models', 'digits');
  const args = [
    'run',
    from(instances),
    '--model',
    from(model),
    '--key-field',
    'key',
    '--output',
    from(OUTPUT),
    '--force',
  ];
  console.log(`$ fanfold ${args.join(' ')}`);
  const child = spawn(process.execPath, [join(ROOT, 'cli', 'fanfold.js'), ...args], { cwd: ROOT, stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

async function readLabels(file: string): Promise<Map<string, { label: number; heldBack: boolean }>> {
  const [, ...rows] = (await readFile(file, 'utf8')).trimEnd().split('\n');
  return new Map(
    rows.map((row) => {
      const [key = '', label, split] = row.split(',');
      return [key, { label: Number(label), heldBack: split === 'held-back' }];
    }),
  );
}

const prepared = await prepareDigits();
const exitCode = await runFanfold(prepared.instances);
if (exitCode !== 0) process.exit(exitCode);

const labels = await readLabels(prepared.labels);
const all = new Tally();
const heldBack = new Tally();
console.log(`\n${relative(process.cwd(), OUTPUT)} begins`);
for await (const text of createInterface({ input: createReadStream(OUTPUT), crlfDelay: Infinity })) {
  if (all.total < SHOWN_LINES)
    console.log(`  ${text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text}`);
  const { key, prediction = [] } = JSON.parse(text) as OutputLine;
  const digit = labels.get(key);
  if (digit === undefined) throw new Error(`the output has a key that no digit has: ${key}`);
  const isRight = prediction.indexOf(Math.max(...prediction)) === digit.label;
  for (const tally of digit.heldBack ? [all, heldBack] : [all]) {
    tally.total += 1;
    tally.right += isRight ? 1 : 0;
  }
}
console.log(`\nread rightly, of all digits:                        ${all.toString()}`);
console.log(`read rightly, of those the model never saw in training: ${heldBack.toString()}`);
if (all.total !== prepared.rows) throw new Error(`${prepared.rows} instances, but ${all.total} output lines`);
