import { describe, expect, it } from 'vitest';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';

import { MemoryObjectStore } from '../../infra/memory/object-store.ts';
import { PermanentError } from '../../shared/errors.ts';
import type { DeclaredFormat } from '../../shared/formats/format.ts';
import { pinInput, unpacked } from '../../shared/input.ts';
import type { Input } from '../../shared/shard.ts';
import { bytesOf, npyFile, zipFile } from './formats/array-files.ts';
import { framed } from './formats/tf-records.ts';

async function pin(name: string, content: Uint8Array | string, format?: DeclaredFormat): Promise<Input> {
  const objects = new MemoryObjectStore({ chunkBytes: 5 });
  await objects.create('b', name, Buffer.from(content));
  return pinInput(objects, 'b', name, format);
}

const lines = '{"x":1}\n';
const rows = bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6));

describe('an input is pinned', () => {
  it.each([
    { name: 'a.jsonl', content: lines, expected: { format: 'jsonl', compression: 'none' } },
    { name: 'a.jsonl.gz', content: gzipSync(lines), expected: { format: 'jsonl', compression: 'gzip' } },
    { name: 'a.jsonl', content: gzipSync(lines), expected: { format: 'jsonl', compression: 'gzip' } },
    { name: 'a.jsonl.zst', content: zstdCompressSync(lines), expected: { format: 'jsonl', compression: 'zstd' } },
    {
      name: 'a.csv',
      content: zstdCompressSync('x\n1\n'),
      expected: { compression: 'zstd', columns: ['x'], headerBytes: 2 },
    },
    { name: 'a.csv.zlib', content: deflateSync('x\n1\n'), expected: { compression: 'zlib', columns: ['x'] } },
    { name: 'x', content: 'x^\n1\n', format: 'csv', expected: { compression: 'none', columns: ['x^'] } },
    { name: 'a.jsonl.gz', content: '', expected: { format: 'jsonl', compression: 'none', size: 0 } },
    { name: 'a.tfrecord', content: framed(Buffer.from('a')), expected: { format: 'tf-record', compression: 'none' } },
    { name: 'a.tfrecord', content: gzipSync(framed(Buffer.from('a'))), expected: { compression: 'gzip' } },
    { name: 'a.tfrecords.gz', content: deflateSync(framed(Buffer.from('a'))), expected: { compression: 'zlib' } },
    {
      name: 'a',
      content: deflateSync(framed(Buffer.from('a'))),
      format: 'tf-record-gzip',
      expected: { format: 'tf-record', compression: 'zlib' },
    },
    // The lengths of these records begin as gzip and zlib data do.
    { name: 'a.tfrecord', content: framed(Buffer.alloc(0x08_8b_1f)), expected: { compression: 'none' } },
    { name: 'a.tfrecord', content: framed(Buffer.alloc(0x9c_78)), expected: { compression: 'none' } },
    { name: 'a.txt', content: '\uFEFFa.jpg\n', expected: { format: 'file-list', headerBytes: 3 } },
    {
      name: 'a.npy',
      content: npyFile('<f4', [3, 2], rows),
      expected: { format: 'npy', layout: { element: '<f4', shape: [2], bytes: 8, rows: 3 }, headerBytes: 128 },
    },
    {
      name: 'a.npy',
      content: npyFile('<f4', [3, 2], rows, { fortran: true }),
      expected: { format: 'jsonl', table: { format: 'npy', units: 1 } },
    },
    {
      name: 'a.npz',
      content: zipFile([{ name: 'x.npy', content: npyFile('<f4', [3, 2], rows) }]),
      expected: { format: 'jsonl', table: { format: 'npz', units: 1 } },
    },
  ] as const)('$name ($expected)', async ({ expected, name, content, ...rest }) => {
    expect(await pin(name, content, 'format' in rest ? rest.format : undefined)).toMatchObject(expected);
  });

  it.each([
    { name: 'a.jsonl.gz', content: lines, expected: 'named .gz, but it holds no gzip data' },
    { name: 'a.jsonl.zst', content: gzipSync(lines), expected: 'named .zst, but it holds no zstd data' },
    { name: 'a.csv.zlib', content: 'x\n1\n', expected: 'named .zlib, but it holds no zlib data' },
    { name: 'a.jsonl.gz', content: gzipSync(lines).subarray(0, 9), expected: 'unexpected end of file' },
    {
      name: 'a.jsonl.zst',
      content: Buffer.concat([Buffer.from('28b52ffd', 'hex'), Buffer.alloc(20, 255)]),
      expected: 'input b/a.jsonl.zst: ',
    },
    {
      name: 'a',
      content: framed(Buffer.from('a')),
      format: 'tf-record-gzip',
      expected: 'holds neither gzip nor zlib data',
    },
    {
      name: 'a.npy.gz',
      content: gzipSync(npyFile('<f4', [6], rows)),
      format: 'npy',
      expected: 'npy cannot be read packed',
    },
    { name: 'a.parquet.zst', content: 'PAR1', format: 'parquet', expected: 'parquet cannot be read packed' },
    { name: 'a.npy', content: npyFile('<f4', [7], rows), expected: 'the file is cut off' },
    { name: 'a.npy', content: npyFile('<f4', [2, 4], rows, { fortran: true }), expected: 'the file is cut off' },
    { name: 'a', content: '', format: 'bigquery', expected: 'a table of BigQuery is no file' },
    { name: 'a.json', content: lines, expected: 'the format cannot be told from its name: name it .jsonl' },
    { name: 'a.json.zlib', content: lines, expected: '(text and TFRecords also .gz, .zst, .zlib)' },
  ] as const)('or refused, saying what is wrong: $name ($expected)', async ({ name, content, expected, ...rest }) => {
    const pinned = pin(name, content, 'format' in rest ? rest.format : undefined);
    await expect(pinned).rejects.toBeInstanceOf(PermanentError);
    await expect(pinned).rejects.toThrow(expected);
  });
});

it('packed data that breaks later is DATA_LOSS, naming the input', async () => {
  const objects = new MemoryObjectStore({ chunkBytes: 50 });
  const packed = zstdCompressSync(Buffer.from(Array.from({ length: 5000 }, (_, row) => `${row * row}\n`).join('')));
  await objects.create('b', 'a.jsonl.zst', packed.subarray(0, -20));
  const object = await objects.stat('b', 'a.jsonl.zst');
  if (object === undefined) throw new Error('no object');
  const input: Input = { ...object, format: 'jsonl', compression: 'zstd', headerBytes: 0 };
  const read = async (): Promise<void> => {
    for await (const chunk of unpacked(objects, input)) expect(chunk.length).toBeGreaterThan(0);
  };
  await expect(read()).rejects.toMatchObject({
    status: 'DATA_LOSS',
    message: 'input b/a.jsonl.zst: the zstd data is broken: unexpected end of file',
  });
});
