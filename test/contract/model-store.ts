import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { ModelStore } from '../../shared/ports.ts';
import { expectPermanent } from './builders.ts';

export interface ModelStoreSubject {
  readonly store: ModelStore;
  close?(): Promise<void>;
}

/** What the suite expects to find. */
export type ModelFixture = Readonly<Record<string, string>>;

const MODELS: ModelFixture = {
  'digits/1/model.json': '{"one":1}',
  'digits/3/model.json': '{"three":3}',
  'digits/3/weights/b.bin': 'bb',
  'digits/3/weights/a.bin': 'a',
  'digits/20/model.json': '{"twenty":20}',
  'digits/config.json': '{"defaultVersion":"3","labels":{"canary":"20","stale":"9"}}',
  'digits/README.md': 'not a version',
  'digits/notes/x': 'not a version either',
  'churn.v2/9/model.onnx': 'onnx',
  'churn.v2/10/model.onnx': 'onnx',
  'empty/README.md': 'a model without versions',
};

export function modelStoreContract(name: string, makeStore: (files: ModelFixture) => Promise<ModelStoreSubject>): void {
  describe(`model store: ${name}`, () => {
    let subject: ModelStoreSubject;
    let store: ModelStore;
    beforeAll(async () => {
      subject = await makeStore(MODELS);
      ({ store } = subject);
    });
    afterAll(async () => {
      await subject.close?.();
    });

    it.each([
      { reference: 'digits', version: '3', because: 'the configured default' },
      { reference: 'digits@1', version: '1', because: 'a version' },
      { reference: 'digits@canary', version: '20', because: 'a label' },
      { reference: 'churn.v2', version: '10', because: 'the highest number where none is configured' },
    ])('resolves $reference to version $version: $because', async ({ reference, version }) => {
      const found = await store.resolve(reference);
      expect(found).toEqual({
        model: reference.split('@')[0],
        version,
        digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        byteSize: expect.any(Number) as number,
      });
    });

    it.each([
      { reference: 'digits@2', message: /no version 2.*1, 3, 20/ },
      { reference: 'digits@beta', message: /no label beta.*canary/ },
      { reference: 'digits@stale', message: /no version 9.*stale/ },
      { reference: 'nobody', message: /no model nobody.*digits/ },
      { reference: 'empty', message: /has no version/ },
    ])('does not find $reference, and says what there is', async ({ reference, message }) => {
      await expectPermanent(store.resolve(reference), 'NOT_FOUND', message);
    });

    it.each(['', '@1', 'digits@', 'digits@1@2', 'a/b', '../digits', '.hidden', 'digits@../1', 'digits@-1', 'a b'])(
      'refuses the malformed reference %j',
      async (reference) => {
        await expectPermanent(store.resolve(reference), 'INVALID_ARGUMENT', /reference/);
      },
    );

    it('gives a version its size, and a digest of its names and contents', async () => {
      const [nine, ten, one, again] = await Promise.all(
        ['churn.v2@9', 'churn.v2@10', 'digits@1', 'digits@1'].map((reference) => store.resolve(reference)),
      );
      expect(nine?.digest).toBe(ten?.digest);
      expect(one?.digest).toBe(again?.digest);
      expect(one?.digest).not.toBe(nine?.digest);
      expect((await store.resolve('digits@3')).byteSize).toBe('{"three":3}'.length + 3);
    });

    it('opens the files of a version, in the order of their names', async () => {
      const files = await store.open('digits', '3');
      expect(files.label).toBe('digits@3');
      expect(files.names).toEqual(['model.json', 'weights/a.bin', 'weights/b.bin']);
      expect(Buffer.from(await files.read('weights/b.bin')).toString()).toBe('bb');
      const mine = await files.read('model.json');
      mine.fill(0);
      expect(Buffer.from(await files.read('model.json')).toString()).toBe('{"three":3}');
    });

    it('does not find files, versions and models that are not there', async () => {
      const files = await store.open('digits', '3');
      for (const file of ['none', 'weights', '../1/model.json', '', 'weights/../model.json']) {
        await expectPermanent(files.read(file), 'NOT_FOUND', /holds no file/);
      }
      await expectPermanent(store.open('digits', '2'), 'NOT_FOUND');
      await expectPermanent(store.open('digits', 'canary'), 'NOT_FOUND');
      await expectPermanent(store.open('digits', '..'), 'NOT_FOUND');
      await expectPermanent(store.open('nobody', '1'), 'NOT_FOUND');
      await expectPermanent(store.open('../digits', '1'), 'NOT_FOUND');
    });

    it('lists the models that have a version', async () => {
      expect(await store.list()).toEqual([
        { model: 'churn.v2', versions: ['9', '10'], defaultVersion: '10', labels: {} },
        { model: 'digits', versions: ['1', '3', '20'], defaultVersion: '3', labels: { canary: '20', stale: '9' } },
      ]);
    });

    it.each([
      { config: '{', message: /config\.json is not JSON/ },
      { config: '{"defaultVersion":3}', message: /defaultVersion/ },
      { config: '{"labels":{"3":"1"}}', message: /labels/ },
      { config: '{"version":"1"}', message: /version/ },
    ])('refuses the configuration $config', async ({ config, message }) => {
      const broken = await makeStore({ 'm/1/model.json': '{}', 'm/config.json': config });
      await expectPermanent(broken.store.resolve('m'), 'FAILED_PRECONDITION', message);
      await broken.close?.();
    });
  });
}
