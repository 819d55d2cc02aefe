import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../shared/models/load.ts';
import { readServingConfig } from '../../../shared/models/serving-config.ts';
import { memoryFiles } from './model-files.ts';
import { makeMlp } from './onnx-maker.ts';

const onnx = makeMlp({ inputs: 2, hidden: [], outputs: 1 });

describe('detecting the runtime', () => {
  const refused = [
    {
      name: 'an empty folder',
      names: [],
      status: 'FAILED_PRECONDITION',
      message: /m@1 holds no model: the folder is empty; expected/,
    },
    {
      name: 'no model among the files',
      names: ['README.md', 'serving.json'],
      status: 'FAILED_PRECONDITION',
      message: /found README\.md; expected/,
    },
    {
      name: 'two ONNX files',
      names: ['b.onnx', 'a.onnx'],
      status: 'FAILED_PRECONDITION',
      message: /several models: a\.onnx, b\.onnx/,
    },
    {
      name: 'two runtimes',
      names: ['model.json', 'a.onnx'],
      status: 'FAILED_PRECONDITION',
      message: /several models: a\.onnx, model\.json/,
    },
    {
      name: 'a SavedModel of no protocol buffer',
      names: ['saved_model.pb'],
      status: 'INVALID_ARGUMENT',
      message: /saved_model\.pb/,
    },
    {
      name: 'a pipeline of no JSON',
      names: ['pipeline.json'],
      status: 'INVALID_ARGUMENT',
      message: /pipeline\.json is not JSON/,
    },
    {
      name: 'a remote model of no JSON',
      names: ['remote.json'],
      status: 'INVALID_ARGUMENT',
      message: /remote\.json is not JSON/,
    },
    {
      name: 'a name from Object.prototype',
      names: ['constructor'],
      status: 'FAILED_PRECONDITION',
      message: /found constructor/,
    },
  ] as const;
  it.each(refused)('refuses $name', async ({ names, status, message }) => {
    const files = memoryFiles(Object.fromEntries(names.map((name) => [name, ''])));
    await expect(loadModel(files)).rejects.toMatchObject({
      name: 'PermanentError',
      status,
      message: expect.stringMatching(message) as string,
    });
  });

  it('an ONNX file in a subfolder is not the model', async () => {
    const model = await loadModel(memoryFiles({ 'a.onnx': onnx, 'parts/b.onnx': onnx }));
    expect(model.runtime).toMatch(/^onnxruntime \d/);
    await model.dispose();
  });

  it('an ONNX job never loads TensorFlow.js', () => {
    const script = `
      import { createRequire } from 'node:module';
      import { loadModel } from './shared/models/load.ts';
      import { makeMlp } from './test/shared/models/onnx-maker.ts';
      const bytes = makeMlp({ inputs: 2, hidden: [], outputs: 1 });
      await loadModel({ label: 'm', names: ['a.onnx'], read: async () => bytes });
      const loaded = Object.keys(createRequire(import.meta.url).cache);
      console.log(JSON.stringify({ onnx: loaded.some((f) => f.includes('onnxruntime')), tfjs: loaded.some((f) => f.includes('tensorflow')) }));`;
    const root = join(import.meta.dirname, '../../..');
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(JSON.parse(output)).toEqual({ onnx: true, tfjs: false });
  });
});

describe('serving.json', () => {
  const read = (content: string | object) => readServingConfig(memoryFiles({ 'serving.json': content }));

  it('is optional', async () => {
    expect(await readServingConfig(memoryFiles({ 'a.onnx': onnx }))).toEqual({});
  });

  it('is refused with the model where it names a signature that the model does not have', async () => {
    const files = memoryFiles({ 'm.onnx': onnx, 'serving.json': { signatureName: 'other' } });
    await expect(loadModel(files)).rejects.toThrow(
      'serving.json: found signatureName other, expected one of serving_default',
    );
  });

  it('gives the job what it does not say itself', async () => {
    const config = {
      signatureName: 'concat',
      instanceConfig: { keyField: 'key', includedFields: ['b', 'a'] },
      batchSize: 64,
    };
    expect(await read(config)).toEqual(config);
  });

  const refused = [
    { name: 'an unknown key', content: { batchsize: 3 }, message: /m@1: serving\.json: .*batchsize/ },
    { name: 'an unknown nested key', content: { instanceConfig: { key: 'id' } }, message: /instanceConfig: .*key/ },
    { name: 'a wrong type', content: { batchSize: '3' }, message: /batchSize: / },
    { name: 'a batch of nothing', content: { batchSize: 0 }, message: /batchSize: / },
    {
      name: 'a wrong instance type',
      content: { instanceConfig: { instanceType: 'list' } },
      message: /instanceConfig\.instanceType: /,
    },
    {
      name: 'included and excluded fields',
      content: { instanceConfig: { includedFields: ['a'], excludedFields: ['b'] } },
      message: /exclude each other/,
    },
    {
      name: 'key field and row keys',
      content: { instanceConfig: { keyField: 'a', rowKeys: true } },
      message: /exclude each other/,
    },
    { name: 'no JSON', content: '{', message: /serving\.json is not JSON/ },
    { name: 'an array', content: '[]', message: /serving\.json: / },
  ];
  it.each(refused)('refuses $name', async ({ content, message }) => {
    await expect(read(content)).rejects.toMatchObject({
      status: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message) as string,
    });
  });
});
