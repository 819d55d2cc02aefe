import { RowEncoder } from '../shared/formats/row-encoder.ts';
import { formatOf } from '../shared/formats/registry.ts';
import type { InstancesFormat } from '../shared/formats/format.ts';
import type { Signature } from '../shared/models/model.ts';

/**
 * Times decoding and encoding against the plain way, JSON.parse per line into a Float32Array and JSON.stringify of plain arrays:
 * `node bench/decode.ts`. MB/s are of text; the last column is how many times faster.
 */

const ROUNDS = 7;
let seed = 1;

function random(): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
}

function signature(width: number): Signature {
  return {
    name: 'serving_default',
    inputs: [{ name: 'x', dtype: 'float32', shape: [null, width] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [null, width] }],
  };
}

function lines(rows: number, width: number, element: () => number): Buffer {
  const text = Array.from({ length: rows }, (_, key) =>
    JSON.stringify({ key, x: Array.from({ length: width }, element) }),
  );
  return Buffer.from(`${text.join('\n')}\n`);
}

function table(rows: number, width: number, element: () => number): Buffer {
  const text = Array.from({ length: rows }, (_, key) => [key, ...Array.from({ length: width }, element)].join(','));
  return Buffer.from(`${text.join('\n')}\n`);
}

/** Milliseconds of the fastest round. */
function fastest(run: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

function decode(format: InstancesFormat, shard: Buffer, width: number): void {
  const columns = ['key', ...Array.from({ length: width }, (_, index) => `f${index}`)];
  const options = { signature: signature(width), instanceConfig: { keyField: 'key' }, maxRowBytes: 1e9, columns };
  const decoder = formatOf(format).decoder(shard, options);
  for (let batch = decoder.next(1024); batch !== undefined; batch = decoder.next(1024)) {
    if (batch.errors.size > 0) throw new Error([...batch.errors.values()][0]?.message);
  }
}

function parseLines(shard: Buffer, width: number, rows: number): void {
  const data = new Float32Array(rows * width);
  const keys: unknown[] = [];
  let start = 0;
  for (let row = 0; row < rows; row++) {
    const end = shard.indexOf(10, start);
    const { key, x } = JSON.parse(shard.toString('utf8', start, end)) as { key: unknown; x: number[] };
    keys.push(key);
    data.set(x, row * width);
    start = end + 1;
  }
}

function report(name: string, bytes: number, ours: number, plain: number): void {
  const speed = (bytes / 1e6 / (ours / 1e3)).toFixed(0);
  console.log(
    `${name.padEnd(36)} ${ours.toFixed(1).padStart(8)} ms ${speed.padStart(6)} MB/s  ${(plain / ours).toFixed(2)}x`,
  );
}

function gaussian(): number {
  return Number((Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())).toFixed(6));
}

function pixel(): number {
  return random() < 0.8 ? 0 : Number(random().toFixed(4));
}

function benchDecode(name: string, rows: number, width: number, element: () => number): void {
  const json = lines(rows, width, element);
  const plain = fastest(() => {
    parseLines(json, width, rows);
  });
  report(
    `decode jsonl ${name}`,
    json.length,
    fastest(() => {
      decode('jsonl', json, width);
    }),
    plain,
  );
  const csv = table(rows, width, element);
  report(
    `decode csv ${name}`,
    csv.length,
    fastest(() => {
      decode('csv', csv, width);
    }),
    plain,
  );
}

function benchEncode(name: string, rows: number, width: number, element: () => number): void {
  const data = Float32Array.from({ length: rows * width }, element);
  const keys = Array.from({ length: rows }, (_, row) => String(row));
  const ends = Int32Array.from(
    keys.map(
      (
        (sum) => (key: string) =>
          (sum += key.length)
      )(0),
    ),
  );
  const batch = {
    rowCount: rows,
    labels: Buffer.from(keys.join('')),
    labelStarts: Int32Array.from([0, ...ends.subarray(0, -1)]),
    labelEnds: ends,
    groups: [],
    errors: new Map(),
  };
  const scored = [
    { rows: Int32Array.from(keys.keys()), outputs: { y: { dtype: 'float32' as const, shape: [rows, width], data } } },
  ];
  const encoder = new RowEncoder({ label: 'key', outputs: signature(width).outputs });
  let bytes = 0;
  const ours = fastest(() => {
    encoder.encode(batch, scored, new Map());
    bytes = encoder.take().bytes.length;
  });
  const plain = fastest(() => {
    const parts: string[] = [];
    for (let row = 0; row < rows; row++) {
      parts.push(JSON.stringify({ key: row, prediction: Array.from(data.subarray(row * width, (row + 1) * width)) }));
    }
    Buffer.from(parts.join('\n'));
  });
  report(`encode ${name}`, bytes, ours, plain);
}

benchDecode('8 floats, 6 decimals', 100_000, 8, gaussian);
benchDecode('784 floats, 6 decimals', 1000, 784, gaussian);
benchDecode('784 floats, 17 digits', 1000, 784, random);
benchDecode('784 pixels', 2000, 784, pixel);
benchEncode('8 floats', 100_000, 8, random);
benchEncode('10 floats, softmax-like', 100_000, 10, () => random() ** 8);
benchEncode('784 floats', 1000, 784, gaussian);
