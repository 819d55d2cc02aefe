/**
 * What people write first: one thread that reads lines, parses, infers, stringifies and writes.
 * node bench/bare-loop.ts INPUT MODEL.onnx OUTPUT BATCH
 */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

import { InferenceSession, Tensor } from 'onnxruntime-node';

const [input = '', model = '', output = '', batch = '1024'] = process.argv.slice(2);
const session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 });
const out = createWriteStream(output);
const size = Number(batch);

let instances: { key: number; x: number[] }[] = [];

async function flush(): Promise<void> {
  const [first] = instances;
  if (first === undefined) return;
  const width = first.x.length;
  const data = new Float32Array(instances.length * width);
  instances.forEach(({ x }, row) => {
    data.set(x, row * width);
  });
  const { y } = await session.run({ x: new Tensor('float32', data, [instances.length, width]) });
  if (y === undefined) throw new Error('the model has no output y');
  const scores = y.data as Float32Array;
  const outputs = scores.length / instances.length;
  const lines = instances.map(({ key }, row) =>
    JSON.stringify({ key, prediction: Array.from(scores.subarray(row * outputs, (row + 1) * outputs)) }),
  );
  instances = [];
  if (!out.write(`${lines.join('\n')}\n`)) await once(out, 'drain');
}

for await (const line of createInterface({ input: createReadStream(input), crlfDelay: Infinity })) {
  instances.push(JSON.parse(line) as { key: number; x: number[] });
  if (instances.length === size) await flush();
}
await flush();
out.end();
await once(out, 'finish');
