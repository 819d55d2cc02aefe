/**
 * MiB a second of JSON lines that become each output format: `node bench/outputs.ts [FORMAT …]`. What a part's assembly does beside
 * reading and storing it. Seconds are those of the processor: they count what the garbage collector does beside, and no other process.
 */
import { PREDICTIONS_FORMATS } from '../shared/job.ts';
import type { ByteStream } from '../shared/ports.ts';
import { layoutOf } from '../shared/predictions/layout.ts';
import { predictionsWriter } from '../shared/predictions/registry.ts';
import type { TensorSpec } from '../shared/tensor.ts';
import { grouped, median, numbers } from './measure.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
const ROWS = 100_000;
/** Bytes that a result is read in at a time. */
const CHUNK_BYTES = 1024 * 1024;

const OUTPUTS: Readonly<Record<string, TensorSpec>> = {
  'a score': { name: 'score', dtype: 'float32', shape: [null, 1] },
  'ten probabilities': { name: 'probabilities', dtype: 'float32', shape: [null, 10] },
  'a label': { name: 'label', dtype: 'int64', shape: [null] },
};

/** A value of the output, of one row. */
function valueOf({ dtype, shape }: TensorSpec, random: Generator<number, never>): unknown {
  const next = (): number => (dtype === 'int64' ? Math.trunc(random.next().value * 1000) : random.next().value);
  const width = shape?.[1];
  return typeof width === 'number' ? Array.from({ length: width }, next) : next();
}

function linesOf(output: TensorSpec): Buffer {
  const random = numbers();
  const lines = Array.from({ length: ROWS }, (_, key) => JSON.stringify({ key, prediction: valueOf(output, random) }));
  return Buffer.from(`${lines.join('\n')}\n`);
}

async function* chunksOf(lines: Buffer): ByteStream {
  for (let at = 0; at < lines.length; at += CHUNK_BYTES)
    yield await Promise.resolve(lines.subarray(at, at + CHUNK_BYTES));
}

const asked = process.argv.slice(2);
for (const [name, output] of Object.entries(OUTPUTS)) {
  const lines = linesOf(output);
  const layout = layoutOf({ keyField: 'key' }, [output]);
  for (const format of PREDICTIONS_FORMATS.filter((one) =>
    asked.length === 0 ? one !== 'jsonl' : asked.includes(one),
  )) {
    const writer = await predictionsWriter(format);
    const took: number[] = [];
    let size = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const before = process.cpuUsage();
      size = 0;
      for await (const chunk of writer.part(chunksOf(lines), layout)) size += chunk.length;
      const { user, system } = process.cpuUsage(before);
      took.push((user + system) / 1e6);
    }
    const speed = `${(lines.length / 2 ** 20 / median(took)).toFixed(0).padStart(6)} MiB/s`;
    const rows = `${grouped(ROWS / median(took)).padStart(11)} rows/s`;
    console.log(`${name.padEnd(18)} ${format.padEnd(10)} ${speed} ${rows}  ${(size / ROWS).toFixed(1)} bytes a row`);
  }
}
