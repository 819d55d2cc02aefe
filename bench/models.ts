/**
 * Rows a second of `fanfold run` with each kind of model: one digits' network as a TensorFlow.js model, as a SavedModel, and twice in a pipeline; the same
 * rows as PNG files: `node bench/models.ts [MODEL …]`. BENCH_ROWS (1 = 20,000 rows), BENCH_WORKERS and BENCH_ROUNDS as in bench/run.ts.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeMlp } from '../test/shared/models/onnx-maker.ts';
import { CLI, costs, dataPath, grouped, measure, median, numbers } from './measure.ts';
import type { Measured } from './measure.ts';

const ROWS = Math.round(20_000 * Number(process.env['BENCH_ROWS'] ?? 1));
const WORKERS = process.env['BENCH_WORKERS'] ?? '2';
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const PIXELS = 784;
const EXAMPLES = join(import.meta.dirname, '../examples');
const MODELS = dataPath('models');

const WORKLOADS = [
  { model: 'mlp', input: 'pixels.jsonl' },
  { model: 'digits', input: 'pixels.jsonl' },
  { model: 'digits-with-key', input: 'image.jsonl' },
  { model: 'digits-twice', input: 'pixels.jsonl' },
  { model: 'digit-images', input: 'files.txt' },
] as const;

function makeModels(): void {
  mkdirSync(`${MODELS}/mlp/1`, { recursive: true });
  writeFileSync(
    `${MODELS}/mlp/1/model.onnx`,
    makeMlp({ inputs: PIXELS, hidden: [128], outputs: 10, inputName: 'pixels' }),
  );
  for (const name of ['digits', 'digits-with-key', 'digit-images'])
    cpSync(`${EXAMPLES}/models/${name}`, `${MODELS}/${name}`, { recursive: true });
  const step = (name: string) => ({ name, model: 'digits@1', inputs: { pixels: 'instance.pixels' } });
  const outputs = { first: 'first.probabilities', second: 'second.probabilities' };
  mkdirSync(`${MODELS}/digits-twice/1`, { recursive: true });
  const pipeline = { steps: [step('first'), step('second')], outputs };
  writeFileSync(`${MODELS}/digits-twice/1/pipeline.json`, JSON.stringify(pipeline));
}

/** Four in five pixels are black, as in digits. */
function makeLines(field: string): void {
  const random = numbers();
  const pixel = (): number => Math.max(0, Number((5 * random.next().value - 4).toFixed(4)));
  const lines = Array.from({ length: ROWS }, (_, key) =>
    JSON.stringify({ key, [field]: Array.from({ length: PIXELS }, pixel) }),
  );
  writeFileSync(`${MODELS}/${field}.jsonl`, `${lines.join('\n')}\n`);
}

function makeList(): void {
  const files = Array.from({ length: ROWS }, (_, row) => `${EXAMPLES}/digits/files/${row % 10}.png`);
  writeFileSync(`${MODELS}/files.txt`, `${files.join('\n')}\n`);
}

makeModels();
makeLines('pixels');
makeLines('image');
makeList();
const asked = process.argv.slice(2);
const chosen = WORKLOADS.filter(({ model }) => asked.length === 0 || asked.includes(model));
const took = new Map<string, Measured[]>(chosen.map(({ model }) => [model, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const { model, input } of chosen) {
    const options = ['--model', model, '--models', MODELS, '--key-field', 'key', '--workers', WORKERS, '--force'];
    const output = `${MODELS}/output.jsonl`;
    took.get(model)?.push(await measure([CLI, 'run', `${MODELS}/${input}`, ...options, '--output', output]));
  }
}
console.log(`${grouped(ROWS)} rows of ${PIXELS} pixels, ${WORKERS} workers, median of ${ROUNDS}, start-up included`);
for (const [model, measured] of took) {
  const speed = grouped(ROWS / median(measured.map(({ seconds }) => seconds))).padStart(8);
  const { cpu, peak } = costs(measured);
  console.log(`  ${model.padEnd(16)} ${speed} rows/s ${cpu} s of processor  peak ${peak} MB`);
}
