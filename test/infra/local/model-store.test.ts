import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { LocalModelStore, openModelFolder } from '../../../infra/local/model-store.ts';
import { expectPermanent } from '../../contract/builders.ts';

describe('models in folders', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'fanfold-models-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  const at = (name: string): string => path.join(root, name);
  async function put(name: string, content = 'x'): Promise<void> {
    await mkdir(path.dirname(at(name)), { recursive: true });
    await writeFile(at(name), content);
  }

  describe('a folder of models', () => {
    it('may be missing: there is no model then', async () => {
      const store = new LocalModelStore(at('none'));
      expect(await store.list()).toEqual([]);
      await expectPermanent(store.resolve('digits'), 'NOT_FOUND', /none: there is none/);
    });

    it('may hold links to models and versions', async () => {
      await put('elsewhere/model.onnx');
      await mkdir(at('models/digits'), { recursive: true });
      await symlink(at('elsewhere'), at('models/digits/4'));
      const store = new LocalModelStore(at('models'));
      expect(await store.resolve('digits')).toMatchObject({ version: '4', byteSize: 1 });
    });

    it('computes a digest again only when the files changed', async () => {
      await put('digits/1/model.onnx', 'one');
      const store = new LocalModelStore(root);
      const { digest } = await store.resolve('digits');
      expect((await store.resolve('digits')).digest).toBe(digest);
      await put('digits/1/model.onnx', 'other');
      const changed = await store.resolve('digits');
      expect(changed.digest).not.toBe(digest);
      expect((await new LocalModelStore(root).resolve('digits')).digest).toBe(changed.digest);
    });
  });

  describe('a version folder', () => {
    const open = (limits = {}): Promise<unknown> => openModelFolder(at('m'), limits).resolve('m');

    it('without files is refused', async () => {
      await mkdir(at('m/assets'), { recursive: true });
      await put('m/.DS_Store');
      await expectPermanent(open(), 'NOT_FOUND', /holds no model files/);
    });

    it('may hold links that stay inside, and shows no hidden files', async () => {
      await put('m/..data/model.onnx', 'abc');
      await symlink('..data/model.onnx', at('m/model.onnx'));
      const store = openModelFolder(at('m'));
      const files = await store.open('m', '1');
      expect(files.names).toEqual(['model.onnx']);
      expect(Buffer.from(await files.read('model.onnx')).toString()).toBe('abc');
    });

    it('refuses links that lead out, to nothing, or in a circle', async () => {
      await put('secret');
      await put('m/model.onnx');
      await symlink(at('secret'), at('m/weights.bin'));
      await expectPermanent(open(), 'FAILED_PRECONDITION', /weights\.bin links out of the model's folder/);
      await rm(at('m/weights.bin'));
      await symlink('nowhere', at('m/weights.bin'));
      await expectPermanent(open(), 'FAILED_PRECONDITION', /weights\.bin is a broken link/);
      await rm(at('m/weights.bin'));
      await symlink('.', at('m/weights'));
      await expectPermanent(open(), 'FAILED_PRECONDITION', /weights links to a folder that holds it/);
    });

    it('is refused over its limits', async () => {
      for (const name of ['a.onnx', 'b', 'c/d']) await put(`m/${name}`, '12345');
      await expectPermanent(open({ maxFiles: 2 }), 'RESOURCE_EXHAUSTED', /more than 2 files/);
      await expectPermanent(open({ maxBytes: 14 }), 'RESOURCE_EXHAUSTED', /more than 14 bytes/);
      expect(await open({ maxFiles: 3, maxBytes: 15 })).toMatchObject({ byteSize: 15 });
    });
  });

  describe('openModelFolder', () => {
    it.each([
      { name: 'a base path', file: 'digits/7/model.json', dir: 'digits', model: 'digits', version: '7' },
      { name: 'a version folder', file: 'digits/7/model.json', dir: 'digits/7', model: 'digits', version: '7' },
      {
        name: 'a folder of any name',
        file: 'my model/saved_model.pb',
        dir: 'my model',
        model: 'my-model',
        version: '1',
      },
      {
        name: 'a folder with a numeric subfolder',
        file: 'net/0/w.bin',
        dir: 'net',
        model: 'net',
        version: '1',
        extra: 'net/a.onnx',
      },
      { name: 'a hidden folder', file: '.cache/model.json', dir: '.cache', model: 'cache', version: '1' },
    ])('takes $name', async ({ file, dir, model, version, extra }) => {
      await put(file);
      if (extra !== undefined) await put(extra);
      const store = openModelFolder(at(dir));
      expect(store.model).toBe(model);
      expect(await store.resolve(model)).toMatchObject({ model, version });
      expect(await store.resolve(`${model}@${version}`)).toMatchObject({ version });
      expect(await store.list()).toEqual([{ model, versions: [version], defaultVersion: version, labels: {} }]);
      expect((await store.open(model, version)).names.length).toBeGreaterThan(0);
      await expectPermanent(store.resolve('other'), 'NOT_FOUND', new RegExp(`there are ${model}`));
      await expectPermanent(store.resolve(`${model}@99`), 'NOT_FOUND', new RegExp(`there are ${version}`));
    });

    it('reads the configuration of a base path', async () => {
      await put('digits/7/model.json');
      await put('digits/8/model.json');
      await put('digits/config.json', '{"defaultVersion":"7","labels":{"canary":"8"}}');
      const store = openModelFolder(at('digits'));
      expect(await store.resolve('digits')).toMatchObject({ version: '7' });
      expect(await store.resolve('digits@canary')).toMatchObject({ version: '8' });
    });

    it('opens the models beside it, which a pipeline may name, and lists only its own', async () => {
      await put('models/both/1/pipeline.json');
      await put('models/five/2/model.onnx', 'five');
      await put('models/notes/README');
      for (const dir of ['models/both', 'models/both/1']) {
        const store = openModelFolder(at(dir));
        expect(await (await store.open('five', '2')).read('model.onnx')).toEqual(new Uint8Array(Buffer.from('five')));
        expect((await store.list()).map(({ model }) => model)).toEqual(['both']);
        await expectPermanent(store.open('notes', '1'), 'NOT_FOUND', /no model notes/);
      }
    });

    it('refuses what is no folder of a model', async () => {
      await put('file');
      await mkdir(at('empty'));
      const refusal = (status: string, message: RegExp): unknown =>
        expect.objectContaining({ status, message: expect.stringMatching(message) as string });
      expect(() => openModelFolder(at('none'))).toThrow(refusal('NOT_FOUND', /no folder .*none/));
      expect(() => openModelFolder(at('file'))).toThrow(refusal('INVALID_ARGUMENT', /is a file: give the folder/));
      expect(() => openModelFolder(at('empty'))).toThrow(refusal('NOT_FOUND', /is empty/));
      await mkdir(at('base/1'), { recursive: true });
      await expectPermanent(openModelFolder(at('base')).resolve('base'), 'NOT_FOUND', /base\/1 holds no model files/);
    });
  });
});
