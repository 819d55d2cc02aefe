import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareNames } from '../../../../infra/emulators/storage/names.ts';
import { BUCKET, start } from './client.ts';
import type { GetFilesResponse } from './client.ts';

interface Listing {
  readonly items?: readonly { readonly name: string; readonly generation: string }[];
  readonly prefixes?: readonly string[];
  readonly nextPageToken?: string;
}

async function withNames(names: readonly string[]) {
  const emulated = await start();
  const put = (name: string) =>
    emulated.raw(`/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=${encodeURIComponent(name)}`, {
      method: 'POST',
      body: 'x',
    });
  for (const name of names) await put(name);
  const page = async (query: Record<string, string>) => {
    const reply = await emulated.raw(`/storage/v1/b/${BUCKET}/o?${new URLSearchParams(query).toString()}`);
    return (await reply.json()) as Listing;
  };
  /** Every page, joined; in the order they came. */
  const all = async (query: Record<string, string>) => {
    const items: string[] = [];
    const prefixes: string[] = [];
    for (let token: string | undefined = ''; token !== undefined;) {
      const found: Listing = await page({ ...query, pageToken: token });
      items.push(...(found.items ?? []).map(({ name }) => name));
      prefixes.push(...(found.prefixes ?? []));
      token = found.nextPageToken;
    }
    return { items, prefixes };
  };
  return { ...emulated, page, all, put };
}

const TREE = ['a', 'a/', 'a/b', 'a/c/d', 'a/c/e', 'b', 'b/x', 'c'];

describe('listings', () => {
  it.each([
    ['everything', {}, TREE, []],
    ['a prefix', { prefix: 'a/' }, ['a/', 'a/b', 'a/c/d', 'a/c/e'], []],
    ['one level', { delimiter: '/' }, ['a', 'b', 'c'], ['a/', 'b/']],
    ['one level below a prefix', { delimiter: '/', prefix: 'a/' }, ['a/', 'a/b'], ['a/c/']],
    ['a part of a name', { delimiter: '/', prefix: 'a/c' }, [], ['a/c/']],
    ['trailing delimiters', { delimiter: '/', includeTrailingDelimiter: 'true' }, ['a', 'a/', 'b', 'c'], ['a/', 'b/']],
    ['offsets', { startOffset: 'a/b', endOffset: 'b' }, ['a/b', 'a/c/d', 'a/c/e'], []],
    ['offsets below a prefix', { startOffset: 'a/c/e', prefix: 'a/' }, ['a/c/e'], []],
    ['a longer delimiter', { delimiter: '/c/' }, ['a', 'a/', 'a/b', 'b', 'b/x', 'c'], ['a/c/']],
    ['nothing', { prefix: 'zzz' }, [], []],
  ])('of %s are the same on pages of any size', async (_, query, items, prefixes) => {
    const { all } = await withNames(TREE);
    for (const maxResults of ['1', '2', '3', '1000']) {
      expect(await all({ ...(query as Record<string, string>), maxResults })).toEqual({ items, prefixes });
    }
  });

  it('count items and prefixes together on a page', async () => {
    const { page } = await withNames(TREE);
    const first = await page({ delimiter: '/', maxResults: '3' });
    expect([first.items?.map(({ name }) => name), first.prefixes]).toEqual([['a', 'b'], ['a/']]);
    expect(first.nextPageToken).toBeDefined();
  });

  it('go on after the last name seen though objects come and go between pages', async () => {
    const { page, bucket, put } = await withNames(['a', 'b', 'c', 'd']);
    const { nextPageToken = '' } = await page({ maxResults: '2' });
    await bucket.file('b').delete();
    await put('aa');
    await put('bb');
    expect((await page({ pageToken: nextPageToken })).items?.map(({ name }) => name)).toEqual(['bb', 'c', 'd']);
  });

  it('of versions go page by page through one name', async () => {
    const { bucket, put, all } = await withNames([]);
    await bucket.setMetadata({ versioning: { enabled: true } });
    for (const name of ['x', 'x', 'x', 'y']) await put(name);
    for (const maxResults of ['1', '2', '100']) {
      expect((await all({ versions: 'true', maxResults })).items).toEqual(['x', 'x', 'x', 'y']);
    }
  });

  it('are paged by the client', async () => {
    const names = Array.from({ length: 25 }, (_, index) => `n${String(index).padStart(3, '0')}`);
    const { bucket } = await withNames(names);
    const found: string[] = [];
    for (let pageToken: string | undefined = ''; pageToken !== undefined;) {
      const [files, next]: GetFilesResponse = await bucket.getFiles({ autoPaginate: false, maxResults: 7, pageToken });
      found.push(...files.map(({ name }) => name));
      pageToken = (next as { pageToken?: string } | null)?.pageToken;
    }
    expect(found).toEqual(names);
    await bucket.deleteFiles();
    expect((await bucket.getFiles())[0]).toEqual([]);
  });

  it('refuse a foreign page token, and what is not emulated', async () => {
    const { raw } = await start();
    expect((await raw(`/storage/v1/b/${BUCKET}/o?pageToken=xyz`)).status).toBe(400);
    expect((await raw(`/storage/v1/b/${BUCKET}/o?maxResults=0`)).status).toBe(400);
    expect((await raw(`/storage/v1/b/${BUCKET}/o?matchGlob=*`)).status).toBe(501);
    expect((await raw('/storage/v1/b/no-such-bucket/o')).status).toBe(404);
  });

  it('order names by their UTF-8 bytes', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'é', '\uffee', '𝒳', '🙂', '\ud7ff', '\ue000') });
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(Math.sign(compareNames(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});
