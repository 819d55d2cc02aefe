/**
 * How long short commands take, in seconds of the clock and of the processor: `node bench/start.ts`. BENCH_ROUNDS as in bench/run.ts. The instances are those
 * of the examples, at most some hundred.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { CLI, dataPath, measure, median } from './measure.ts';
import type { Measured } from './measure.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
const EXAMPLES = join(import.meta.dirname, '../examples');
const models = ['--models', `${EXAMPLES}/models`];

function run(input: string, model: string, ...options: readonly string[]): readonly string[] {
  const output = ['--output', dataPath('start/output.jsonl'), '--force'];
  return ['run', `${EXAMPLES}/${input}`, '--model', model, ...models, ...output, ...options];
}

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'fanfold --help': ['--help'],
  'models show, TensorFlow.js': ['models', 'show', 'digits', ...models],
  'models show, SavedModel': ['models', 'show', 'digits-with-key', ...models],
  'run, TensorFlow.js on images': run('digits/file-list.txt', 'digit-images'),
  'run, SavedModel': run('times-five/instances.csv', 'times-five', '--key-field', 'key'),
  'run, SavedModel, TFRecords': run('times-five/examples.tfrecord.gz', 'times-five', '--signature', 'examples'),
  'run, pipeline': run('times-five/instances.csv', 'times-five-and-ten', '--key-field', 'key'),
  'run, SavedModel on images': run('images/file-list.txt', 'image-files'),
};

mkdirSync(dataPath('start'), { recursive: true });
const took = new Map<string, Measured[]>(Object.keys(COMMANDS).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, args] of Object.entries(COMMANDS)) took.get(name)?.push(await measure([CLI, ...args], 5));
}
for (const [name, measured] of took) {
  const seconds = median(measured.map((one) => one.seconds)).toFixed(2);
  const cpu = median(measured.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2);
  const peak = Math.max(...measured.map(({ peakMB }) => peakMB)).toFixed(0);
  console.log(`${name.padEnd(28)} ${seconds} s  ${cpu} s of processor  peak ${peak.padStart(4)} MB`);
}
