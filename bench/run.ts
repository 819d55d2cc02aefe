/**
 * Rows a second and peak memory of `fanfold run`, beside a bare one-thread loop over the same files in the same run: `npm run bench`.
 * What counts is the ratio; machines differ. BENCH_ROWS scales the workloads (1 = full size), BENCH_WORKERS the workers.
 */
import { createWriteStream, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { makeMlp } from '../test/shared/models/onnx-maker.ts';
import { CLI, dataPath, grouped, measure, median, numbers } from './measure.ts';
import type { Measured } from './measure.ts';

interface Workload {
  readonly name: string;
  readonly rows: number;
  readonly inputs: number;
  readonly hidden: readonly number[];
  readonly outputs: number;
}

const SCALE = Number(process.env['BENCH_ROWS'] ?? 1);
const WORKERS = process.env['BENCH_WORKERS'] ?? '2';
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);

const WORKLOADS: readonly Workload[] = [
  { name: 'records of 8 floats', rows: 1_000_000 * SCALE, inputs: 8, hidden: [16], outputs: 1 },
  { name: 'records of 784 floats', rows: 20_000 * SCALE, inputs: 784, hidden: [64], outputs: 10 },
];

const BARE_LOOP = fileURLToPath(new URL('bare-loop.ts', import.meta.url));

async function makeInput(file: string, { rows, inputs }: Workload): Promise<void> {
  const out = createWriteStream(file);
  const random = numbers();
  let lines = '';
  for (let key = 0; key < rows; key++) {
    lines += `${JSON.stringify({ key, x: Array.from({ length: inputs }, () => random.next().value) })}\n`;
    if (lines.length < 1 << 20 && key < rows - 1) continue;
    if (!out.write(lines)) await once(out, 'drain');
    lines = '';
  }
  out.end();
  await once(out, 'finish');
}

async function compare(workload: Workload): Promise<void> {
  const { name, rows, inputs } = workload;
  const folder = dataPath(`${inputs}`);
  const input = `${folder}/${rows}.jsonl`;
  const model = `${folder}/model/1`;
  mkdirSync(model, { recursive: true });
  if (!existsSync(`${model}/model.onnx`)) writeFileSync(`${model}/model.onnx`, makeMlp(workload));
  if (!existsSync(input)) await makeInput(input, workload);
  const bare: Measured[] = [];
  const ours: Measured[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(await measure([BARE_LOOP, input, `${model}/model.onnx`, `${folder}/bare.jsonl`, '1024']));
    const output = `${folder}/fanfold.jsonl`;
    rmSync(`${output}.fanfold`, { recursive: true, force: true });
    const options = [
      '--model',
      `${folder}/model`,
      '--key-field',
      'key',
      '--output',
      output,
      '--workers',
      WORKERS,
      '--force',
    ];
    ours.push(await measure([CLI, 'run', input, ...options]));
  }
  const mb = statSync(input).size / 2 ** 20;
  const line = (who: string, measured: readonly Measured[]): string => {
    const seconds = median(measured.map((one) => one.seconds));
    const peak = Math.max(...measured.map((one) => one.peakMB));
    return `  ${who.padEnd(24)} ${grouped(rows / seconds).padStart(10)} rows/s  ${(mb / seconds).toFixed(0).padStart(4)} MiB/s  peak ${peak.toFixed(0).padStart(4)} MB\n`;
  };
  const ratio = median(bare.map((one, round) => one.seconds / (ours[round]?.seconds ?? Number.NaN)));
  process.stdout.write(`${grouped(rows)} ${name} (${mb.toFixed(0)} MiB), median of ${ROUNDS}, start-up included\n`);
  process.stdout.write(line('bare loop, 1 thread', bare) + line(`fanfold, ${WORKERS} workers`, ours));
  process.stdout.write(`  fanfold is ${ratio.toFixed(2)} times as fast as the bare loop\n\n`);
}

for (const workload of WORKLOADS) await compare(workload);
