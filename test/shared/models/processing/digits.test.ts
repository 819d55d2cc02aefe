import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { predictBatch } from '../../../../functions/score/predict.ts';
import { loadModel } from '../../../../shared/models/load.ts';
import { DEFAULT_SIGNATURE } from '../../../../shared/models/model.ts';
import type { Model, ModelFiles, Signature } from '../../../../shared/models/model.ts';
import type { Tensors } from '../../../../shared/tensor.ts';
import { describeFixtures, FIXTURES, folderFiles, memoryFiles } from '../model-files.ts';

const NAMES = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const ROWS = 60;

/** The digits as PNG files, and what they are. */
async function digits(): Promise<{ images: Uint8Array[]; labels: string[] }> {
  const folder = join(FIXTURES, 'seeds/digits');
  const lines = (await readFile(join(folder, 'instances.jsonl'), 'utf8')).trim().split('\n').slice(0, ROWS);
  const images = lines.map(async (line) => {
    const { image } = JSON.parse(line) as { image: number[] };
    const pixels = Uint8Array.from(image, (value) => Math.round(255 * value));
    const raw = { width: 28, height: 28, channels: 1 } as const;
    return new Uint8Array(await sharp(pixels, { raw }).png().toBuffer());
  });
  const table = (await readFile(join(folder, 'labels.csv'), 'utf8'))
    .trim()
    .split('\n')
    .slice(1, ROWS + 1);
  return { images: await Promise.all(images), labels: table.map((row) => NAMES[Number(row.split(',')[1])] ?? '') };
}

/** ONNX's own MNIST model: Input3 `[1, 1, 28, 28]`, 0 to 255, to Plus214_Output_0 `[1, 10]`. */
async function mnist(): Promise<ModelFiles> {
  const files = await folderFiles(join(FIXTURES, 'onnx/ort_mnist'));
  const serving = {
    preprocess: {
      Input3: {
        field: 'png',
        steps: [{ op: 'decodeImage', channels: 1 }, { op: 'crop', width: 28, height: 28 }, { op: 'channelsFirst' }],
      },
    },
    postprocess: [
      { op: 'argmax', output: 'Plus214_Output_0', as: 'digit' },
      { op: 'labels', output: 'digit', values: NAMES },
      { op: 'drop', outputs: ['Plus214_Output_0'] },
    ],
  };
  return memoryFiles({ 'mnist.onnx': await files.read('mnist.onnx'), 'serving.json': serving });
}

async function score(model: Model, images: readonly Uint8Array[]): Promise<(string | undefined)[]> {
  const signature = model.signatures[DEFAULT_SIGNATURE] as Signature;
  const field = signature.inputs[0]?.name ?? '';
  const inputs: Tensors = { [field]: { dtype: 'string', shape: [images.length], data: [...images] } };
  const rows = Int32Array.from(images.keys());
  const { scored, errors } = await predictBatch(model, signature, [{ rows, inputs }]);
  const found = new Array<string | undefined>(images.length);
  for (const { rows: indexes, outputs } of scored) {
    indexes.forEach((row, at) => (found[row] = outputs['digit']?.data[at] as string));
  }
  for (const [row, { message }] of errors) found[row] = message;
  await model.dispose();
  return found;
}

describeFixtures('digits as images', () => {
  it('are read by a model that takes one picture a call, in a pipeline and alone; a broken one is its row', async () => {
    const { images, labels } = await digits();
    const broken = images.with(7, (images[7] ?? new Uint8Array()).subarray(0, 50));
    const alone = await score(await loadModel(await mnist()), broken);
    expect(alone[7]).toMatch(/^field "png": found an image that cannot be decoded/);
    expect(alone.filter((found, row) => found === labels[row]).length).toBeGreaterThan(0.9 * ROWS);

    const inner = await mnist();
    const config = {
      steps: [{ name: 'read', folder: 'mnist', inputs: { png: 'instance.scan' } }],
      outputs: { digit: 'read.digit' },
    };
    const own = memoryFiles({ 'pipeline.json': config });
    const pipeline = await loadModel({
      label: 'p@1',
      names: [...own.names, ...inner.names.map((name) => `mnist/${name}`)],
      read: (name) => (name.startsWith('mnist/') ? inner.read(name.slice('mnist/'.length)) : own.read(name)),
    });
    const together = await score(pipeline, broken);
    expect(together[7]).toMatch(/^step "read": field "png": found an image that cannot be decoded/);
    expect(together.with(7, '')).toEqual(alone.with(7, ''));
  });
});
