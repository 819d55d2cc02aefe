import { describe, expect, it } from 'vitest';
import type { FaultState } from '../../../../infra/emulators/storage/faults.ts';
import { BUCKET, failure, noise, start } from './client.ts';

const BUCKET_PATH = `/storage/v1/b/${BUCKET}`;
const ADMIN = '/_emulator/faults';

const statuses = async (count: number, ask: () => Promise<Response>) => {
  const seen: number[] = [];
  for (let turn = 0; turn < count; turn++) seen.push((await ask()).status);
  return seen;
};

describe('faults', () => {
  it('answer an error so many times, after so many requests, in Google’s form', async () => {
    const { emulator, raw } = await start();
    const id = emulator.faults.add({
      operation: 'buckets.get',
      skip: 1,
      times: 2,
      action: { kind: 'status', status: 429, retryAfterSeconds: 3 },
    });
    expect(await statuses(5, () => raw(BUCKET_PATH))).toEqual([200, 429, 429, 200, 200]);
    expect(emulator.faults.list()).toMatchObject([{ id, hits: 2 }]);
    emulator.faults.add({ action: { kind: 'status', status: 503, message: 'busy' } });
    expect(await (await raw(BUCKET_PATH)).json()).toMatchObject({
      error: { code: 503, message: 'busy', errors: [{ reason: 'backendError' }] },
    });
  });

  it('strike by method, part of the URL and operation', async () => {
    const { emulator, raw, bucket } = await start();
    emulator.faults.add({ method: 'delete', path: '/o/a', times: 9, action: { kind: 'status', status: 403 } });
    await bucket.file('a').save('x');
    await bucket.file('b').save('x');
    expect((await raw(`${BUCKET_PATH}/o/a`, { method: 'DELETE' })).status).toBe(403);
    expect((await raw(`${BUCKET_PATH}/o/b`, { method: 'DELETE' })).status).toBe(204);
    expect((await raw(`${BUCKET_PATH}/o/a`)).status).toBe(200);
  });

  it('last as long as they are told', async () => {
    const { emulator, raw } = await start();
    emulator.faults.add({ forMs: 100, action: { kind: 'status', status: 503 } });
    expect(await statuses(3, () => raw(BUCKET_PATH))).toEqual([503, 503, 503]);
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect((await raw(BUCKET_PATH)).status).toBe(200);
  });

  it('are ridden out by the client', async () => {
    const { emulator, bucket } = await start();
    emulator.faults.add({ operation: 'objects.insert', times: 2, action: { kind: 'status', status: 503 } });
    await bucket.file('x').save('content', { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } });
    emulator.faults.add({ operation: 'objects.get', action: { kind: 'status', status: 429 } });
    expect((await bucket.file('x').getMetadata())[0].size).toBe('7');
  }, 20_000);

  it('delay', async () => {
    const { emulator, raw } = await start();
    emulator.faults.add({ action: { kind: 'delay', ms: 80 } });
    const before = performance.now();
    expect((await raw(BUCKET_PATH)).status).toBe(200);
    expect(performance.now() - before).toBeGreaterThan(75);
  });

  it('do not keep an emulator from closing', async () => {
    const { emulator, raw } = await start();
    emulator.faults.add({ action: { kind: 'delay', ms: 60_000 } });
    const asked = failure(raw(BUCKET_PATH));
    await expect.poll(() => emulator.faults.list()[0]?.hits).toBe(1);
    await emulator.close();
    await asked;
  });

  it('drop the answer of work that was done', async () => {
    const { emulator, bucket, raw } = await start();
    emulator.faults.add({ operation: 'objects.insert-media', action: { kind: 'drop-response', afterBytes: 0 } });
    const upload = () =>
      raw(`/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=x&ifGenerationMatch=0`, {
        method: 'POST',
        body: 'x',
      });
    await failure(upload());
    expect((await bucket.file('x').download())[0].toString()).toBe('x');
    expect((await upload()).status).toBe(412);
  });

  it('drop an upload half-way, and nothing of it is seen', async () => {
    const { emulator, bucket } = await start();
    emulator.faults.add({ operation: 'objects.insert', action: { kind: 'drop-request', afterBytes: 100_000 } });
    await failure(bucket.file('x').save(noise(1_000_000), { resumable: false }));
    expect(await bucket.file('x').exists()).toEqual([false]);
    await bucket.file('x').save(noise(1_000_000), { resumable: false });
    expect((await bucket.file('x').download())[0].equals(noise(1_000_000))).toBe(true);
  });

  it('are set, listed and cleared over HTTP', async () => {
    const { raw, emulator } = await start();
    const add = (body: object) => raw(ADMIN, { method: 'POST', body: JSON.stringify(body) });
    const list = async () => ((await (await raw(ADMIN)).json()) as { faults: FaultState[] }).faults;
    expect((await add({ operation: 'buckets.get', action: { kind: 'status', status: 503 } })).status).toBe(201);
    await add({ action: { kind: 'delay', ms: 0 } });
    expect(await list()).toMatchObject([{ id: '1', operation: 'buckets.get', hits: 0 }, { id: '2' }]);
    expect((await raw(`${ADMIN}/2`, { method: 'DELETE' })).status).toBe(204);
    expect((await raw(BUCKET_PATH)).status).toBe(503);
    expect(await list()).toMatchObject([{ id: '1', hits: 1 }]);
    await raw(ADMIN, { method: 'DELETE' });
    expect([await list(), emulator.faults.list()]).toEqual([[], []]);
  });

  it.each([
    {},
    { action: { kind: 'explode' } },
    { action: { kind: 'status' } },
    { action: { kind: 'status', status: 200 } },
    { action: { kind: 'delay', ms: -1 } },
    { action: { kind: 'delay', ms: 1 }, times: 'many' },
    { action: { kind: 'delay', ms: 1 }, path: 5 },
    { action: { kind: 'delay', ms: 1 }, operation: 'objects.explode' },
  ])('are refused with a reason: %j', async (body) => {
    const { raw } = await start();
    const reply = await raw(ADMIN, { method: 'POST', body: JSON.stringify(body) });
    expect(await reply.json()).toMatchObject({ error: { code: 400 } });
  });
});
