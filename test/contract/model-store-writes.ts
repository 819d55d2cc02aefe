import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { deleteVersion, nextVersion, setDefault, setLabels } from '../../shared/models/registry.ts';
import type { ByteStream, ModelRegistry, NewModelFile } from '../../shared/ports.ts';
import { expectPermanent, streamOf } from './builders.ts';
import type { ModelFixture } from './model-store.ts';

export interface RegistrySubject {
  readonly store: ModelRegistry;
  close?(): Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A file in two pieces. */
function file(name: string, text: string): NewModelFile {
  const content = bytes(text);
  return { name, size: content.length, content: () => streamOf(content.subarray(0, 2), content.subarray(2)) };
}

const VERSION = [file('model.json', '{"new":true}'), file('weights/a.bin', 'aaaa'), file('weights/deep/b.bin', '')];

async function* breaksOff(): ByteStream {
  await Promise.resolve();
  yield bytes('abc');
  throw new Error('the disk is gone');
}

export function modelRegistryContract(
  name: string,
  makeStore: (files: ModelFixture) => Promise<RegistrySubject>,
): void {
  describe(`model registry: ${name}`, () => {
    let subject: RegistrySubject;
    let store: ModelRegistry;
    beforeEach(async () => {
      subject = await makeStore({
        'digits/1/model.json': '1',
        'digits/2/model.json': '2',
        'digits/3/model.json': '3',
        'digits/config.json': '{"defaultVersion":"2","labels":{"canary":"3"}}',
        'plain/7/model.onnx': 'onnx',
        'plain/8/model.onnx': 'onnx',
      });
      ({ store } = subject);
    });
    afterEach(async () => {
      await subject.close?.();
    });

    const versionsOf = async (model: string): Promise<readonly string[]> =>
      (await store.list()).find((summary) => summary.model === model)?.versions ?? [];

    it('publishes a version with all its files', async () => {
      await store.publish('digits', '4', VERSION);
      const files = await store.open('digits', '4');
      expect(files.names).toEqual(['model.json', 'weights/a.bin', 'weights/deep/b.bin']);
      expect(Buffer.from(await files.read('weights/a.bin')).toString()).toBe('aaaa');
      expect(await files.read('weights/deep/b.bin')).toHaveLength(0);
      expect(await versionsOf('digits')).toEqual(['1', '2', '3', '4']);
      expect((await store.resolve('digits')).version).toBe('2');
      expect((await store.resolve('digits@4')).byteSize).toBe('{"new":true}aaaa'.length);
    });

    it('publishes a file of several MiB', async () => {
      const part = new Uint8Array(1 << 20).fill(7);
      const parts = Array.from({ length: 9 }, () => part);
      const large = { name: 'weights.bin', size: 9 << 20, content: () => streamOf(...parts) };
      await store.publish('digits', '4', [...VERSION, large]);
      const read = await (await store.open('digits', '4')).read('weights.bin');
      expect(read).toHaveLength(9 << 20);
      expect(read.every((byte) => byte === 7)).toBe(true);
    });

    it('publishes the first version of a new model', async () => {
      await store.publish('churn.v2', '1', VERSION);
      expect(await store.resolve('churn.v2')).toMatchObject({ model: 'churn.v2', version: '1' });
    });

    it('never changes a version', async () => {
      await expectPermanent(
        store.publish('digits', '3', VERSION),
        'ALREADY_EXISTS',
        /digits@3 is there already; .*another number/,
      );
      expect((await store.open('digits', '3')).names).toEqual(['model.json']);
      expect((await store.resolve('digits@3')).byteSize).toBe(1);
    });

    it('gives a number to one of two that publish it at once', async () => {
      const other = [file('other.onnx', 'other')];
      const outcomes = await Promise.allSettled([
        store.publish('digits', '9', VERSION),
        store.publish('digits', '9', other),
      ]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const { names } = await store.open('digits', '9');
      expect([VERSION.map((one) => one.name), ['other.onnx']]).toContainEqual(names);
    });

    it('leaves nothing of a version whose files cannot be read to their end', async () => {
      const broken = { name: 'z.bin', size: 6, content: breaksOff };
      await expect(store.publish('digits', '4', [...VERSION, broken])).rejects.toThrow(/the disk is gone/);
      expect(await versionsOf('digits')).toEqual(['1', '2', '3']);
      await store.publish('digits', '4', VERSION);
      expect((await store.open('digits', '4')).names).toHaveLength(3);
    });

    it.each([
      { found: 'shorter', size: 5 },
      { found: 'longer', size: 3 },
    ])('refuses a file that is $found than it was', async ({ size }) => {
      const changed = { ...file('a.bin', 'aaaa'), size };
      await expectPermanent(store.publish('digits', '4', [changed]), 'ABORTED', /a\.bin: .*changed while it was read/);
      expect(await versionsOf('digits')).toEqual(['1', '2', '3']);
    });

    it.each(['', '/a', 'a//b', '../a', 'a/../../b', '.hidden', 'a/.hidden', 'a\\b', 'a\0b', 'a\nb', 'a'.repeat(900)])(
      'refuses the file name %#',
      async (bad) => {
        await expectPermanent(store.publish('digits', '4', [file(bad, 'x')]), 'INVALID_ARGUMENT', /digits@4/);
      },
    );

    it('refuses what is no model, no version, no file, and a name twice', async () => {
      await expectPermanent(store.publish('../digits', '4', VERSION), 'INVALID_ARGUMENT', /no model name/);
      for (const version of ['canary', '04', '-1', '', '1'.repeat(19)])
        await expectPermanent(store.publish('digits', version, VERSION), 'INVALID_ARGUMENT', /no version/);
      await expectPermanent(store.publish('digits', '4', []), 'INVALID_ARGUMENT', /no file/);
      await expectPermanent(store.publish('digits', '4', [...VERSION, ...VERSION]), 'INVALID_ARGUMENT', /two files/);
    });

    it('changes the default version', async () => {
      await setDefault(store, 'digits', '3');
      expect((await store.resolve('digits')).version).toBe('3');
      expect((await store.resolve('digits@canary')).version).toBe('3');
      await setDefault(store, 'plain', '7');
      expect((await store.resolve('plain')).version).toBe('7');
      await expectPermanent(setDefault(store, 'digits', '5'), 'NOT_FOUND', /no version 5: there are 1, 2, 3/);
      await expectPermanent(setDefault(store, 'nobody', '5'), 'NOT_FOUND', /no model nobody/);
    });

    it('sets, moves and takes away labels', async () => {
      await setLabels(
        store,
        'digits',
        new Map([
          ['stable', '1'],
          ['canary', '2'],
        ]),
      );
      expect((await store.resolve('digits@stable')).version).toBe('1');
      expect((await store.resolve('digits@canary')).version).toBe('2');
      await setLabels(store, 'digits', new Map([['canary', undefined]]));
      await expectPermanent(store.resolve('digits@canary'), 'NOT_FOUND', /no label canary/);
      expect((await store.resolve('digits')).version).toBe('2');
      await expectPermanent(
        setLabels(store, 'digits', new Map([['canary', undefined]])),
        'NOT_FOUND',
        /no label canary/,
      );
      await expectPermanent(setLabels(store, 'digits', new Map([['new', '9']])), 'NOT_FOUND', /no version 9/);
      await expectPermanent(setLabels(store, 'digits', new Map([['4', '1']])), 'INVALID_ARGUMENT', /"4" is no label/);
    });

    it('loses none of several changes at once', async () => {
      const labels = Array.from({ length: 6 }, (_, index) => `label-${index}`);
      await Promise.all(labels.map((label) => setLabels(store, 'digits', new Map([[label, '1']]))));
      const digits = (await store.list()).find(({ model }) => model === 'digits');
      expect(Object.keys(digits?.labels ?? {}).sort()).toEqual(['canary', ...labels]);
    });

    it('deletes a version that nothing means', async () => {
      await deleteVersion(store, 'digits', '1', { force: false });
      expect(await versionsOf('digits')).toEqual(['2', '3']);
      expect((await store.list())[0]).toMatchObject({ defaultVersion: '2', labels: { canary: '3' } });
      await expectPermanent(deleteVersion(store, 'digits', '1', { force: false }), 'NOT_FOUND', /no version 1/);
      await expectPermanent(deleteVersion(store, 'nobody', '1', { force: false }), 'NOT_FOUND', /no model nobody/);
      await store.publish('digits', '1', VERSION);
      expect((await store.open('digits', '1')).names).toHaveLength(3);
    });

    it('keeps a default or labelled version, unless forced: then the words go with it', async () => {
      const gone = (version: string, force: boolean): Promise<void> =>
        deleteVersion(store, 'digits', version, { force });
      await expectPermanent(gone('2', false), 'FAILED_PRECONDITION', /digits@2 is the default version: .*--force/);
      await expectPermanent(gone('3', false), 'FAILED_PRECONDITION', /digits@3 is labelled canary/);
      await expectPermanent(deleteVersion(store, 'plain', '8', { force: false }), 'FAILED_PRECONDITION', /the default/);
      expect(await versionsOf('digits')).toEqual(['1', '2', '3']);
      await gone('3', true);
      await gone('2', true);
      expect((await store.list())[0]).toEqual({ model: 'digits', versions: ['1'], defaultVersion: '1', labels: {} });
    });

    it('deletes a model with its last version', async () => {
      for (const version of ['1', '3', '2']) await deleteVersion(store, 'digits', version, { force: version === '3' });
      expect((await store.list()).map(({ model }) => model)).toEqual(['plain']);
      await expectPermanent(store.resolve('digits'), 'NOT_FOUND', /no model digits/);
      await store.publish('digits', nextVersion(await versionsOf('digits')), VERSION);
      expect((await store.resolve('digits')).version).toBe('1');
    });
  });
}
