import { describe, expect, it } from 'vitest';

import { ModelCache } from '../../functions/score/model-cache.ts';
import type { ModelLoad } from '../../functions/score/model-cache.ts';
import { MemoryModelStore } from '../../infra/memory/model-store.ts';
import type { JobPlan } from '../../shared/job.ts';
import type { Model } from '../../shared/models/model.ts';
import type { ModelStore } from '../../shared/ports.ts';
import { expectPermanent } from '../contract/builders.ts';
import { makeMlp } from '../shared/models/onnx-maker.ts';
import { failFirst } from './memory-pipeline.ts';

const BYTES = makeMlp({ inputs: 2, hidden: [], outputs: 1 });

function storeOf(...names: readonly string[]): ModelStore {
  return new MemoryModelStore(Object.fromEntries(names.map((name) => [`${name}/1/model.onnx`, BYTES])));
}

async function pin(store: ModelStore, model: string): Promise<JobPlan['model']> {
  const { version, digest } = await store.resolve(model);
  return { model, version, digest };
}

function itself(model: Model): Promise<Model> {
  return Promise.resolve(model);
}

describe('the model cache', () => {
  it('loads a model once', async () => {
    const store = storeOf('a');
    const cache = new ModelCache(store);
    const pinned = await pin(store, 'a');
    const [first, second] = await Promise.all([cache.with(pinned, itself), cache.with(pinned, itself)]);
    expect(second).toBe(first);
    expect(await cache.with(pinned, itself)).toBe(first);
  });

  it('refuses a version whose files are not those of the job', async () => {
    const store = storeOf('a');
    const cache = new ModelCache(store);
    const pinned = { ...(await pin(store, 'a')), digest: 'other' };
    await expectPermanent(
      cache.with(pinned, itself),
      'FAILED_PRECONDITION',
      /model a@1 has changed since the job was created/,
    );
  });

  it('tells what loading took to the first who asks, once', async () => {
    const store = storeOf('a');
    const cache = new ModelCache(store);
    const pinned = await pin(store, 'a');
    const take = (): Promise<ModelLoad | undefined> =>
      cache.with(pinned, (_, takeLoad) => Promise.resolve(takeLoad?.()));
    const { byteSize } = await cache.with(pinned, itself);
    expect(await take()).toEqual({ milliseconds: expect.any(Number) as unknown, byteSize });
    expect(await take()).toBeUndefined();
  });

  it('tries again to load a model that it could not load', async () => {
    const store = storeOf('a');
    const pinned = await pin(store, 'a');
    const cache = new ModelCache(failFirst(store, 'open'));
    await expect(cache.with(pinned, itself)).rejects.toThrow('open failed');
    expect((await cache.with(pinned, itself)).byteSize).toBeGreaterThan(0);
  });

  it('keeps the model where its user fails', async () => {
    const store = storeOf('a');
    const cache = new ModelCache(store);
    const pinned = await pin(store, 'a');
    const first = await cache.with(pinned, itself);
    await expect(cache.with(pinned, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    expect(await cache.with(pinned, itself)).toBe(first);
  });

  it('keeps no more bytes than it may, and the model in use however large', async () => {
    const store = storeOf('a', 'b');
    const [a, b] = [await pin(store, 'a'), await pin(store, 'b')];
    const tight = new ModelCache(store, 1);
    const first = await tight.with(a, itself);
    expect(await tight.with(a, itself)).toBe(first);
    await tight.with(b, itself);
    expect(await tight.with(a, itself)).not.toBe(first);
  });

  it('lets go of the least recently used beyond four, but not of one in use', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const store = storeOf(...names);
    const cache = new ModelCache(store);
    const pinned = await Promise.all(names.map((name) => pin(store, name)));
    const use = (index: number): Promise<Model> => {
      const which = pinned[index];
      if (which === undefined) throw new Error(`no model ${index}`);
      return cache.with(which, itself);
    };
    const [a] = pinned;
    if (a === undefined) throw new Error('no model');
    const [held, b] = await cache.with(a, async (model) => {
      const second = await use(1);
      for (let index = 2; index < 6; index++) await use(index);
      expect(await use(1)).not.toBe(second);
      const x = { dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) } as const;
      expect((await model.predict('serving_default', { x }))['y']?.shape).toEqual([1, 1]);
      return [model, second] as const;
    });
    expect(await use(0)).toBe(held);
    expect(b).not.toBe(held);
  });
});
