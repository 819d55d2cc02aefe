import { describe, expect, it } from 'vitest';
import { BUCKET, failure, start } from './client.ts';
import type { FileMetadata } from './client.ts';

const OBJECT = `/storage/v1/b/${BUCKET}/o/x`;

async function withObject() {
  const emulated = await start();
  const file = emulated.bucket.file('x');
  await file.save('one', { resumable: false });
  const generation = String(file.metadata.generation);
  return { ...emulated, file, generation };
}

describe('generations', () => {
  it('grow with every write and look like microseconds', async () => {
    const { bucket } = await start();
    const seen: bigint[] = [];
    for (let turn = 0; turn < 20; turn++) {
      const file = bucket.file('x');
      await file.save('x', { resumable: false });
      seen.push(BigInt(String(file.metadata.generation)));
    }
    expect([...seen].sort((a, b) => (a < b ? -1 : 1))).toEqual(seen);
    expect(new Set(seen).size).toBe(20);
    expect(Math.abs(Number(seen[0]) / 1000 - Date.now())).toBeLessThan(60_000);
  });

  it('let exactly one of many writers create an object', async () => {
    const { bucket } = await start();
    const writers = Array.from({ length: 20 }, (_, writer) =>
      bucket
        .file('contested')
        .save(`writer ${writer}`, { resumable: writer % 2 === 0, preconditionOpts: { ifGenerationMatch: 0 } })
        .then(
          () => `writer ${writer}`,
          () => undefined,
        ),
    );
    const winners = (await Promise.all(writers)).filter((winner) => winner !== undefined);
    expect(winners).toEqual([(await bucket.file('contested').download())[0].toString()]);
  });

  it('that were overwritten are gone where the bucket keeps no versions', async () => {
    const { bucket, file, generation } = await withObject();
    await bucket.file('x').save('two');
    const pinned = bucket.file('x', { generation });
    expect(await failure(pinned.download())).toMatchObject({ code: 404, message: `No such object: ${BUCKET}/x` });
    expect(await failure(pinned.getMetadata())).toMatchObject({ code: 404, errors: [{ reason: 'notFound' }] });
    expect((await file.download())[0].toString()).toBe('two');
  });

  it('that were overwritten or deleted stay readable where it does', async () => {
    const { bucket, generation } = await withObject();
    await bucket.setMetadata({ versioning: { enabled: true } });
    await bucket.file('x').save('two');
    await bucket.file('x').delete();
    expect(await bucket.file('x').exists()).toEqual([false]);
    expect((await bucket.file('x', { generation }).download())[0].toString()).toBe('one');
    const [versions] = await bucket.getFiles({ versions: true });
    expect(versions.map(({ name }) => name)).toEqual(['x', 'x']);
    expect(versions.every(({ metadata }) => Date.parse(String(metadata.timeDeleted)) > 0)).toBe(true);
    expect((await bucket.getFiles())[0]).toEqual([]);
    expect(await failure(bucket.delete())).toMatchObject({ code: 409 });
    for (const version of versions) await bucket.file('x', { generation: version.metadata.generation ?? 0 }).delete();
    expect((await bucket.getFiles({ versions: true }))[0]).toEqual([]);
    await bucket.delete();
  });

  it('deleted as such do not become an archived version', async () => {
    const { bucket, generation } = await withObject();
    await bucket.setMetadata({ versioning: { enabled: true } });
    await bucket.file('x', { generation }).delete();
    expect((await bucket.getFiles({ versions: true }))[0]).toEqual([]);
  });
});

describe('preconditions', () => {
  it.each([
    ['ifGenerationMatch', 'current', 200, 200],
    ['ifGenerationMatch', '1', 412, 412],
    ['ifGenerationMatch', '0', 412, 412],
    ['ifGenerationNotMatch', 'current', 304, 412],
    ['ifGenerationNotMatch', '0', 200, 200],
    ['ifMetagenerationMatch', '1', 200, 200],
    ['ifMetagenerationMatch', '2', 412, 412],
    ['ifMetagenerationNotMatch', '1', 304, 412],
    ['ifMetagenerationNotMatch', '2', 200, 200],
  ])('%s=%s is held against reads, changes and writes', async (parameter, value, onRead, onChange) => {
    const { raw, generation } = await withObject();
    const query = `${parameter}=${value === 'current' ? generation : value}`;
    const upload = `/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=x&${query}`;
    const status = async (path: string, init?: RequestInit) => (await raw(path, init)).status;
    expect(await status(`${OBJECT}?${query}`)).toBe(onRead);
    expect(await status(`${OBJECT}?alt=media&${query}`)).toBe(onRead);
    // Each change would alter what the next is held against, so where they succeed only one is made.
    expect(await status(upload, { method: 'POST', body: 'two' })).toBe(onChange);
    if (onChange === 200) return;
    expect(await status(`${OBJECT}?${query}`, { method: 'PATCH', body: '{}' })).toBe(onChange);
    expect(await status(`${OBJECT}?${query}`, { method: 'PUT', body: '{}' })).toBe(onChange);
    expect(await status(`${OBJECT}?${query}`, { method: 'DELETE' })).toBe(onChange);
  });

  it('fail with the body that Google gives', async () => {
    const { raw } = await withObject();
    const reply = await raw(`${OBJECT}?ifGenerationMatch=1`, { method: 'DELETE' });
    const message = 'At least one of the pre-conditions you specified did not hold.';
    expect(await reply.json()).toEqual({
      error: {
        code: 412,
        message,
        errors: [
          { message, domain: 'global', reason: 'conditionNotMet', locationType: 'header', location: 'If-Match' },
        ],
      },
    });
  });

  it('on an object that is not there: a generation fails, 0 holds', async () => {
    const { raw } = await start();
    const write = (query: string) =>
      raw(`/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=new&${query}`, { method: 'POST', body: 'x' });
    expect((await write('ifGenerationMatch=5')).status).toBe(412);
    expect((await write('ifMetagenerationMatch=1')).status).toBe(412);
    expect((await write('ifGenerationNotMatch=0')).status).toBe(412);
    expect((await write('ifGenerationMatch=0')).status).toBe(200);
    expect((await raw(`/storage/v1/b/${BUCKET}/o/none?ifGenerationMatch=0`)).status).toBe(404);
  });

  it('that are no numbers are refused, naming the parameter', async () => {
    const { raw } = await withObject();
    const reply = await raw(`${OBJECT}?ifGenerationMatch=abc`);
    expect(await reply.json()).toMatchObject({ error: { code: 400, errors: [{ location: 'ifGenerationMatch' }] } });
  });
});

describe('metadata', () => {
  it('is changed field by field, null removing, and each change counts', async () => {
    const { file, generation } = await withObject();
    await file.setMetadata({ contentType: 'text/a', cacheControl: 'no-store', metadata: { a: '1', b: '2' } });
    const [metadata] = await file.setMetadata({
      cacheControl: null,
      metadata: { a: null, c: '3' },
    } as unknown as FileMetadata);
    expect(metadata).toMatchObject({
      generation,
      metageneration: '3',
      contentType: 'text/a',
      metadata: { b: '2', c: '3' },
    });
    expect(metadata).not.toHaveProperty('cacheControl');
  });

  it('is replaced by an update', async () => {
    const { raw, file } = await withObject();
    await file.setMetadata({ contentType: 'text/a', metadata: { a: '1' } });
    const reply = await raw(OBJECT, { method: 'PUT', body: '{"contentLanguage":"de"}' });
    const metadata = (await reply.json()) as object;
    expect(metadata).toMatchObject({ metageneration: '3', contentLanguage: 'de' });
    expect(metadata).not.toHaveProperty('contentType');
  });

  it('of the wrong type is refused', async () => {
    const { raw } = await withObject();
    for (const body of ['{"contentType":5}', '{"metadata":[]}', '{"metadata":{"a":{}}}', '[]', '{']) {
      expect((await raw(OBJECT, { method: 'PATCH', body })).status).toBe(400);
    }
  });
});
