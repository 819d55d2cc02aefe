import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { describe, expect, it, onTestFinished } from 'vitest';

import { startStorageEmulator } from '../../../infra/emulators/storage/storage-emulator.ts';
import { createStorage } from '../../../infra/gcp/clients.ts';
import { GoogleObjectStore } from '../../../infra/gcp/object-store.ts';
import { PermanentError } from '../../../shared/errors.ts';
import { collect, expectPermanent, streamOf } from '../../contract/builders.ts';

const BUCKET = 'objects';
const MIB = 1 << 20;

async function start() {
  const emulator = await startStorageEmulator({ buckets: [BUCKET, 'other'] });
  onTestFinished(() => emulator.close());
  const storage = createStorage({ projectId: 'test', storageEndpoint: emulator.url });
  storage.retryOptions.maxRetryDelay = 1;
  return { store: new GoogleObjectStore(storage), faults: emulator.faults };
}

const bytes = (text: string): Buffer => Buffer.from(text);

describe('read', () => {
  it('closes the connection of a reader that stops, and leaves the others alone', async () => {
    let closed = 0;
    const server = createServer((request, response) => {
      const endless = request.url?.includes('endless') === true;
      response.writeHead(206, endless ? {} : { 'content-length': 3 });
      response.on('close', () => closed++);
      const chunk = Buffer.alloc(64 * 1024);
      const pump = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      if (endless) {
        response.on('drain', pump);
        pump();
      } else {
        response.write('a');
        setTimeout(() => response.end('bc'), 300);
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const store = new GoogleObjectStore(
      createStorage({ projectId: 'test', storageEndpoint: `http://127.0.0.1:${port}` }),
    );
    const slow = collect(store.read({ bucket: BUCKET, name: 'slow', generation: '1' }, 0, 3));
    const endless = { bucket: BUCKET, name: 'endless', generation: '1' };
    for await (const chunk of store.read(endless, 0, Infinity)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await expect.poll(() => closed, { timeout: 2_000 }).toBe(1);
    expect(String(Buffer.concat(await slow))).toBe('abc');
  });

  it('goes on where a connection broke', async () => {
    const { store, faults } = await start();
    const content = Buffer.from(Array.from({ length: 3 * MIB }, (_, index) => (index * 7) % 251));
    const { object } = await store.create(BUCKET, 'a', content);
    for (const afterBytes of [0, 1, MIB]) {
      faults.add({ action: { kind: 'drop-response', afterBytes }, operation: 'objects.download' });
    }
    faults.add({ action: { kind: 'status', status: 503 }, operation: 'objects.download' });
    expect(Buffer.concat(await collect(store.read(object, 5, content.length))).equals(content.subarray(5))).toBe(true);
    expect(faults.list().map(({ hits }) => hits)).toEqual([1, 1, 1, 1]);
  });

  it('throws what stays broken as it is, so that the message comes again', async () => {
    const { store, faults } = await start();
    const { object } = await store.create(BUCKET, 'a', bytes('abc'));
    faults.add({ action: { kind: 'status', status: 503 }, operation: 'objects.download', times: 100 });
    const error: unknown = await collect(store.read(object, 0, 3)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(PermanentError);
  }, 30_000);

  it('refuses an overwritten generation, and says so', async () => {
    const { store } = await start();
    const { object } = await store.create(BUCKET, 'a', bytes('abc'));
    await store.delete(BUCKET, 'a');
    await store.create(BUCKET, 'a', bytes('new'));
    await expectPermanent(
      collect(store.read(object, 0, 3)),
      'NOT_FOUND',
      /objects\/a .*changed or deleted since the job/,
    );
  });
});

describe('create', () => {
  it.each([
    { what: 'bytes', content: () => bytes('content') },
    { what: 'a stream', content: () => streamOf(bytes('con'), bytes('tent')) },
  ])(
    'is done once where its answer is lost: $what',
    async ({ content }) => {
      const { store, faults } = await start();
      for (const operation of ['objects.insert', 'uploads.continue'] as const) {
        faults.add({ action: { kind: 'drop-response', afterBytes: 0 }, operation });
      }
      const { object } = await store.create(BUCKET, 'a', content());
      expect(object).toMatchObject({ size: 7, generation: expect.stringMatching(/^\d+$/) as string });
      expect(String(Buffer.concat(await collect(store.read(object, 0, 7))))).toBe('content');
      expect(await collect(store.list(BUCKET, ''))).toHaveLength(1);
    },
    30_000,
  );

  it('streams more than one chunk, through broken connections', async () => {
    const { store, faults } = await start();
    faults.add({ action: { kind: 'drop-request', afterBytes: 3 * MIB }, operation: 'uploads.continue', skip: 1 });
    const piece = Buffer.alloc(MIB, 'x');
    const { created, object } = await store.create(BUCKET, 'a', streamOf(...Array<Buffer>(20).fill(piece)));
    expect(created).toBe(true);
    expect(object.size).toBe(20 * MIB);
    expect(faults.list()[0]?.hits).toBe(1);
  }, 60_000);

  it('does not read a stream whose name is taken to its end', async () => {
    const { store } = await start();
    await store.create(BUCKET, 'a', bytes('first'));
    let returned = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          await Promise.resolve();
          yield Buffer.alloc(MIB);
        }
      } finally {
        returned = true;
      }
    }
    expect(await store.create(BUCKET, 'a', endless())).toMatchObject({ created: false, object: { size: 5 } });
    expect(returned).toBe(true);
  });

  it('refuses a bucket that is not there, and a name that no object can have', async () => {
    const { store } = await start();
    await expectPermanent(store.create('nowhere', 'a', bytes('x')), 'NOT_FOUND', /nowhere/);
    await expectPermanent(store.create(BUCKET, 'a'.repeat(1025), bytes('x')), 'INVALID_ARGUMENT');
  });
});

describe('compose', () => {
  it('is a success where it was done and its sources are deleted', async () => {
    const { store } = await start();
    const sources = [
      (await store.create(BUCKET, 'a', bytes('1'))).object,
      (await store.create(BUCKET, 'b', bytes('2'))).object,
    ];
    const { object } = await store.compose(BUCKET, sources, 'all');
    for (const { name } of sources) await store.delete(BUCKET, name);
    expect(await store.compose(BUCKET, sources, 'all')).toEqual({ created: false, object });
  });

  it('refuses sources of another bucket, whose names may mean other objects here', async () => {
    const { store } = await start();
    const { object } = await store.create('other', 'a', bytes('1'));
    await expectPermanent(store.compose(BUCKET, [object], 'all'), 'INVALID_ARGUMENT', /another bucket/);
  });

  it('takes exactly the generations that it was given', async () => {
    const { store } = await start();
    const { object } = await store.create(BUCKET, 'a', bytes('old'));
    await store.delete(BUCKET, 'a');
    await store.create(BUCKET, 'a', bytes('new'));
    await expectPermanent(store.compose(BUCKET, [object], 'all'), 'NOT_FOUND');
  });
});

it('lists over several pages', async () => {
  const { store } = await start();
  const names = Array.from({ length: 1003 }, (_, index) => `p/${String(index).padStart(5, '0')}`);
  for (let at = 0; at < names.length; at += 50) {
    await Promise.all(names.slice(at, at + 50).map((name) => store.create(BUCKET, name, new Uint8Array(0))));
  }
  expect((await collect(store.list(BUCKET, 'p/'))).map(({ name }) => name)).toEqual(names);
}, 30_000);
