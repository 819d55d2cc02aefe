import { expect, it } from 'vitest';

import { startStorageEmulator } from '../../infra/emulators/storage/storage-emulator.ts';
import { createStorage } from '../../infra/gcp/clients.ts';
import { GoogleModelStore } from '../../infra/gcp/model-store.ts';
import type { NewModelFile } from '../../shared/ports.ts';
import { deleteVersion } from '../../shared/models/registry.ts';
import { expectPermanent, streamOf } from '../contract/builders.ts';
import { modelRegistryContract } from '../contract/model-store-writes.ts';
import type { RegistrySubject } from '../contract/model-store-writes.ts';
import { modelStoreContract } from '../contract/model-store.ts';
import type { ModelFixture } from '../contract/model-store.ts';
import { CONFIG } from './emulators.ts';

async function inBucket(files: ModelFixture): Promise<RegistrySubject> {
  const bucket = 'models';
  const emulator = await startStorageEmulator({ buckets: [bucket] });
  const storage = createStorage({ ...CONFIG, storageEndpoint: emulator.url });
  for (const [name, content] of Object.entries(files)) {
    await storage.bucket(bucket).file(name).save(content, { resumable: false });
  }
  return { store: new GoogleModelStore(storage, bucket), close: () => emulator.close() };
}

modelStoreContract('gcp', inBucket);
modelRegistryContract('gcp', inBucket);

it('an import that was killed shows nothing, blocks its number, and is deleted as a version is', async () => {
  const subject = await inBucket({
    'm/1/model.onnx': 'onnx',
    'm/.incomplete-2': 'somebody',
    'm/2/weights.bin': 'half of it',
  });
  const { store } = subject;
  const files = [{ name: 'model.onnx', size: 4, content: () => streamOf(Buffer.from('onnx')) }];
  expect(await store.list()).toEqual([{ model: 'm', versions: ['1'], defaultVersion: '1', labels: {} }]);
  await expectPermanent(store.resolve('m@2'), 'NOT_FOUND', /no version 2/);
  await expectPermanent(store.publish('m', '2', files), 'ALREADY_EXISTS', /interrupted, delete what it left/);
  await deleteVersion(store, 'm', '2', { force: false });
  await store.publish('m', '2', files);
  expect((await store.open('m', '2')).names).toEqual(['model.onnx']);
  await subject.close?.();
});

it('an import whose files are deleted under it fails, and leaves nothing', async () => {
  const subject = await inBucket({ 'm/1/model.onnx': 'onnx' });
  const { store } = subject;
  async function* deletedMeanwhile(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('on');
    await deleteVersion(store, 'm', '2', { force: false });
    yield Buffer.from('nx');
  }
  const files = [{ name: 'model.onnx', size: 4, content: deletedMeanwhile }, ...many(30)];
  await expectPermanent(store.publish('m', '2', files), 'ABORTED', /was deleted while it was imported/);
  expect((await store.list())[0]).toMatchObject({ versions: ['1'] });
  await store.publish('m', '2', many(3));
  expect((await store.open('m', '2')).names).toHaveLength(3);
  await subject.close?.();
});

it('an import that was overtaken by another of the same version leaves that one alone', async () => {
  const subject = await inBucket({ 'm/1/model.onnx': 'onnx' });
  const { store } = subject;
  const other = [{ name: 'model.onnx', size: 4, content: () => streamOf(Buffer.from('ONNX')) }];
  let reads = 0;
  async function* overtaken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('on');
    if (++reads === 1) {
      await deleteVersion(store, 'm', '2', { force: false });
      await store.publish('m', '2', other);
    }
    yield Buffer.from('nx');
  }
  const files = [{ name: 'model.onnx', size: 4, content: overtaken }, ...many(20)];
  await expectPermanent(store.publish('m', '2', files), 'ABORTED', /written by another import/);
  const there = await store.open('m', '2');
  expect(there.names).toEqual(['model.onnx']);
  expect(Buffer.from(await there.read('model.onnx')).toString()).toBe('ONNX');
  await subject.close?.();
});

function many(count: number): NewModelFile[] {
  return Array.from({ length: count }, (_, index) => {
    return { name: `part-${index}.bin`, size: 1, content: () => streamOf(Buffer.from('x')) };
  });
}
