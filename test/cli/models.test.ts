import { statSync, symlinkSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { startStorageEmulator } from '../../infra/emulators/storage/storage-emulator.ts';
import { serve } from '../shared/models/remote/server.ts';
import { newWorkspace, timesOnnx } from './workspace.ts';
import type { Workspace } from './workspace.ts';

const FIVE = timesOnnx(5, ['N']);

/** A workspace with a model folder to import, and its commands on its folder of models. */
function newRegistry(): { workspace: Workspace; models: (...args: readonly string[]) => Promise<string> } {
  const workspace = newWorkspace();
  workspace.write('exported/model.onnx', FIVE);
  return {
    workspace,
    models: async (...args) => {
      const { code, stdout, stderr } = await workspace.fanfold('models', ...args, '--models', 'models');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return stdout;
    },
  };
}

describe('fanfold models', () => {
  it.each([
    { command: 'show', options: ['--signature', '--models', '--state', '--format'] },
    { command: 'import', options: ['--set-default', '--label', '--no-smoke-test', '--models', '--state', '--format'] },
    { command: 'set-default', options: ['--models', '--state', '--format'] },
    { command: 'label', options: ['LABEL=VERSION', 'LABEL=-', '--models', '--state', '--format'] },
    { command: 'delete', options: ['--force', '--models', '--state', '--format'] },
  ])('$command --help names every option and shows an example', async ({ command, options }) => {
    const { code, stdout } = await newWorkspace().fanfold('models', command, '--help');
    expect(code).toBe(0);
    for (const option of [...options, `$ fanfold models ${command}`]) expect(stdout).toContain(option);
  });

  it('are in models/ here, or in models/ of the state folder that is named', async () => {
    const workspace = newWorkspace();
    workspace.write('twin/models/six/1/model.onnx', FIVE);
    const listed = async (...args: readonly string[]): Promise<string> =>
      (await workspace.fanfold('models', 'list', ...args)).stdout;
    expect(await listed()).toContain('\nfive ');
    expect(await listed('--state', 'twin')).toMatch(/^MODEL.*\nsix .*\n$/);
    expect(await listed('--state', 'twin', '--models', 'models')).toContain('\nfive ');
  });

  it('imports, labels, makes default and deletes versions', async () => {
    const { workspace, models } = newRegistry();
    const imported = await models('import', 'exported', 'five');
    expect(imported).toMatch(
      /^imported five@3: 1 files, \d+ bytes, on onnxruntime .*\n {2}signature serving_default: passed\n$/,
    );
    expect(statSync(workspace.path('models/five/3/model.onnx')).mode & 0o222).toBe(0);
    expect(await models('label', 'five', 'canary=2', 'stable=1')).toBe(
      'five@canary is five@2\nfive@stable is five@1\n',
    );
    expect(await models('set-default', 'five@1')).toBe('the default version of five is 1\n');
    expect(await models('list')).toBe(
      'MODEL  DEFAULT  VERSIONS  LABELS\nfive   1        1, 2, 3   canary=2, stable=1\npair   1        1\n',
    );
    expect(workspace.json('models/five/config.json')).toEqual({
      defaultVersion: '1',
      labels: { canary: '2', stable: '1' },
    });
    await models('label', 'five', 'canary=-');
    expect(await models('delete', 'five@2')).toBe('deleted five@2\n');
    expect(workspace.has('models/five/2')).toBe(false);
    const json = JSON.parse(
      await models('import', 'exported', 'new@12', '--set-default', '--label', 'a', 'b', '--format', 'json'),
    ) as object;
    expect(json).toMatchObject({
      model: 'new',
      version: '12',
      files: ['model.onnx'],
      smokeTests: [{ signature: 'serving_default', outcome: 'passed' }],
    });
    expect(workspace.json('models/new/config.json')).toEqual({ defaultVersion: '12', labels: { a: '12', b: '12' } });
  });

  it.each([
    { args: ['import', 'exported', 'five@2'], code: 1, message: 'five@2 is there already' },
    { args: ['import', 'exported', 'five@canary'], code: 2, message: "expected a version's number" },
    { args: ['import', 'exported', '../five'], code: 1, message: 'is no model reference' },
    { args: ['import', 'nowhere', 'five'], code: 1, message: 'no folder nowhere' },
    { args: ['import', 'models', 'five'], code: 1, message: 'holds no model' },
    {
      args: ['import', 'models/five', 'new'],
      code: 1,
      message: 'models/five holds version folders (1, 2): import one',
    },
    { args: ['import', 'hidden', 'five'], code: 1, message: 'holds hidden files (.git), which are no part of a model' },
    { args: ['import', 'linked', 'five'], code: 1, message: "links out of the model's folder" },
    { args: ['import', 'truncated', 'five'], code: 1, message: 'model.onnx' },
    { args: ['import', 'typo', 'five'], code: 1, message: 'batchsize' },
    {
      args: ['import', 'stranger', 'five'],
      code: 1,
      message: 'found signatureName other, expected one of serving_default',
    },
    { args: ['set-default', 'five'], code: 2, message: 'expected model@version' },
    { args: ['set-default', 'five@9'], code: 1, message: 'model five has no version 9: there are 1, 2' },
    { args: ['label', 'five', 'canary'], code: 2, message: 'expected LABEL=VERSION' },
    { args: ['label', 'five', 'canary=9'], code: 1, message: 'model five has no version 9' },
    { args: ['label', 'five', '3=1'], code: 1, message: '"3" is no label' },
    { args: ['delete', 'five@2'], code: 1, message: 'five@2 is the default version: point those elsewhere first' },
    { args: ['delete', 'nobody@2'], code: 1, message: 'no model nobody' },
    { args: ['show', 'five', '--signature', 'x'], code: 1, message: 'has no signature "x"; it has serving_default' },
    { args: ['list', '--models', 'gs://bucket/path'], code: 2, message: 'expected a folder, or gs://BUCKET' },
  ])('$args exits with $code: $message', async ({ args, code, message }) => {
    const { workspace } = newRegistry();
    workspace.write('hidden/model.onnx', FIVE);
    workspace.write('hidden/.git/config', 'x');
    workspace.write('linked/model.onnx', FIVE);
    symlinkSync('/etc/hostname', workspace.path('linked/notes.txt'));
    workspace.write('truncated/model.onnx', FIVE.subarray(0, FIVE.length / 2));
    workspace.write('typo/model.onnx', FIVE);
    workspace.write('typo/serving.json', '{"batchsize":3}');
    workspace.write('stranger/model.onnx', FIVE);
    workspace.write('stranger/serving.json', '{"signatureName":"other"}');
    const models = args.includes('--models') ? [] : ['--models', 'models'];
    const ran = await workspace.fanfold('models', ...args, ...models);
    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toContain(message);
    expect(workspace.has('models/five/3')).toBe(false);
    expect(workspace.has('models/five/config.json')).toBe(false);
  });

  it('refuses a model that fails its smoke test, unless asked not to try', async () => {
    const { workspace } = newRegistry();
    const server = await serve(() => ({ status: 400, body: '{"error":"no such weights"}' }));
    const signature = {
      inputs: [{ name: 'x', dtype: 'float32', shape: [null] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: [null] }],
    };
    const url = `${server.url}/v1/models/m`;
    workspace.write('remote/remote.json', JSON.stringify({ protocol: 'tf-serving', url, signature }));
    const refused = await workspace.fanfold('models', 'import', 'remote', 'far', '--models', 'models');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('signature serving_default cannot score a row of zeros: remote model: 127.0.0.1');
    expect(refused.stderr).toContain('no such weights (--no-smoke-test imports it all the same)');
    expect(workspace.has('models/far')).toBe(false);
    const { code, stdout } = await workspace.fanfold(
      'models',
      'import',
      'remote',
      'far',
      '--models',
      'models',
      '--no-smoke-test',
    );
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('imported far@1') as string });
  });

  it('shows signatures as saved_model_cli does', async () => {
    const { workspace, models } = newRegistry();
    workspace.write('models/pair/1/serving.json', '{"batchSize":128}');
    expect(await models('show', 'pair')).toMatch(
      new RegExp(
        [
          '^pair@1 on onnxruntime [^\n]*, \\d+ bytes of weights',
          'files: model\\.onnx, serving\\.json \\(2 of \\d+ bytes\\)',
          'serving\\.json: \\{"batchSize":128\\}',
          '',
          "signature_def\\['serving_default'\\]:",
          '  The given SavedModel SignatureDef contains the following input\\(s\\):',
          "    inputs\\['x'\\] tensor_info:",
          '        dtype: DT_FLOAT',
          '        shape: \\(-1, 2\\)',
          '  The given SavedModel SignatureDef contains the following output\\(s\\):',
          "    outputs\\['y'\\] tensor_info:",
          '        dtype: DT_FLOAT',
          '        shape: \\(-1, 2\\)\n',
        ].join('\n'),
      ),
    );
    const json = JSON.parse(
      await models('show', 'pair@1', '--format', 'json', '--signature', 'serving_default'),
    ) as object;
    expect(json).toMatchObject({
      model: 'pair',
      version: '1',
      files: ['model.onnx', 'serving.json'],
      serving: { batchSize: 128 },
      refused: {},
      signatures: { serving_default: { inputs: [{ name: 'x', dtype: 'float32', shape: [null, 2] }] } },
    });
  });

  it('runs a job on a remote model', async () => {
    const { workspace } = newRegistry();
    const server = await serve(({ body }) => {
      const { instances } = JSON.parse(body) as { instances: readonly { x: number }[] };
      if (instances.some(({ x }) => x === 3)) return { status: 400, body: '{"error":"three is refused"}' };
      return { body: JSON.stringify({ predictions: instances.map(({ x }) => 5 * x) }) };
    });
    const signature = {
      inputs: [{ name: 'x', dtype: 'float32', shape: [null] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: [null] }],
    };
    const url = `${server.url}/v1/models/m`;
    workspace.write('far/remote.json', JSON.stringify({ protocol: 'tf-serving', url, signature, batchSize: 2 }));
    workspace.write('in.jsonl', '1\n2\n3\n4\n5\n');
    const { code } = await workspace.fanfold(
      'run',
      'in.jsonl',
      '--model',
      'far',
      '--output',
      'out.jsonl',
      '--workers',
      '1',
    );
    expect(code).toBe(3);
    const lines = workspace.lines('out.jsonl');
    expect([0, 1, 3, 4].map((row) => lines[row])).toEqual([
      '{"instance":1,"prediction":5}',
      '{"instance":2,"prediction":10}',
      '{"instance":4,"prediction":20}',
      '{"instance":5,"prediction":25}',
    ]);
    expect(lines[2]).toContain('"status":"INVALID_ARGUMENT"');
    expect(lines[2]).toContain('three is refused');
  });
});

describe('fanfold models --models gs://bucket', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('keeps models in Cloud Storage', async () => {
    const emulator = await startStorageEmulator({ buckets: ['models'] });
    try {
      vi.stubEnv('FANFOLD_STORAGE_ENDPOINT', emulator.url);
      const { workspace } = newRegistry();
      const models = (...args: readonly string[]): Promise<unknown> =>
        workspace.fanfold('models', ...args, '--models', 'gs://models');
      const done = { code: 0, stderr: '' };
      expect(await models('import', 'exported', 'five', '--label', 'canary')).toMatchObject(done);
      expect(await models('import', 'exported', 'five')).toMatchObject(done);
      expect(await models('set-default', 'five@1')).toMatchObject(done);
      expect(await models('delete', 'five@2')).toMatchObject(done);
      expect(await models('delete', 'five@1')).toMatchObject(done);
      expect(await models('import', 'exported', 'five@8')).toMatchObject(done);
      const stdout = 'MODEL  DEFAULT  VERSIONS  LABELS\nfive   8        8\n';
      expect(await models('list')).toEqual({ ...done, stdout });
      expect(await models('show', 'five')).toMatchObject({
        ...done,
        stdout: expect.stringMatching(/^five@8 on onnx/) as string,
      });
    } finally {
      await emulator.close();
    }
  });
});
