import { describe, expect, it } from 'vitest';
import { BUCKET, failure, start } from './client.ts';

describe('buckets', () => {
  it('are made, found, listed and deleted, with the fields of a bucket resource', async () => {
    const { storage } = await start();
    const [bucket] = await storage.createBucket('another-bucket', {
      location: 'EUROPE-WEST1',
      storageClass: 'NEARLINE',
    });
    const [metadata] = await bucket.getMetadata();
    expect(metadata).toMatchObject({
      kind: 'storage#bucket',
      id: 'another-bucket',
      name: 'another-bucket',
      metageneration: '1',
      location: 'EUROPE-WEST1',
      storageClass: 'NEARLINE',
      etag: 'CAE=',
    });
    expect(metadata.selfLink).toMatch(/\/storage\/v1\/b\/another-bucket$/);
    expect(Date.parse(metadata.timeCreated ?? '')).toBeGreaterThan(0);
    expect((await storage.getBuckets())[0].map(({ name }) => name)).toEqual(['another-bucket', BUCKET]);
    await bucket.delete();
    expect(await bucket.exists()).toEqual([false]);
    expect(await failure(bucket.getMetadata())).toMatchObject({
      code: 404,
      message: 'The specified bucket does not exist.',
    });
  });

  it('are listed page by page and by prefix', async () => {
    const { storage } = await start({ buckets: ['aaa', 'bb-1', 'bb-2', 'bb-3'] });
    const [first, next] = await storage.getBuckets({ prefix: 'bb-', maxResults: 2, autoPaginate: false });
    expect(first.map(({ name }) => name)).toEqual(['bb-1', 'bb-2']);
    const [second, end] = await storage.getBuckets(next);
    expect(second.map(({ name }) => name)).toEqual(['bb-3']);
    expect(end).toBeNull();
  });

  it('cannot be made twice, or deleted while they hold objects', async () => {
    const { storage, bucket } = await start();
    expect(await failure(storage.createBucket(BUCKET))).toMatchObject({ code: 409, errors: [{ reason: 'conflict' }] });
    await bucket.file('a').save('x');
    expect(await failure(bucket.delete())).toMatchObject({
      code: 409,
      message: 'The bucket you tried to delete is not empty.',
    });
  });

  it('count a metageneration for each change, and check it', async () => {
    const { bucket } = await start();
    await bucket.setMetadata({ versioning: { enabled: true }, labels: { a: '1', b: '2' } });
    const [metadata] = await bucket.setMetadata({ labels: { a: null, c: '3' } });
    expect(metadata).toMatchObject({ metageneration: '3', versioning: { enabled: true }, labels: { b: '2', c: '3' } });
    expect(await failure(bucket.setMetadata({ labels: {} }, { ifMetagenerationMatch: 2 }))).toMatchObject({
      code: 412,
    });
  });

  it.each([
    'ab',
    'Upper',
    '-dash',
    'dash-',
    'a..b',
    '192.168.1.1',
    'goog-x',
    'my-google-bucket',
    'a'.repeat(64),
    'a b',
  ])('refuse the name %j', async (name) => {
    const { raw } = await start();
    const reply = await raw('/storage/v1/b?project=p', { method: 'POST', body: JSON.stringify({ name }) });
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({
      error: { code: 400, errors: [{ domain: 'global', reason: 'invalid' }] },
    });
  });

  it('need a project and a name', async () => {
    const { raw } = await start();
    for (const path of ['/storage/v1/b', '/storage/v1/b?project=p']) {
      const reply = await raw(path, { method: 'POST', body: '{}' });
      expect(await reply.json()).toMatchObject({ error: { code: 400, errors: [{ reason: 'required' }] } });
    }
  });
});
