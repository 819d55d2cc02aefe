/**
 * The most memory that `fanfold run` takes for large inputs, beside their size: `node bench/memory.ts [INPUT …]`. BENCH_MB is what an input holds
 * unpacked, BENCH_WORKERS the workers. The inputs are kept in bench/data/memory.
 */
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import sharp from 'sharp';

import { ByteWriter } from '../shared/formats/byte-writer.ts';
import { writeExample } from '../shared/formats/example/write-example.ts';
import { writeRecord } from '../shared/formats/tf-record/tf-record-framing.ts';
import { makeMlp } from '../test/shared/models/onnx-maker.ts';
import { CLI, dataPath, measure } from './measure.ts';

const MB = Number(process.env['BENCH_MB'] ?? 1024);
const WORKERS = process.env['BENCH_WORKERS'] ?? '2';
const WIDTH = 784;
const ROW_BYTES = 4 * WIDTH;
const ROWS = Math.floor((MB * 2 ** 20) / ROW_BYTES);
/** Rows made at a time; those of one row group. */
const BLOCK = 10_000;
/** A photograph of some 3 MB: what a telephone takes. */
const PHOTO = { width: 1900, height: 1400, quality: 95 } as const;
const PHOTO_MB = 3;

interface Input {
  readonly name: string;
  readonly model?: string;
  make(file: string): Promise<void>;
}

const INPUTS: readonly Input[] = [
  { name: 'floats.npy', make: makeNpy },
  { name: 'floats.parquet', make: makeParquet },
  { name: 'floats.tfrecord', make: (file) => pipeline(records, createWriteStream(file)) },
  { name: 'floats.tfrecord.gz', make: (file) => pipeline(records, createGzip({ level: 1 }), createWriteStream(file)) },
  { name: 'photos.txt', model: 'photos', make: makePhotos },
];

function* blocks(): Generator<Float32Array> {
  let state = 42;
  const noise = Float32Array.from({ length: BLOCK * WIDTH }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  });
  for (let made = 0; made < ROWS; made += BLOCK) yield noise.subarray(0, Math.min(BLOCK, ROWS - made) * WIDTH);
}

function rowsOf(block: Float32Array): Float32Array[] {
  return Array.from({ length: block.length / WIDTH }, (_, row) => block.subarray(row * WIDTH, (row + 1) * WIDTH));
}

/** https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
async function makeNpy(file: string): Promise<void> {
  const out = createWriteStream(file);
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${ROWS}, ${WIDTH}), }`.padEnd(117);
  out.write(Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(`${text}\n`)]));
  for (const block of blocks()) {
    if (!out.write(new Uint8Array(block.buffer, 0, block.byteLength))) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
}

async function makeParquet(file: string): Promise<void> {
  const schema = [
    { name: 'root', num_children: 1 },
    { name: 'x', repetition_type: 'REQUIRED' as const, num_children: 1, converted_type: 'LIST' as const },
    { name: 'list', repetition_type: 'REPEATED' as const, num_children: 1 },
    { name: 'element', type: 'FLOAT' as const, repetition_type: 'REQUIRED' as const },
  ];
  const writer = new ParquetWriter({ writer: fileWriter(file), schema });
  for (const block of blocks()) {
    const columnData = [{ name: 'x', data: rowsOf(block).map((row) => [...row]) }];
    await writer.write({ columnData, rowGroupSize: BLOCK });
  }
  await writer.finish();
}

function* records(): Generator<Uint8Array> {
  for (const block of blocks()) {
    const out = new ByteWriter();
    for (const values of rowsOf(block)) {
      writeRecord(out, () => {
        writeExample(out, new Map([['x', { kind: 'float', values }]]));
      });
    }
    yield out.take();
  }
}

/** A list that names the same photograph again and again: each row is read and decoded anew. */
async function makePhotos(file: string): Promise<void> {
  const { width, height, quality } = PHOTO;
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  const photo = sharp({ create: { width, height, channels: 3, background: 'grey', noise } });
  await photo.jpeg({ quality }).toFile(dataPath('memory/photo.jpg'));
  const list = `${dataPath('memory/photo.jpg')}\n`;
  writeFileSync(file, list.repeat(Math.ceil(MB / PHOTO_MB)));
}

function makeModels(): void {
  const model = makeMlp({ inputs: WIDTH, hidden: [16], outputs: 4 });
  for (const name of ['floats', 'photos']) {
    const folder = dataPath(`memory/${name}/1`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/model.onnx`, model);
  }
  const steps = [
    { op: 'decodeImage', channels: 1 },
    { op: 'resize', width: 28, height: 28 },
    { op: 'reshape', shape: [WIDTH] },
  ];
  writeFileSync(dataPath('memory/photos/1/serving.json'), JSON.stringify({ preprocess: { x: { steps } } }));
}

makeModels();
const asked = process.argv.slice(2);
console.log(`${WORKERS} workers, start-up included`);
for (const input of INPUTS.filter(({ name }) => asked.length === 0 || asked.includes(name))) {
  const file = dataPath(`memory/${MB}-${input.name}`);
  if (!existsSync(file)) await input.make(file);
  const model = dataPath(`memory/${input.model ?? 'floats'}`);
  const options = ['--model', model, '--row-keys', '--workers', WORKERS, '--force'];
  const { seconds, cpuSeconds, peakMB } = await measure([
    CLI,
    'run',
    file,
    ...options,
    '--output',
    dataPath('memory/output.jsonl'),
  ]);
  const size = (statSync(file).size / 2 ** 20).toFixed(0).padStart(5);
  const took = `${seconds.toFixed(1).padStart(6)} s, ${cpuSeconds.toFixed(1).padStart(6)} s of processor`;
  console.log(`  ${input.name.padEnd(20)} ${size} MiB ${took}  peak ${peakMB.toFixed(0).padStart(5)} MB`);
}
