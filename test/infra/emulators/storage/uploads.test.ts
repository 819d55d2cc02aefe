import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundaryOf, parseMultipart } from '../../../../infra/emulators/storage/multipart.ts';
import { BUCKET, failure, noise, start } from './client.ts';

const UPLOAD = `/upload/storage/v1/b/${BUCKET}/o`;
const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('base64');

describe('uploads in one request', () => {
  it('keep the bytes and the metadata, and answer with the object resource', async () => {
    const { bucket, emulator } = await start();
    const bytes = noise(300_000);
    const file = bucket.file('folder/data.bin');
    await file.save(bytes, {
      resumable: false,
      metadata: { contentType: 'application/x-noise', cacheControl: 'no-cache', metadata: { shard: '7' } },
    });
    expect((await file.download())[0].equals(bytes)).toBe(true);
    const [metadata] = await file.getMetadata();
    expect(metadata).toMatchObject({
      kind: 'storage#object',
      bucket: BUCKET,
      name: 'folder/data.bin',
      size: '300000',
      md5Hash: md5(bytes),
      metageneration: '1',
      contentType: 'application/x-noise',
      cacheControl: 'no-cache',
      metadata: { shard: '7' },
      storageClass: 'STANDARD',
      selfLink: `${emulator.url}/storage/v1/b/${BUCKET}/o/folder%2Fdata.bin`,
    });
    expect(metadata.id).toBe(`${BUCKET}/folder/data.bin/${metadata.generation}`);
  });

  it('may be empty', async () => {
    const { bucket } = await start();
    await bucket.file('empty').save('', { resumable: false });
    expect((await bucket.file('empty').download())[0]).toHaveLength(0);
    expect((await bucket.file('empty').getMetadata())[0]).toMatchObject({ size: '0', crc32c: 'AAAAAA==' });
  });

  it('take the name and type of a media upload from the URL and its header', async () => {
    const { raw, bucket } = await start();
    const url = `${UPLOAD}?uploadType=media&name=a%2Fb`;
    const reply = await raw(url, { method: 'POST', body: 'hello', headers: { 'content-type': 'text/x' } });
    expect(await reply.json()).toMatchObject({ name: 'a/b', contentType: 'text/x', size: '5' });
    expect((await bucket.file('a/b').download())[0].toString()).toBe('hello');
  });

  it.each([
    ['a crc32c in the header', { 'x-goog-hash': 'crc32c=AAAAAA==' }],
    ['an md5 in the header', { 'x-goog-hash': `crc32c=mnG7TA==,md5=${md5(Buffer.from('other'))}` }],
  ])('refuse bytes that do not have %s, and keep nothing', async (_, headers) => {
    const { raw, bucket } = await start();
    const reply = await raw(`${UPLOAD}?uploadType=media&name=x`, { method: 'POST', body: 'hello', headers });
    expect(await reply.json()).toMatchObject({ error: { code: 400, errors: [{ reason: 'invalid' }] } });
    expect(await bucket.file('x').exists()).toEqual([false]);
  });

  it('verify the checksums that the metadata declares', async () => {
    const { bucket } = await start();
    const bytes = Buffer.from('hello');
    const right = { resumable: false, validation: false, metadata: { md5Hash: md5(bytes), crc32c: 'mnG7TA==' } };
    await bucket.file('right').save(bytes, right);
    const wrong = { resumable: false, validation: false, metadata: { md5Hash: md5(Buffer.from('hullo')) } };
    const problem = await failure(bucket.file('wrong').save(bytes, wrong));
    expect(problem).toMatchObject({ code: 400 });
    expect(problem.message).toContain('MD5');
  });

  const names = [
    'a/b c+ü%.txt',
    '?',
    '#',
    'a&b=c',
    '%2F',
    '日本/𝒳/🙂',
    '..a',
    'x/../y',
    ' ',
    '"quoted"',
    'a//b',
    'a:b',
    '/',
    'tab\t',
  ];
  it.each(names)('keep the name %j, in every way to ask for it', async (name) => {
    const { bucket, raw } = await start();
    for (const resumable of [false, true]) {
      await bucket.file(name).save(`of ${name}`, { resumable });
      expect((await bucket.file(name).download())[0].toString()).toBe(`of ${name}`);
      expect((await bucket.getFiles({ prefix: name }))[0].map((file) => file.name)).toEqual([name]);
    }
    const xml = await raw(`/${BUCKET}/${encodeURIComponent(name)}`);
    expect(await xml.text()).toBe(`of ${name}`);
    await bucket.file(name).copy(bucket.file(`copy of ${name}`));
    await bucket.file(name).delete();
    expect(await bucket.file(name).exists()).toEqual([false]);
    expect(await bucket.file(`copy of ${name}`).exists()).toEqual([true]);
  });

  it.each(['.', '..', 'a\nb', 'a\rb', 'é'.repeat(513), '.well-known/acme-challenge/x'])(
    'refuse the name %j',
    async (name) => {
      const { raw } = await start();
      for (const type of ['media', 'resumable']) {
        const url = `${UPLOAD}?uploadType=${type}&name=${encodeURIComponent(name)}`;
        expect((await raw(url, { method: 'POST', body: type === 'media' ? 'x' : '{}' })).status).toBe(400);
      }
    },
  );

  it('refuse what is too large, and stay within the total', async () => {
    const { bucket } = await start({ maxObjectBytes: 1000, maxTotalBytes: 1500 });
    expect(await failure(bucket.file('a').save(noise(1001), { resumable: false }))).toMatchObject({ code: 413 });
    await bucket.file('b').save(noise(1000), { resumable: false });
    expect(await failure(bucket.file('c').save(noise(600), { resumable: false }))).toMatchObject({ code: 507 });
    await bucket.file('b').delete();
    await bucket.file('c').save(noise(600), { resumable: false });
  });
});

describe('multipart bodies', () => {
  const build = (metadata: string, media: Buffer, boundary: string) =>
    Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Type: application/json\r\n\r\n${metadata}\r\n`),
      Buffer.from(`--${boundary}\r\ncontent-type:text/x\r\n\r\n`),
      media,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);

  async function* pieces(bytes: Buffer, sizes: readonly number[]) {
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1;
      yield await Promise.resolve(bytes.subarray(at, at + size));
      at += size;
    }
  }

  async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer[]> {
    const all: Buffer[] = [];
    for await (const piece of pieces) all.push(Buffer.from(piece));
    return all;
  }

  async function parse(body: AsyncIterable<Buffer>, boundary: string) {
    const { metadata, mediaType, media } = await parseMultipart(body, boundary);
    return { metadata, mediaType, media: Buffer.concat(await collect(media)) };
  }

  it('come apart the same however they are cut, even where the media looks like a boundary', async () => {
    const tricky = fc.array(fc.constantFrom('\r\n', '--', 'bound', '\r', '\n', '-', 'x', '\r\n--boun'), {
      maxLength: 20,
    });
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(tricky, sizes, async (parts, cuts) => {
        const media = Buffer.from(parts.join('').replaceAll('--bound', '--baund'));
        const found = await parse(pieces(build('{"name":"x"}', media, 'bound'), cuts), 'bound');
        expect(found).toEqual({ metadata: '{"name":"x"}', mediaType: 'text/x', media });
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['no boundary', 'hello'],
    ['an end before the parts', '--b--'],
    ['one part', '--b\r\n\r\n{}\r\n--b--'],
    ['three parts', '--b\r\n\r\n{}\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--'],
    ['no end', '--b\r\n\r\n{}\r\n--b\r\n\r\nx'],
    ['headers without an end', '--b\r\nA: b\r\n'],
    ['metadata that is no JSON', '--b\r\n\r\n{\r\n--b\r\n\r\nx\r\n--b--'],
    ['metadata that is no object', '--b\r\n\r\n[]\r\n--b\r\n\r\nx\r\n--b--'],
    ['nothing', ''],
  ])('with %s are refused', async (_, body) => {
    const { raw } = await start();
    const headers = { 'content-type': 'multipart/related; boundary=b' };
    const reply = await raw(`${UPLOAD}?uploadType=multipart&name=x`, { method: 'POST', body, headers });
    expect(reply.status).toBe(400);
  });

  it('with endless metadata are refused without holding it', async () => {
    const body = pieces(Buffer.from(`--b\r\n\r\n${' '.repeat(3 * 1024 * 1024)}`), [65536]);
    await expect(parse(body, 'b')).rejects.toMatchObject({ status: 413 });
  });

  it.each([
    ['multipart/related; boundary=abc', 'abc'],
    ['multipart/related; boundary="a b=c"; x=y', 'a b=c'],
    ['multipart/related; type=x; boundary=abc', 'abc'],
    ['Multipart/Related;boundary=abc', 'abc'],
  ])('have their boundary read from %s', (header, expected) => {
    expect(boundaryOf(header)).toBe(expected);
  });
});
