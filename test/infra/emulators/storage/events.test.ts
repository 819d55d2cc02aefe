import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { StorageEmulatorOptions } from '../../../../infra/emulators/storage/storage-emulator.ts';
import { BUCKET, start } from './client.ts';

interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly data: Readonly<Record<string, unknown>>;
}

/** An emulator and what it delivered to a receiver that answers with `answers` in turn, then with 204. */
async function withReceiver(answers: readonly number[] = [], options: StorageEmulatorOptions = {}) {
  const deliveries: Delivery[] = [];
  const left = [...answers];
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      deliveries.push({ headers: request.headers, data: JSON.parse(body) as Delivery['data'] });
      response.writeHead(left.shift() ?? 204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void receiver.close());
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const emulated = await start({ notify: { [BUCKET]: [url] }, notifyFirstBackoffMs: 5, ...options });
  return { ...emulated, deliveries, receiver };
}

describe('finalize events', () => {
  it('arrive as Eventarc sends them', async () => {
    const { bucket, emulator, deliveries } = await withReceiver();
    const file = bucket.file('model/a b.jsonl');
    await file.save('content', { resumable: false, contentType: 'application/jsonl' });
    await emulator.eventsDelivered();
    expect(deliveries).toHaveLength(1);
    const [{ headers, data } = { headers: {}, data: {} }] = deliveries;
    expect(headers).toMatchObject({
      'ce-source': `//storage.googleapis.com/projects/_/buckets/${BUCKET}`,
      'ce-specversion': '1.0',
      'ce-type': 'google.cloud.storage.object.v1.finalized',
      'ce-subject': 'objects/model/a%20b.jsonl',
      'ce-bucket': BUCKET,
      'content-type': 'application/json',
    });
    expect(headers['ce-id']).toMatch(/^\d+$/);
    expect(headers['ce-time']).toBe(data['timeCreated']);
    expect(data).toEqual(JSON.parse(JSON.stringify({ ...file.metadata, size: '7' })));
  });

  it('name any object in the body as it is', async () => {
    const { bucket, emulator, deliveries } = await withReceiver();
    await bucket.file('ü "𝒳" %.txt').save('x', { resumable: false });
    await emulator.eventsDelivered();
    expect(deliveries[0]?.data['name']).toBe('ü "𝒳" %.txt');
    expect(decodeURIComponent(String(deliveries[0]?.headers['ce-subject']))).toBe('objects/ü "𝒳" %.txt');
  });

  it('come for every way an object is finalized and for nothing else', async () => {
    const { bucket, emulator, deliveries, storage } = await withReceiver([], { buckets: [BUCKET, 'silent-bucket'] });
    const file = bucket.file('a');
    await file.save('1', { resumable: false });
    await file.save('2', { resumable: true });
    await file.copy(bucket.file('b'));
    await bucket.combine(['a', 'b'], 'c');
    await file.setMetadata({ contentType: 'text/x' });
    await file.delete();
    await storage.bucket('silent-bucket').file('d').save('x');
    await emulator.eventsDelivered();
    expect(deliveries.map(({ data }) => data['name']).sort()).toEqual(['a', 'a', 'b', 'c']);
    expect(new Set(deliveries.map(({ headers }) => headers['ce-id'])).size).toBe(4);
  });

  it('are tried again until they are accepted, as the same event', async () => {
    const { bucket, emulator, deliveries } = await withReceiver([500, 429, 404]);
    await bucket.file('a').save('1', { resumable: false });
    await emulator.eventsDelivered();
    expect(deliveries).toHaveLength(4);
    expect(new Set(deliveries.map(({ headers }) => headers['ce-id'])).size).toBe(1);
  });

  it('are given up after a while', async () => {
    const answers = Array.from({ length: 1000 }, () => 500);
    const { bucket, emulator, deliveries } = await withReceiver(answers, { notifyRetryForMs: 60 });
    await bucket.file('a').save('1', { resumable: false });
    await emulator.eventsDelivered();
    expect(deliveries.length).toBeGreaterThan(1);
    expect(deliveries.length).toBeLessThan(10);
  });

  it('come more than once where duplicates are asked for', async () => {
    const { bucket, emulator, deliveries } = await withReceiver([], { notifyDuplicates: 2 });
    await bucket.file('a').save('1', { resumable: false });
    await emulator.eventsDelivered();
    expect(deliveries).toHaveLength(3);
    expect(new Set(deliveries.map(({ headers }) => headers['ce-id'])).size).toBe(1);
  });

  it('do not keep an emulator from closing', async () => {
    const { bucket, emulator, receiver } = await withReceiver();
    receiver.close();
    await bucket.file('a').save('1', { resumable: false });
    await emulator.close();
  });
});
