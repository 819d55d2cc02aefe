/**
 * Rows a second of `fanfold run` over the same rows of 8 floats in every input format: `node bench/inputs.ts [FORMAT …]`. The last column is how
 * many times as fast as JSON lines in the same rounds. BENCH_ROWS (1 = a million rows), BENCH_WORKERS and BENCH_ROUNDS as in bench/run.ts.
 */
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';

import { fileWriter, ParquetWriter } from 'hyparquet-writer';

import { ByteWriter } from '../shared/formats/byte-writer.ts';
import { writeExample } from '../shared/formats/example/write-example.ts';
import { writeRecord } from '../shared/formats/tf-record/tf-record-framing.ts';
import { makeMlp } from '../test/shared/models/onnx-maker.ts';
import { CLI, costs, dataPath, grouped, measure, median, numbers } from './measure.ts';
import type { Measured } from './measure.ts';

const ROWS = Math.round(1_000_000 * Number(process.env['BENCH_ROWS'] ?? 1));
const WORKERS = process.env['BENCH_WORKERS'] ?? '2';
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const WIDTH = 8;
/** Rows made at a time; those of one row group. */
const BLOCK = 100_000;

interface Input {
  readonly suffix: string;
  readonly options?: readonly string[];
  make(file: string): Promise<void>;
}

const names = Array.from({ length: WIDTH }, (_, index) => `f${index}`);
const asArray = ['--instance-type', 'array'];

const INPUTS: readonly Input[] = [
  { suffix: 'jsonl', make: (file) => rowByRow(file, (row) => Buffer.from(`${JSON.stringify({ x: row })}\n`)) },
  { suffix: 'csv', make: (file) => rowByRow(file, (row) => Buffer.from(`${row.join(',')}\n`), `${names.join(',')}\n`) },
  { suffix: 'npy', make: (file) => rowByRow(file, (row) => bytesOf(row), npyHeader(false)) },
  { suffix: 'fortran.npy', make: makeFortran },
  { suffix: 'tfrecord', make: (file) => rowByRow(file, record) },
  { suffix: 'lists.parquet', make: (file) => makeParquet(file, 'lists') },
  { suffix: 'columns.parquet', options: asArray, make: (file) => makeParquet(file, 'columns') },
  { suffix: 'jsonl.gz', make: (file) => pack(file, createGzip()) },
  { suffix: 'jsonl.zst', make: (file) => pack(file, createZstdCompress()) },
];

function inputFile(suffix: string): string {
  return dataPath(`inputs/${ROWS}.${suffix}`);
}

function* blocks(): Generator<number[][]> {
  const random = numbers();
  for (let made = 0; made < ROWS; made += BLOCK) {
    const rows = Math.min(BLOCK, ROWS - made);
    yield Array.from({ length: rows }, () => Array.from({ length: WIDTH }, () => random.next().value));
  }
}

async function rowByRow(
  file: string,
  encode: (row: readonly number[]) => Uint8Array,
  header: string | Uint8Array = '',
): Promise<void> {
  const out = createWriteStream(file);
  out.write(header);
  for (const rows of blocks()) if (!out.write(Buffer.concat(rows.map(encode)))) await once(out, 'drain');
  await ended(out);
}

async function ended(out: Writable): Promise<void> {
  out.end();
  await once(out, 'finish');
}

function bytesOf(row: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(row).buffer);
}

/** https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
function npyHeader(fortran: boolean): Uint8Array {
  const order = fortran ? 'True' : 'False';
  const text = `{'descr': '<f4', 'fortran_order': ${order}, 'shape': (${ROWS}, ${WIDTH}), }`.padEnd(117);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(`${text}\n`)]);
}

async function makeFortran(file: string): Promise<void> {
  const columns = names.map(() => new Float32Array(ROWS));
  let at = 0;
  for (const rows of blocks()) {
    for (const row of rows) {
      columns.forEach((column, index) => (column[at] = row[index] ?? NaN));
      at++;
    }
  }
  const out = createWriteStream(file);
  out.write(npyHeader(true));
  for (const column of columns) out.write(new Uint8Array(column.buffer));
  await ended(out);
}

function record(row: readonly number[]): Uint8Array {
  const out = new ByteWriter();
  writeRecord(out, () => {
    writeExample(out, new Map([['x', { kind: 'float', values: row }]]));
  });
  return out.take();
}

async function makeParquet(file: string, kind: 'lists' | 'columns'): Promise<void> {
  const leaf = (name: string) => ({ name, type: 'FLOAT' as const, repetition_type: 'REQUIRED' as const });
  const list = [
    { name: 'x', repetition_type: 'REQUIRED' as const, num_children: 1, converted_type: 'LIST' as const },
    { name: 'list', repetition_type: 'REPEATED' as const, num_children: 1 },
    leaf('element'),
  ];
  const fields = kind === 'lists' ? list : names.map(leaf);
  const schema = [{ name: 'root', num_children: kind === 'lists' ? 1 : WIDTH }, ...fields];
  const writer = new ParquetWriter({ writer: fileWriter(file), schema });
  for (const rows of blocks()) {
    const columnData =
      kind === 'lists'
        ? [{ name: 'x', data: rows }]
        : names.map((name, index) => ({ name, data: rows.map((row) => row[index] ?? NaN) }));
    await writer.write({ columnData, rowGroupSize: BLOCK });
  }
  await writer.finish();
}

async function pack(file: string, packer: NodeJS.ReadWriteStream): Promise<void> {
  await pipeline(createReadStream(inputFile('jsonl')), packer, createWriteStream(file));
}

const model = dataPath('inputs/model/1');
mkdirSync(model, { recursive: true });
writeFileSync(`${model}/model.onnx`, makeMlp({ inputs: WIDTH, hidden: [16], outputs: 1 }));
const asked = process.argv.slice(2);
const chosen = INPUTS.filter(({ suffix }) => suffix === 'jsonl' || asked.length === 0 || asked.includes(suffix));
for (const input of chosen) if (!existsSync(inputFile(input.suffix))) await input.make(inputFile(input.suffix));

const took = new Map(chosen.map(({ suffix }) => [suffix, [] as Measured[]]));
for (let round = 0; round < ROUNDS; round++) {
  for (const { suffix, options = [] } of chosen) {
    const output = ['--output', dataPath('inputs/output.jsonl'), '--force'];
    const run = ['run', inputFile(suffix), '--model', dataPath('inputs/model'), '--row-keys', '--workers', WORKERS];
    took.get(suffix)?.push(await measure([CLI, ...run, ...output, ...options]));
  }
}
console.log(`${grouped(ROWS)} rows of ${WIDTH} floats, ${WORKERS} workers, median of ${ROUNDS}, start-up included`);
const jsonl = took.get('jsonl') ?? [];
for (const [suffix, measured] of took) {
  const ratio = (of: (one: Measured) => number): string =>
    median(measured.map((one, round) => of(jsonl[round] ?? one) / of(one))).toFixed(2);
  const size = (statSync(inputFile(suffix)).size / 2 ** 20).toFixed(0).padStart(4);
  const speed = grouped(ROWS / median(measured.map(({ seconds }) => seconds))).padStart(10);
  const { cpu, peak } = costs(measured);
  const ratios = `${ratio((one) => one.seconds)} times as fast as JSON lines, ${ratio((one) => one.cpuSeconds)} by processor time`;
  console.log(`  ${suffix.padEnd(16)} ${speed} rows/s ${cpu} s of processor  ${size} MiB  peak ${peak} MB  ${ratios}`);
}
