import { describe, expect, it } from 'vitest';
import { PermanentError } from '../../../../shared/errors.ts';
import { DEFAULT_SIGNATURE } from '../../../../shared/models/model.ts';
import type { Model, ModelFiles } from '../../../../shared/models/model.ts';
import { loadPipeline } from '../../../../shared/models/pipeline/load-pipeline.ts';
import { memoryFiles } from '../model-files.ts';

/** Loads models that count how often they are disposed of; those called `bad…` cannot be loaded. */
class CountingLoader {
  readonly loaded: string[] = [];
  readonly disposed: string[] = [];
  readonly open = (model: string, version: string): Promise<ModelFiles> =>
    Promise.resolve(memoryFiles({}, `${model}@${version}`));

  load = ({ label }: ModelFiles): Promise<Model> => {
    if (label.startsWith('bad')) return Promise.reject(new PermanentError('INVALID_ARGUMENT', `${label} is broken`));
    this.loaded.push(label);
    return Promise.resolve({
      runtime: label,
      byteSize: 10,
      signatures: {
        [DEFAULT_SIGNATURE]: {
          name: DEFAULT_SIGNATURE,
          inputs: [{ name: 'x', dtype: 'float32', shape: [null] }],
          outputs: [{ name: 'y', dtype: 'float32', shape: [null] }],
        },
      },
      predict: () => Promise.reject(new Error('only loaded')),
      dispose: () => {
        this.disposed.push(label);
        return Promise.resolve();
      },
    });
  };
}

const config = (models: readonly string[], output = 's0.y') =>
  memoryFiles({
    'pipeline.json': { steps: models.map((model, i) => ({ name: `s${i}`, model })), outputs: { y: output } },
  });

describe('the models of a pipeline', () => {
  it('are loaded once each, and disposed of with it', async () => {
    const loader = new CountingLoader();
    const model = await loadPipeline(config(['a@1', 'b@1', 'a@1']), loader);
    expect(loader.loaded).toEqual(['a@1', 'b@1']);
    expect(model).toMatchObject({ runtime: 'pipeline (a@1, b@1)', byteSize: 20 });
    await model.dispose();
    expect(loader.disposed).toEqual(['a@1', 'b@1']);
  });

  it.each([
    {
      name: 'one of them cannot be loaded',
      files: config(['a@1', 'b@1', 'a@1', 'bad@1']),
      message: 'm@1: pipeline.json: step "s3": bad@1 is broken',
    },
    {
      name: 'they do not fit',
      files: config(['a@1', 'b@1'], 's0.z'),
      message: 'm@1: pipeline.json: output "y": step "s0" has no output "z"; it has "y"',
    },
  ])('are disposed of where $name', async ({ files, message }) => {
    const loader = new CountingLoader();
    await expect(loadPipeline(files, loader)).rejects.toThrow(message);
    expect(loader.disposed).toEqual(['a@1', 'b@1']);
  });
});
