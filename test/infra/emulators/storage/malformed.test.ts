import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUCKET, start } from './client.ts';

/** Sends bytes as they are and waits for the end of the connection, or a moment. */
async function shout(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (piece) => (answer += piece.toString('latin1')));
  socket.on('error', () => undefined);
  socket.end(text, 'latin1');
  await new Promise((resolve) => {
    socket.on('close', resolve);
    setTimeout(resolve, 300);
  });
  socket.destroy();
  return answer;
}

describe('malformed requests', () => {
  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['a bad escape', 'GET /storage/v1/b/%zz HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['an escape that is no UTF-8', `GET /storage/v1/b/${BUCKET}/o/%ff HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['a body cut short', `POST /storage/v1/b HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"na`],
    ['an absolute URL', 'GET http://x/storage/v1/b HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['an endless header', `GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`],
    [
      'an upload cut short',
      `POST /upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc`,
    ],
  ])('of %s leave the server well', async (_, text) => {
    const { emulator, bucket } = await start();
    const answer = await shout(emulator.port, text);
    expect(answer).not.toMatch(/^HTTP\/1.1 (2|5)/);
    expect(await bucket.exists()).toEqual([true]);
    expect(await bucket.file('x').exists()).toEqual([false]);
  });

  it.each([
    ['GET', '/', 404],
    ['GET', '/storage/v1', 404],
    ['GET', '/storage/v1/nothing', 404],
    ['POST', `/${BUCKET}/x`, 501],
    ['DELETE', '/storage/v1/b', 405],
    ['POST', `/storage/v1/b/${BUCKET}`, 405],
    ['GET', `/storage/v1/b/${BUCKET}/iam`, 501],
    ['POST', `/storage/v1/b/${BUCKET}/o/x/moveTo/o/y`, 501],
    ['GET', `/storage/v1/b/${BUCKET}/o/x/compose`, 405],
    ['POST', `/upload/storage/v1/b/${BUCKET}/o?uploadType=carrier-pigeon&name=x`, 405],
    ['POST', `/upload/storage/v1/b/${BUCKET}/o?uploadType=multipart&name=x`, 400],
    ['POST', `/upload/storage/v1/b/${BUCKET}/o?uploadType=media`, 400],
    ['POST', '/upload/storage/v1/b/no-such-bucket/o?uploadType=media&name=x', 404],
    ['GET', '/_emulator/nothing', 404],
    ['PATCH', '/_emulator/faults', 405],
  ])('%s %s is refused with %i', async (method, path, status) => {
    const { raw } = await start();
    expect((await raw(path, { method })).status).toBe(status);
  });

  it('refuse keys for encryption, which would not be used', async () => {
    const { raw } = await start();
    const headers = { 'x-goog-encryption-key': 'k' };
    expect((await raw(`/storage/v1/b/${BUCKET}/o/x`, { headers })).status).toBe(501);
  });

  it('of any kind are answered with no 500', async () => {
    const { emulator, raw } = await start();
    await raw(`/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=x`, { method: 'POST', body: 'hello' });
    const segment = fc.constantFrom(
      'storage',
      'v1',
      'b',
      BUCKET,
      'o',
      'x',
      'upload',
      'download',
      'compose',
      'copyTo',
      '',
      '%20',
      '..',
      '_emulator',
      'faults',
      'rewriteTo',
    );
    const pairs = fc.array(
      fc.tuple(
        fc.constantFrom(
          'name',
          'uploadType',
          'alt',
          'generation',
          'ifGenerationMatch',
          'pageToken',
          'maxResults',
          'upload_id',
          'project',
          'prefix',
          'rewriteToken',
          'maxBytesRewrittenPerCall',
        ),
        fc.oneof(
          fc.string({ maxLength: 6 }),
          fc.constantFrom('media', 'multipart', 'resumable', '0', '-1', '99999999999999999999'),
        ),
      ),
      { maxLength: 4 },
    );
    const request = fc.record({
      method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'),
      path: fc.array(segment, { maxLength: 10 }),
      query: pairs,
      body: fc.oneof(fc.json(), fc.string(), fc.constant('{}')),
      range: fc.constantFrom(undefined, 'bytes=0-1', 'bytes=-', 'bytes=9-1', 'bytes=99-'),
      contentRange: fc.constantFrom(undefined, 'bytes */*', 'bytes 0-1/9', 'x'),
      contentType: fc.constantFrom(undefined, 'application/json', 'multipart/related; boundary=b', 'multipart/related'),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, query, body, range, contentRange, contentType }) => {
        const given = { range, 'content-range': contentRange, 'content-type': contentType };
        const headers = Object.entries(given).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, value] as [string, string]],
        );
        const hasBody = method !== 'GET' && method !== 'HEAD';
        const url = `${emulator.url}/${path.join('/')}?${new URLSearchParams(query).toString()}`;
        const reply = await fetch(url, { method, headers, ...(hasBody ? { body } : {}) });
        await reply.arrayBuffer();
        expect([500, 502, 503]).not.toContain(reply.status);
      }),
      { numRuns: 500 },
    );
  }, 30_000);
});
