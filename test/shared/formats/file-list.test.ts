import { describe, expect, it } from 'vitest';

import { MemoryObjectStore } from '../../../infra/memory/object-store.ts';
import { PermanentError } from '../../../shared/errors.ts';
import { readObjectFor, resolveUri } from '../../../shared/formats/file-list-objects.ts';
import { fileList } from '../../../shared/formats/file-list.ts';
import type { ReadObject, RowBatch } from '../../../shared/formats/format.ts';
import type { TensorSpec } from '../../../shared/tensor.ts';
import { decodeAll, decodeRows, signature, spec } from './helpers.ts';

const BYTES = spec('image', 'string', [null]);

async function fetched(content: string, read: ReadObject, input: TensorSpec = BYTES): Promise<RowBatch> {
  const [batch] = decodeAll('file-list', content, { signature: signature(input) });
  if (batch === undefined || fileList.fetch === undefined) throw new Error('no batch');
  return fileList.fetch(batch, read);
}

const contents: ReadObject = (uri) =>
  uri.includes('gone')
    ? Promise.reject(new PermanentError('NOT_FOUND', `${uri}: no such object`))
    : Promise.resolve(Buffer.from(`<${uri}>`));

describe('a file list', () => {
  it('has a row for each line that is not blank, labelled by its URI', () => {
    const rows = decodeRows('file-list', 'a.jpg\r\n\n  gs://b/é "x".jpg \n\t\nc', { signature: signature(BYTES) });
    expect(rows).toEqual([
      { label: '"a.jpg"', inputs: { image: { shape: [], data: ['a.jpg'] } } },
      { label: '"gs://b/é \\"x\\".jpg"', inputs: { image: { shape: [], data: ['gs://b/é "x".jpg'] } } },
      { label: '"c"', inputs: { image: { shape: [], data: ['c'] } } },
    ]);
  });

  it('has the URI as the key, under any name, and no label where the row is the key', () => {
    const options = { signature: signature(BYTES) };
    const labels = (instanceConfig: object): string[] =>
      decodeRows('file-list', 'a\nb\n', { ...options, instanceConfig }).map(({ label }) => label);
    expect(labels({ keyField: 'uri' })).toEqual(['"a"', '"b"']);
    expect(labels({ rowKeys: true })).toEqual(['', '']);
  });

  it('takes an input whose rows have dimensions of 1', async () => {
    const batch = await fetched('a\nb\n', contents, spec('image', 'string', [null, 1]));
    expect(batch.groups).toEqual([
      {
        rows: Int32Array.of(0, 1),
        inputs: { image: { dtype: 'string', shape: [2, 1], data: [Buffer.from('<a>'), Buffer.from('<b>')] } },
      },
    ]);
    expect(Buffer.from(batch.labels).toString('utf8', batch.labelStarts[1], batch.labelEnds[1])).toBe('"b"');
  });

  it('makes a row an error where the line is no text, or the model takes no bytes', () => {
    const bytes = Buffer.concat([Buffer.from('a\n'), Buffer.of(0xff, 0x0a), Buffer.from('b\0c\n')]);
    const rows = decodeRows('file-list', bytes, { signature: signature(BYTES) });
    expect(rows.map(({ error }) => error)).toEqual([
      undefined,
      'file-list: found invalid UTF-8, expected a URI',
      'file-list: found a NUL in the line, expected a URI',
    ]);
    const fields = { instanceConfig: { includedFields: ['image'] } };
    const [chosen] = decodeRows('file-list', 'a', { signature: signature(BYTES), ...fields });
    expect(chosen?.error).toBe('instance: found "a", expected an object');
    const [row] = decodeRows('file-list', 'a', { signature: signature(spec('x', 'float32', [null])) });
    expect(row?.error).toBe('instance: found "a", expected a number');
  });

  it("replaces URIs by what they name; what cannot be had is that row's error", async () => {
    const batch = await fetched('a\ngone\nb\n', contents);
    expect(batch.rowCount).toBe(3);
    expect(batch.groups).toEqual([
      {
        rows: Int32Array.of(0, 2),
        inputs: { image: { dtype: 'string', shape: [2], data: [Buffer.from('<a>'), Buffer.from('<b>')] } },
      },
    ]);
    expect([...batch.errors]).toEqual([[1, { code: 5, status: 'NOT_FOUND', message: 'gone: no such object' }]]);
  });

  it('keeps rows apart where the input has no batch dimension', async () => {
    const batch = await fetched('a\ngone\nb\n', contents, spec('image', 'string', []));
    expect(batch.groups.map(({ rows, inputs }) => [[...rows], inputs['image']?.shape])).toEqual([
      [[0], []],
      [[2], []],
    ]);
  });

  it('fails as a whole where another attempt may help', async () => {
    await expect(fetched('a\n', () => Promise.reject(new Error('the store is away')))).rejects.toThrow('away');
  });

  it('reads a few objects at a time', async () => {
    let under = 0;
    let most = 0;
    const batch = await fetched(Array.from({ length: 40 }, (_, index) => `f${index}\n`).join(''), async (uri) => {
      most = Math.max(most, ++under);
      await new Promise((wake) => setImmediate(wake));
      under--;
      return Buffer.from(uri);
    });
    expect(most).toBeLessThanOrEqual(8);
    expect(batch.groups[0]?.inputs['image']?.data).toHaveLength(40);
  });
});

describe('a URI in a list', () => {
  const cloud = { bucket: 'b', name: 'm/lists/today.txt' };
  const local = { bucket: '/', name: 'data/list.txt' };
  it.each([
    { uri: 'gs://other/x/y.jpg', list: cloud, expected: { bucket: 'other', name: 'x/y.jpg' } },
    { uri: 'y.jpg', list: cloud, expected: { bucket: 'b', name: 'm/lists/y.jpg' } },
    { uri: './x/./y.jpg', list: cloud, expected: { bucket: 'b', name: 'm/lists/x/y.jpg' } },
    { uri: '../y.jpg', list: cloud, expected: { bucket: 'b', name: 'm/y.jpg' } },
    { uri: 'a:b.jpg', list: cloud, expected: { bucket: 'b', name: 'm/lists/a:b.jpg' } },
    { uri: 'y.jpg', list: { bucket: 'b', name: 'list.txt' }, expected: { bucket: 'b', name: 'y.jpg' } },
    { uri: '/img/y.jpg', list: local, expected: { bucket: '/', name: 'img/y.jpg' } },
    { uri: 'y.jpg', list: local, expected: { bucket: '/', name: 'data/y.jpg' } },
    { uri: '../y.jpg', list: local, expected: { bucket: '/', name: 'y.jpg' } },
    { uri: 'file:///img/a%20b.jpg', list: local, expected: { bucket: '/', name: 'img/a b.jpg' } },
    { uri: 'gs://b/y.jpg', list: local, expected: { bucket: 'b', name: 'y.jpg' } },
  ])('names an object: $uri', ({ uri, list, expected }) => {
    expect(resolveUri(uri, list)).toEqual(expected);
  });

  it.each([
    { uri: '../../../y.jpg', list: cloud, expected: 'found .. that leads out of the bucket' },
    { uri: '/etc/passwd', list: cloud, expected: 'the list is in bucket b' },
    { uri: 'file:///etc/passwd', list: cloud, expected: 'found a file: URI' },
    { uri: 'https://example.com/y.jpg', list: cloud, expected: 'found a https: URI' },
    { uri: 'http://169.254.169.254/x', list: local, expected: 'found a http: URI' },
    { uri: 'gs://b', list: cloud, expected: 'expected gs://bucket/name' },
    { uri: 'gs:///y', list: cloud, expected: 'expected gs://bucket/name' },
    { uri: 'file://host/y', list: local, expected: 'expected file:///path' },
    { uri: 'file:///%zz', list: local, expected: 'found a broken percent escape' },
  ])('is refused: $uri', ({ uri, list, expected }) => {
    expect(() => resolveUri(uri, list)).toThrow(PermanentError);
    expect(() => resolveUri(uri, list)).toThrow(expected);
  });

  it('is read whole, within the limit', async () => {
    const objects = new MemoryObjectStore({ chunkBytes: 3 });
    await objects.create('b', 'm/x.jpg', Buffer.from('0123456789'));
    const list = { bucket: 'b', name: 'm/list.txt' };
    expect(Buffer.from(await readObjectFor(objects, list, 10)('x.jpg')).toString()).toBe('0123456789');
    await expect(readObjectFor(objects, list, 9)('x.jpg')).rejects.toThrow(
      'file-list: x.jpg: found 10 bytes, expected at most 9 (maxRowBytes)',
    );
    await expect(readObjectFor(objects, list, 9)('y.jpg')).rejects.toThrow('file-list: y.jpg: no such object');
  });
});
