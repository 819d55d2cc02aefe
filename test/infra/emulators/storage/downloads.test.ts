import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseRange } from '../../../../infra/emulators/storage/byte-range.ts';
import { BUCKET, failure, noise, start } from './client.ts';

const bytes = noise(1_000_000);

/** Long enough for the client to notice a cut connection, if it did. */
const STALL_MS = 500;

async function withObject() {
  const emulated = await start();
  const file = emulated.bucket.file('data');
  await file.save(bytes, { resumable: false, contentType: 'application/x-noise' });
  return { ...emulated, file };
}

const PATHS = [
  `/storage/v1/b/${BUCKET}/o/data?alt=media`,
  `/download/storage/v1/b/${BUCKET}/o/data?alt=media`,
  `/${BUCKET}/data`,
];

describe('downloads', () => {
  it.each(PATHS)('from %s carry the headers that clients check', async (path) => {
    const { raw, file } = await withObject();
    const reply = await raw(path);
    expect(Buffer.from(await reply.arrayBuffer()).equals(bytes)).toBe(true);
    const { metadata } = file;
    const md5 = createHash('md5').update(bytes).digest('base64');
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'content-type': 'application/x-noise',
      'content-length': '1000000',
      'x-goog-hash': `crc32c=${metadata.crc32c},md5=${md5}`,
      'x-goog-generation': metadata.generation,
      'x-goog-metageneration': '1',
      'x-goog-stored-content-encoding': 'identity',
      'x-goog-stored-content-length': '1000000',
      etag: metadata.etag,
    });
  });

  it.each(PATHS)('from %s answer HEAD without a body', async (path) => {
    const { raw } = await withObject();
    const reply = await raw(path, { method: 'HEAD' });
    expect([reply.status, reply.headers.get('content-length'), await reply.text()]).toEqual([200, '1000000', '']);
  });

  it('are verified by the client with either checksum', async () => {
    const { file } = await withObject();
    for (const validation of ['crc32c', 'md5'] as const) {
      expect((await file.download({ validation }))[0].equals(bytes)).toBe(true);
    }
  });

  it.each([
    [0, 0],
    [0, 99],
    [5, 999_999],
    [999_999, 2_000_000],
    [262_143, 262_144],
  ])('of bytes %i to %i give just these', async (first, last) => {
    const { file } = await withObject();
    expect((await file.download({ start: first, end: last }))[0].equals(bytes.subarray(first, last + 1))).toBe(true);
  });

  it('may be open at the end, or count from it', async () => {
    const { file, raw } = await withObject();
    expect((await file.download({ start: 999_000 }))[0].equals(bytes.subarray(999_000))).toBe(true);
    expect((await file.download({ start: 0, end: -10 }))[0].equals(bytes.subarray(-10))).toBe(true);
    const reply = await raw(PATHS[0] ?? '', { headers: { range: 'bytes=10-19' } });
    expect([reply.status, reply.headers.get('content-range')]).toEqual([206, 'bytes 10-19/1000000']);
  });

  it('beyond the end are 416, and say how long the object is', async () => {
    const { file, raw } = await withObject();
    expect(await failure(file.download({ start: 1_000_000 }))).toMatchObject({ code: 416 });
    const reply = await raw(PATHS[0] ?? '', { headers: { range: 'bytes=1000000-' } });
    expect([reply.status, reply.headers.get('content-range')]).toEqual([416, 'bytes */1000000']);
  });

  it('of what is not there are 404, as text, JSON or XML by where they were asked for', async () => {
    const { raw, bucket } = await start();
    expect(await failure(bucket.file('no').download())).toMatchObject({
      code: 404,
      message: `No such object: ${BUCKET}/no`,
    });
    expect(await (await raw(`/storage/v1/b/${BUCKET}/o/no`)).json()).toMatchObject({ error: { code: 404 } });
    expect(await (await raw(`/${BUCKET}/no`)).text()).toContain('<Code>NoSuchKey</Code>');
    expect(await (await raw('/no-such-bucket/no')).text()).toContain('<Code>NoSuchBucket</Code>');
  });

  it('end half-way where the connection does, and give what came before', async () => {
    const { raw, file, emulator } = await withObject();
    emulator.faults.add({ operation: 'objects.download', action: { kind: 'drop-response', afterBytes: 300_000 } });
    const reply = await raw(PATHS[0] ?? '');
    let received = 0;
    const reading = (async () => {
      for await (const piece of reply.body ?? []) received += (piece as Uint8Array).length;
    })();
    expect(await failure(reading)).toMatchObject({ message: 'terminated' });
    expect(received).toBe(300_000);
    expect((await file.download())[0].equals(bytes)).toBe(true);
  });

  it('that end half-way stall the client, which neither fails nor ends: its user must bound the wait', async () => {
    const { file, emulator } = await withObject();
    emulator.faults.add({ operation: 'objects.download', action: { kind: 'drop-response', afterBytes: 300_000 } });
    const stream = file.createReadStream();
    const received: Buffer[] = [];
    const outcome = new Promise<string>((resolve) => {
      stream.on('data', (piece: Buffer) => received.push(piece));
      stream.on('end', () => {
        resolve('ended');
      });
      stream.on('error', () => {
        resolve('failed');
      });
      setTimeout(resolve, STALL_MS, 'stalled');
    });
    expect(await outcome).toBe('stalled');
    expect(Buffer.concat(received).equals(bytes.subarray(0, 300_000))).toBe(true);
    stream.destroy();
  });

  it('of an object that is overwritten meanwhile give the old bytes', async () => {
    const { file } = await withObject();
    const received: Buffer[] = [];
    for await (const piece of file.createReadStream()) {
      if (received.length === 0) await file.save('new', { resumable: false });
      received.push(piece as Buffer);
    }
    expect(Buffer.concat(received).equals(bytes)).toBe(true);
  });
});

describe('objects stored with gzip', () => {
  const text = Buffer.from('line of text\n'.repeat(10_000));
  const zipped = gzipSync(text);

  async function withZipped(metadata: object = {}) {
    const emulated = await start();
    const options = { resumable: false, metadata: { contentEncoding: 'gzip', contentType: 'text/plain', ...metadata } };
    await emulated.bucket.file('z').save(zipped, options);
    const get = async (headers: Record<string, string>) => {
      const reply = await emulated.raw(`/storage/v1/b/${BUCKET}/o/z?alt=media`, { headers });
      return { reply, body: Buffer.from(await reply.arrayBuffer()) };
    };
    return { ...emulated, get };
  }

  it('are decompressed for who does not accept gzip, without length, and Range is ignored', async () => {
    const { get } = await withZipped();
    const { reply, body } = await get({ 'accept-encoding': 'identity', range: 'bytes=0-9' });
    expect(body.equals(text)).toBe(true);
    expect(reply.status).toBe(200);
    const { headers } = reply;
    expect([headers.get('content-length'), headers.get('content-encoding')]).toEqual([null, null]);
    expect(headers.get('warning')).toMatch(/^214 /);
    expect(headers.get('x-goog-stored-content-encoding')).toBe('gzip');
    expect(headers.get('x-goog-stored-content-length')).toBe(String(zipped.length));
  });

  it('are served as stored to who accepts gzip, by range too', async () => {
    const { get, bucket } = await withZipped();
    const { reply } = await get({ 'accept-encoding': 'gzip' });
    expect(reply.headers.get('content-encoding')).toBe('gzip');
    expect(reply.headers.get('content-length')).toBe(String(zipped.length));
    const [raw] = await bucket.file('z').download({ decompress: false });
    expect(gunzipSync(raw).equals(text)).toBe(true);
    expect((await bucket.file('z').download())[0].equals(text)).toBe(true);
    const [part] = await bucket.file('z').download({ start: 0, end: 9, decompress: false });
    expect(part.equals(zipped.subarray(0, 10))).toBe(true);
  });

  it('are served as stored where Cache-Control says no-transform', async () => {
    const { get } = await withZipped({ cacheControl: 'no-transform' });
    const { reply } = await get({ 'accept-encoding': 'identity' });
    expect(reply.headers.get('content-length')).toBe(String(zipped.length));
  });

  it('are served as stored where they are no gzip', async () => {
    const { raw, bucket } = await start();
    await bucket.file('z').save('plain', { resumable: false, metadata: { contentEncoding: 'gzip' } });
    const headers = { 'accept-encoding': 'identity' };
    expect((await raw(`/storage/v1/b/${BUCKET}/o/z?alt=media`, { headers })).headers.get('content-length')).toBe('5');
  });
});

describe('Range', () => {
  it.each([
    [undefined, 10, 'all'],
    ['bytes=0-4', 10, { start: 0, end: 5 }],
    ['bytes=5-', 10, { start: 5, end: 10 }],
    ['bytes=-3', 10, { start: 7, end: 10 }],
    ['bytes=-30', 10, { start: 0, end: 10 }],
    ['bytes=0-99', 10, { start: 0, end: 10 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=5-4', 10, 'all'],
    ['bytes=0-1,3-4', 10, 'all'],
    ['lines=0-4', 10, 'all'],
    ['bytes=-', 10, 'all'],
  ])('%s of %i bytes', (header, size, expected) => {
    expect(parseRange(header, size)).toEqual(expected);
  });
});
