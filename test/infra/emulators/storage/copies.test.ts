import { describe, expect, it } from 'vitest';
import { Checksums } from '../../../../infra/emulators/storage/checksums.ts';
import { BUCKET, failure, noise, start } from './client.ts';

const MIB = 1024 * 1024;

interface Rewritten {
  readonly done: boolean;
  readonly totalBytesRewritten: string;
  readonly objectSize: string;
  readonly rewriteToken?: string;
  readonly resource?: { readonly generation: string };
}

function crc32cOf(bytes: Buffer): string {
  const checksums = new Checksums();
  checksums.update(bytes);
  return checksums.digest().crc32c;
}

async function withObject(bytes: Buffer = Buffer.from('content')) {
  const emulated = await start({ buckets: [BUCKET, 'other-bucket'] });
  const file = emulated.bucket.file('from');
  await file.save(bytes, { resumable: false, metadata: { contentType: 'text/x', metadata: { a: '1' } } });
  const post = (path: string, body: object = {}) =>
    emulated.raw(`/storage/v1/b/${BUCKET}/o/${path}`, { method: 'POST', body: JSON.stringify(body) });
  return { ...emulated, file, post, generation: String(file.metadata.generation) };
}

describe('copies', () => {
  it('by the client keep bytes and metadata, across buckets too', async () => {
    const { file, storage } = await withObject();
    const [copy] = await file.copy(storage.bucket('other-bucket').file('to'));
    expect((await copy.download())[0].toString()).toBe('content');
    expect((await copy.getMetadata())[0]).toMatchObject({
      contentType: 'text/x',
      metadata: { a: '1' },
      metageneration: '1',
    });
  });

  it('take the metadata they are given instead of the source’s', async () => {
    const { file, bucket } = await withObject();
    const [copy] = await file.copy(bucket.file('to'), { contentType: 'text/y', metadata: { b: '2' } });
    expect((await copy.getMetadata())[0]).toMatchObject({ contentType: 'text/y', metadata: { b: '2' } });
  });

  it('move by copying and deleting', async () => {
    const { file, bucket } = await withObject();
    await file.move('moved');
    expect(await file.exists()).toEqual([false]);
    expect((await bucket.file('moved').download())[0].toString()).toBe('content');
  });

  it.each(['copyTo', 'rewriteTo'])('by %s hold source and destination to their preconditions', async (verb) => {
    const { post, generation } = await withObject();
    const copy = async (query: string) => (await post(`from/${verb}/b/${BUCKET}/o/to?${query}`)).status;
    expect(await copy('ifSourceGenerationMatch=1')).toBe(412);
    expect(await copy(`ifSourceGenerationNotMatch=${generation}`)).toBe(412);
    expect(await copy('ifSourceMetagenerationMatch=2')).toBe(412);
    expect(await copy('sourceGeneration=1')).toBe(404);
    expect(await copy('ifGenerationMatch=1')).toBe(412);
    expect(await copy(`ifSourceGenerationMatch=${generation}&sourceGeneration=${generation}&ifGenerationMatch=0`)).toBe(
      200,
    );
    expect(await copy('ifGenerationMatch=0')).toBe(412);
    expect((await post(`none/${verb}/b/${BUCKET}/o/to`)).status).toBe(404);
    expect((await post(`from/${verb}/b/no-such-bucket/o/to`)).status).toBe(404);
    expect((await post(`from/${verb}/b/${BUCKET}/o/a%0Ab`)).status).toBe(400);
  });

  it('take as many calls as their limit makes them, and are not seen before the last', async () => {
    const bytes = noise(2.5 * MIB);
    const { post, bucket } = await withObject(bytes);
    const path = `from/rewriteTo/b/${BUCKET}/o/to?maxBytesRewrittenPerCall=${MIB}`;
    const steps: Rewritten[] = [];
    for (let token = ''; ; token = steps.at(-1)?.rewriteToken ?? '') {
      const step = (await (await post(`${path}&rewriteToken=${token}`)).json()) as Rewritten;
      steps.push(step);
      if (step.done) break;
      expect(await bucket.file('to').exists()).toEqual([false]);
    }
    expect(steps.map((step) => Number(step.totalBytesRewritten))).toEqual([MIB, 2 * MIB, 2.5 * MIB]);
    expect(new Set(steps.map(({ objectSize }) => objectSize))).toEqual(new Set([String(2.5 * MIB)]));
    expect((await bucket.file('to').download())[0].equals(bytes)).toBe(true);
  });

  it('refuse an unknown token, a foreign one, and a limit that is no multiple of 1 MiB', async () => {
    const { post } = await withObject(noise(2 * MIB));
    const path = `from/rewriteTo/b/${BUCKET}/o/to`;
    expect((await post(`${path}?rewriteToken=nope`)).status).toBe(400);
    expect((await post(`${path}?maxBytesRewrittenPerCall=1000`)).status).toBe(400);
    const first = (await (await post(`${path}?maxBytesRewrittenPerCall=${MIB}`)).json()) as Rewritten;
    const elsewhere = await post(`from/rewriteTo/b/${BUCKET}/o/elsewhere?rewriteToken=${first.rewriteToken}`);
    expect(elsewhere.status).toBe(400);
  });
});

describe('composites', () => {
  it('join their sources in order, with crc32c and a component count and no md5', async () => {
    const { bucket } = await start();
    const pieces = Array.from({ length: 32 }, (_, index) => noise(index * 1000, index));
    const files = pieces.map((_, index) => bucket.file(`part-${index}`));
    await Promise.all(files.map((file, index) => file.save(pieces[index] ?? '', { resumable: false })));
    const [joined] = await bucket.combine(files, bucket.file('joined.txt'));
    const bytes = Buffer.concat(pieces);
    expect((await joined.download())[0].equals(bytes)).toBe(true);
    const [metadata] = await joined.getMetadata();
    expect(metadata).toMatchObject({
      componentCount: 32,
      contentType: 'text/plain',
      crc32c: crc32cOf(bytes),
      size: String(bytes.length),
    });
    expect(metadata).not.toHaveProperty('md5Hash');
    expect(await failure(joined.download({ validation: 'md5' }))).toMatchObject({ code: 'MD5_NOT_AVAILABLE' });
  });

  it('of composites make a tree, and may take in themselves', async () => {
    const { bucket } = await start();
    const leaves = Array.from({ length: 9 }, (_, index) => bucket.file(`leaf-${index}`));
    for (const [index, leaf] of leaves.entries()) await leaf.save(String(index), { resumable: false });
    const level = [0, 3, 6].map((at) => bucket.file(`level-${at}`));
    for (const [index, file] of level.entries()) await bucket.combine(leaves.slice(index * 3, index * 3 + 3), file);
    const root = bucket.file('root');
    await bucket.combine(level, root);
    expect((await root.download())[0].toString()).toBe('012345678');
    expect((await root.getMetadata())[0].componentCount).toBe(9);
    await bucket.combine([bucket.file('root'), bucket.file('leaf-0')], bucket.file('root'));
    expect((await bucket.file('root').download())[0].toString()).toBe('0123456780');
    expect((await bucket.file('root').copy('copied'))[0].metadata).toBeDefined();
    expect((await bucket.file('copied').getMetadata())[0]).not.toHaveProperty('md5Hash');
  });

  it('hold their destination and each source to its preconditions', async () => {
    const { post, generation, bucket } = await withObject();
    const compose = (source: object, query = '') =>
      post(`to/compose?${query}`, { sourceObjects: [{ name: 'from', ...source }] });
    expect((await compose({}, 'ifGenerationMatch=5')).status).toBe(412);
    expect((await compose({ objectPreconditions: { ifGenerationMatch: '5' } })).status).toBe(412);
    const missing = await compose({ generation: '5' });
    expect(await missing.json()).toMatchObject({
      error: { code: 404, message: 'Object from (generation: 5) not found.' },
    });
    expect((await compose({ name: 'none' })).status).toBe(404);
    expect(await bucket.file('to').exists()).toEqual([false]);
    const right = { generation: Number(generation), objectPreconditions: { ifGenerationMatch: generation } };
    expect((await compose(right, 'ifGenerationMatch=0')).status).toBe(200);
    expect((await compose(right, 'ifGenerationMatch=0')).status).toBe(412);
  });

  it('take 1 to 32 sources', async () => {
    const { post } = await withObject();
    const compose = (count: number) =>
      post('to/compose', { sourceObjects: Array.from({ length: count }, () => ({ name: 'from' })) });
    expect((await compose(0)).status).toBe(400);
    expect((await compose(1)).status).toBe(200);
    const message = 'The number of source components provided (33) exceeds the maximum (32)';
    expect(await (await compose(33)).json()).toMatchObject({ error: { code: 400, message } });
  });

  it.each([
    {},
    { sourceObjects: 'x' },
    { sourceObjects: [1] },
    { sourceObjects: [{}] },
    { sourceObjects: [{ name: 1 }] },
  ])('refuse the request %j', async (body) => {
    const { post } = await withObject();
    expect((await post('to/compose', body)).status).toBe(400);
  });
});
