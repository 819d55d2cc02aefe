import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeExample } from '../../../../shared/formats/example/example.ts';
import { loadModel } from '../../../../shared/models/load.ts';
import { DEFAULT_SIGNATURE } from '../../../../shared/models/model.ts';
import type { Model } from '../../../../shared/models/model.ts';
import type { Tensors } from '../../../../shared/tensor.ts';
import { describeFixtures, FIXTURES, float32, folderFiles, memoryFiles } from '../model-files.ts';

/** A pipeline over the seeds times_five and times_ten, as versions of a registry. */
function open(config: object): Promise<Model> {
  return loadModel(memoryFiles({ 'pipeline.json': config }, 'both@1'), {
    open: (model) => folderFiles(join(FIXTURES, 'seeds', model, '1')),
  });
}

async function goldenOf(seed: string): Promise<number[]> {
  const text = await readFile(join(FIXTURES, 'seeds', seed, 'expected.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { prediction: { y: [number] } }).prediction.y[0]);
}

async function predict(model: Model, inputs: Tensors): Promise<Record<string, number[]>> {
  const outputs = await model.predict(DEFAULT_SIGNATURE, inputs);
  await model.dispose();
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, [...(data as Float32Array)]]));
}

function expectClose(found: readonly number[] | undefined, expected: readonly number[]): void {
  expect(found?.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs((found?.[i] ?? NaN) - value)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(value)));
  });
}

describeFixtures('a pipeline of SavedModels', () => {
  const instances = [0, 1, 2, 3];

  it('in parallel on serialized tf.Examples gives what TensorFlow gives', async () => {
    const model = await open({
      steps: [
        { name: 'five', model: 'times_five@1', signature: 'examples' },
        { name: 'ten', model: 'times_ten@1', signature: 'examples' },
      ],
      outputs: { five: 'five.y', ten: 'ten.y' },
    });
    const signature = model.signatures[DEFAULT_SIGNATURE];
    expect(signature?.examples).toEqual({
      input: 'examples',
      features: [{ name: 'x', dtype: 'float32', shape: [1], optional: false }],
    });
    const data = instances.map((x) => encodeExample(new Map([['x', { kind: 'float', values: [x] }]])));
    const outputs = await predict(model, { examples: { dtype: 'string', shape: [data.length], data } });
    for (const name of ['five', 'ten']) {
      expectClose(outputs[name], (await goldenOf(`times_${name}`)).slice(0, instances.length));
    }
  });

  it('in sequence gives the one what the other makes', async () => {
    const model = await open({
      steps: [
        { name: 'five', model: 'times_five@1' },
        { name: 'fifty', model: 'times_ten@1', inputs: { x: 'five.y' } },
      ],
      outputs: { fifty: 'fifty.y' },
    });
    const outputs = await predict(model, { x: float32([instances.length, 1], instances) });
    const found = outputs['fifty'] ?? [];
    instances.forEach((x, i) => {
      expect(found[i]).toBeCloseTo(50 * x, 1);
    });
  });
});
