import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseContentRange } from '../../../../infra/emulators/storage/content-range.ts';
import { BUCKET, failure, noise, start } from './client.ts';

const KIB = 1024;
const CHUNK = 256 * KIB;
const UPLOAD = `/upload/storage/v1/b/${BUCKET}/o`;

/** An upload session spoken to by hand. */
async function session(metadata: object = {}, headers: Record<string, string> = {}, query = '') {
  const emulated = await start();
  const url = `${UPLOAD}?uploadType=resumable&name=big.bin${query}`;
  const started = await emulated.raw(url, { method: 'POST', body: JSON.stringify(metadata), headers });
  const location = started.headers.get('location') ?? '';
  const put = async (range: string | undefined, body: Buffer = Buffer.alloc(0), more: Record<string, string> = {}) => {
    const contentRange: Record<string, string> = range === undefined ? {} : { 'content-range': `bytes ${range}` };
    const reply = await fetch(location, {
      method: 'PUT',
      body: new Uint8Array(body),
      headers: { ...contentRange, ...more },
    });
    return {
      status: reply.status,
      range: reply.headers.get('range'),
      type: reply.headers.get('content-type'),
      text: await reply.text(),
    };
  };
  return { ...emulated, location, started, put, file: emulated.bucket.file('big.bin') };
}

describe('resumable uploads by the client', () => {
  it.each([
    ['one streamed request', undefined],
    ['chunks', CHUNK],
    ['chunks that do not divide the size', 3 * CHUNK],
  ])('arrive whole in %s', async (_, chunkSize) => {
    const { bucket } = await start();
    const bytes = noise(5 * CHUNK + 12345);
    const file = bucket.file('big.bin');
    await file.save(bytes, {
      resumable: true,
      contentType: 'application/x-noise',
      ...(chunkSize === undefined ? {} : { chunkSize }),
    });
    expect((await file.download())[0].equals(bytes)).toBe(true);
    expect((await file.getMetadata())[0]).toMatchObject({
      contentType: 'application/x-noise',
      size: String(bytes.length),
    });
  });

  it.each([0, CHUNK, 2 * CHUNK])('of %i bytes end where a chunk ends', async (size) => {
    const { bucket } = await start();
    await bucket.file('even').save(noise(size), { resumable: true, chunkSize: CHUNK });
    expect((await bucket.file('even').download())[0].equals(noise(size))).toBe(true);
  });

  it('recover by the client’s own retries from dropped connections and errors between and inside chunks', async () => {
    const { bucket, emulator } = await start();
    const { faults } = emulator;
    faults.add({
      operation: 'uploads.continue',
      method: 'PUT',
      skip: 1,
      action: { kind: 'drop-request', afterBytes: CHUNK + 1000 },
    });
    faults.add({ operation: 'uploads.continue', skip: 3, action: { kind: 'drop-response', afterBytes: 0 } });
    faults.add({ operation: 'uploads.continue', skip: 6, action: { kind: 'status', status: 503 } });
    const bytes = noise(8 * CHUNK + 77);
    const file = bucket.file('big.bin');
    await file.save(bytes, { resumable: true, chunkSize: 2 * CHUNK, preconditionOpts: { ifGenerationMatch: 0 } });
    expect((await file.download())[0].equals(bytes)).toBe(true);
    expect(faults.list().map(({ hits }) => hits)).toEqual([1, 1, 1]);
  }, 20_000);

  it('are refused where the object exists and must not', async () => {
    const { bucket } = await start();
    await bucket.file('x').save('first');
    const again = bucket.file('x').save('second', { resumable: true, preconditionOpts: { ifGenerationMatch: 0 } });
    expect(await failure(again)).toMatchObject({ message: expect.stringContaining('412') as string });
    expect((await bucket.file('x').download())[0].toString()).toBe('first');
  });
});

describe('an upload session', () => {
  it('keeps what it has between connections, says how much, and gives the object ever after', async () => {
    const { put, file, started } = await session({ metadata: { a: 'b' } }, { 'x-upload-content-type': 'text/x' });
    expect(started.status).toBe(200);
    const bytes = noise(2 * CHUNK + 10);
    expect(await put('*/*')).toMatchObject({ status: 308, range: null });
    expect(await put(`0-${CHUNK - 1}/*`, bytes.subarray(0, CHUNK))).toMatchObject({
      status: 308,
      range: `bytes=0-${CHUNK - 1}`,
    });
    expect(await put(`*/${bytes.length}`)).toMatchObject({ status: 308, range: `bytes=0-${CHUNK - 1}` });
    const last = await put(`${CHUNK}-${bytes.length - 1}/${bytes.length}`, bytes.subarray(CHUNK));
    expect(last.status).toBe(200);
    expect(JSON.parse(last.text)).toMatchObject({ name: 'big.bin', contentType: 'text/x', metadata: { a: 'b' } });
    expect((await file.download())[0].equals(bytes)).toBe(true);
    expect(await put('*/*')).toMatchObject({ status: 200, text: last.text });
    expect(await put(`0-${bytes.length - 1}/${bytes.length}`, bytes)).toMatchObject({ status: 200, text: last.text });
  });

  it('keeps only whole multiples of 256 KiB of a chunk that is not the last', async () => {
    const { put, file } = await session();
    const bytes = noise(2 * CHUNK);
    expect(await put(`0-${CHUNK + 99}/*`, bytes.subarray(0, CHUNK + 100))).toMatchObject({
      range: `bytes=0-${CHUNK - 1}`,
    });
    expect((await put(`${CHUNK}-${2 * CHUNK - 1}/${2 * CHUNK}`, bytes.subarray(CHUNK))).status).toBe(200);
    expect((await file.download())[0].equals(bytes)).toBe(true);
  });

  it('takes bytes again that it has, and only the new ones of an overlap', async () => {
    const { put, file } = await session();
    const bytes = noise(3 * CHUNK);
    const first = [`0-${2 * CHUNK - 1}/*`, bytes.subarray(0, 2 * CHUNK)] as const;
    expect(await put(...first)).toMatchObject({ range: `bytes=0-${2 * CHUNK - 1}` });
    expect(await put(...first)).toMatchObject({ range: `bytes=0-${2 * CHUNK - 1}` });
    expect((await put(`${CHUNK}-${3 * CHUNK - 1}/${3 * CHUNK}`, bytes.subarray(CHUNK))).status).toBe(200);
    expect((await file.download())[0].equals(bytes)).toBe(true);
  });

  it('answers a gap with 503 and text, as Google does', async () => {
    const { put } = await session();
    expect(await put(`${CHUNK}-${2 * CHUNK - 1}/*`, noise(CHUNK))).toMatchObject({
      status: 503,
      type: 'text/plain; charset=utf-8',
      text: expect.stringContaining(
        `the upload offset is ${CHUNK} byte(s), which exceeds already uploaded size of 0`,
      ) as string,
    });
  });

  it('is ended without bytes once its size is known', async () => {
    const { put, file } = await session();
    await put(`0-${CHUNK - 1}/*`, noise(CHUNK));
    expect((await put(`*/${CHUNK}`)).status).toBe(200);
    expect((await file.download())[0].equals(noise(CHUNK))).toBe(true);
  });

  it('may make an empty object, or take all at once without a range', async () => {
    expect((await (await session()).put('*/0')).status).toBe(200);
    const { put, file } = await session();
    expect((await put(undefined, noise(1000))).status).toBe(200);
    expect((await file.getMetadata())[0].size).toBe('1000');
  });

  it('ends at the size declared at its start', async () => {
    const { put } = await session({}, { 'x-upload-content-length': String(CHUNK + 1) });
    await put(`0-${CHUNK - 1}/*`, noise(CHUNK));
    expect((await put(`${CHUNK}-${CHUNK}/*`, noise(1))).status).toBe(200);
  });

  it('that was cancelled answers 499 from then on', async () => {
    const { put, location, file } = await session();
    await put(`0-${CHUNK - 1}/*`, noise(CHUNK));
    expect((await fetch(location, { method: 'DELETE' })).status).toBe(499);
    expect((await put(`*/${CHUNK}`)).status).toBe(499);
    expect(await file.exists()).toEqual([false]);
  });

  it.each([
    ['nonsense', 'abc'],
    ['a range that ends before it starts', '10-5/*'],
    ['a range beyond the total', '0-9/5'],
    ['fewer bytes than it says', '0-9/10'],
  ])('refuses %s', async (_, range) => {
    const { put } = await session();
    expect((await put(range, noise(3))).status).toBe(400);
  });

  it('refuses another total than before, and less than it has', async () => {
    const { put } = await session();
    await put(`0-${CHUNK - 1}/${CHUNK * 3}`, noise(CHUNK));
    expect((await put(`*/${CHUNK * 4}`)).status).toBe(400);
    const other = await session();
    await other.put(`0-${CHUNK - 1}/*`, noise(CHUNK));
    expect((await other.put('*/5')).status).toBe(400);
  });

  it('checks the hash that comes with the last chunk', async () => {
    const { put, file } = await session();
    const hash = { 'x-goog-hash': 'crc32c=AAAAAA==' };
    expect((await put('0-4/5', Buffer.from('hello'), hash)).status).toBe(400);
    expect(await file.exists()).toEqual([false]);
    expect((await put('*/*')).status).toBe(404);
  });

  it('checks its preconditions again when it ends', async () => {
    const { put, file } = await session({}, {}, '&ifGenerationMatch=0');
    await file.save('someone was faster');
    expect((await put('0-4/5', Buffer.from('hello'))).status).toBe(412);
    expect((await file.download())[0].toString()).toBe('someone was faster');
  });

  it('leaves a connection that hangs for the one that comes after it', async () => {
    const { put, location, emulator, file } = await session();
    const { pathname, search } = new URL(location);
    const hanging = connect(emulator.port, '127.0.0.1');
    hanging.on('error', () => undefined);
    hanging.write(
      `PUT ${pathname}${search} HTTP/1.1\r\nHost: x\r\nContent-Range: bytes 0-*/*\r\nContent-Length: 9999999\r\n\r\n`,
    );
    hanging.write(noise(CHUNK + 500));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await put('*/*')).toMatchObject({ status: 308, range: `bytes=0-${CHUNK - 1}` });
    const bytes = noise(CHUNK + 500);
    expect((await put(`${CHUNK}-${CHUNK + 499}/${CHUNK + 500}`, bytes.subarray(CHUNK))).status).toBe(200);
    expect((await file.download())[0].equals(bytes)).toBe(true);
  });

  it('that nobody started is not found', async () => {
    const { raw } = await start();
    expect((await raw(`${UPLOAD}?uploadType=resumable&upload_id=nope`, { method: 'PUT' })).status).toBe(404);
  });
});

describe('Content-Range', () => {
  it.each([
    [undefined, { kind: 'bytes', start: 0, end: undefined, total: undefined }],
    ['bytes 0-9/20', { kind: 'bytes', start: 0, end: 9, total: 20 }],
    ['bytes 5-9/*', { kind: 'bytes', start: 5, end: 9, total: undefined }],
    ['bytes 5-*/*', { kind: 'bytes', start: 5, end: undefined, total: undefined }],
    ['bytes 5-*/9', { kind: 'bytes', start: 5, end: undefined, total: 9 }],
    ['bytes */*', { kind: 'query', total: undefined }],
    ['bytes */9', { kind: 'query', total: 9 }],
  ])('%s is understood', (header, expected) => {
    expect(parseContentRange(header)).toEqual(expected);
  });

  it.each(['bytes', 'bytes 1/2', 'bytes -5/*', 'items 0-1/2', 'bytes a-b/c', '0-1/2'])('%s is refused', (header) => {
    expect(() => parseContentRange(header)).toThrow('Failed to parse Content-Range header');
  });
});
