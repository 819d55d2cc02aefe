import { parquetWriteBuffer } from 'hyparquet-writer';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { bytesOf, npyFile, zipFile } from '../shared/formats/array-files.ts';
import { example, floats, framed, ints } from '../shared/formats/tf-records.ts';
import { makeOnnx } from '../shared/models/onnx-maker.ts';
import { newWorkspace } from './workspace.ts';

const ROWS = 1000;
const xs = Float32Array.from({ length: ROWS }, (_, row) => row / 4);
const keys = BigInt64Array.from({ length: ROWS }, (_, row) => 9007199254740992n + BigInt(row));
const lines = Array.from(keys, (key, row) => `{"key":${key},"x":${row / 4}}\n`).join('');
const expected = Array.from(keys, (key, row) => `{"key":${key},"prediction":${(5 * row) / 4}}`);
const x = npyFile('<f4', [ROWS], bytesOf(xs));
const key = npyFile('<i8', [ROWS], bytesOf(keys));

function examples(): Buffer {
  return framed(...Array.from(xs, (value, row) => example({ key: ints(keys[row] ?? 0n), x: floats(value) })));
}

function parquet(): Buffer {
  const columnData = [
    { name: 'key', data: keys, type: 'INT64' as const },
    { name: 'x', data: xs, type: 'FLOAT' as const },
  ];
  return Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 300 }));
}

describe('fanfold run', () => {
  it.each([
    { name: 'in.jsonl.zst', content: zstdCompressSync(lines) },
    { name: 'in.tfrecord', content: examples() },
    { name: 'in.tfrecord.gz', content: gzipSync(examples()) },
    { name: 'in.parquet', content: parquet() },
    {
      name: 'in.npz',
      content: zipFile([
        { name: 'key.npy', content: key, deflate: true },
        { name: 'x.npy', content: x, deflate: true },
      ]),
    },
  ])('knows the format of $name by its suffix, and keeps keys and order', async ({ name, content }) => {
    const workspace = newWorkspace();
    workspace.write(name, content);
    const options = ['--key-field', 'key', '--workers', '1', '--max-items-per-batch', '300'];
    const ran = await workspace.fanfold('run', name, '--model', 'five', '--output', 'out.jsonl', ...options);
    expect(ran).toMatchObject({ code: 0 });
    expect(workspace.lines('out.jsonl')).toEqual(expected);
  });

  it('scores the rows of an array, and tells how it was read', async () => {
    const workspace = newWorkspace();
    workspace.write('in.npy', x);
    const options = ['--row-keys', '--workers', '1', '--max-items-per-batch', '300'];
    const ran = await workspace.fanfold('run', 'in.npy', '--model', 'five', '--output', 'out.jsonl', ...options);
    expect(ran).toMatchObject({ code: 0 });
    expect(workspace.lines('out.jsonl')).toEqual(
      Array.from(xs, (value, row) => `{"key":${row},"prediction":${5 * value}}`),
    );
    expect(workspace.json('out.jsonl.manifest.json')).toMatchObject({
      job: { inputConfig: { instancesFormat: 'npy' } },
      counts: { rows: ROWS },
    });
  });

  it('gives the model the bytes of the files that a list names, relative to the list', async () => {
    const workspace = newWorkspace();
    const value = (name: 'x' | 'y') => ({ name, type: 'string' as const, shape: ['N'] });
    const echo = makeOnnx({
      nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
      inputs: [value('x')],
      outputs: [value('y')],
    });
    workspace.write('models/echo/1/model.onnx', echo);
    workspace.write('data/a.bin', 'aaa');
    workspace.write('data/sub/b.bin', 'bbb');
    workspace.write('c.bin', 'ccc');
    const absolute = workspace.path('c.bin');
    const list = `a.bin\n\nsub/b.bin\ngone.bin\n${absolute}\nfile://${absolute}\n../c.bin\nhttps://example.com/x\n`;
    for (const [name, content] of [
      ['data/list.txt', list],
      ['data/list.txt.gz', gzipSync(list)],
    ] as const) {
      workspace.write(name, content);
      const options = ['--key-field', 'uri', '--workers', '1', '--max-items-per-batch', '2', '--force'];
      const ran = await workspace.fanfold('run', name, '--model', 'echo', '--output', 'out.jsonl', ...options);
      expect(ran).toMatchObject({ code: 3 });
      const found = workspace.lines('out.jsonl').map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(found).toMatchObject([
        { key: 'a.bin', prediction: 'aaa' },
        { key: 'sub/b.bin', prediction: 'bbb' },
        { key: 'gone.bin', error: { status: 'NOT_FOUND', message: 'file-list: gone.bin: no such object' } },
        { key: absolute, prediction: 'ccc' },
        { key: `file://${absolute}`, prediction: 'ccc' },
        { key: '../c.bin', prediction: 'ccc' },
        { key: 'https://example.com/x', error: { status: 'INVALID_ARGUMENT' } },
      ]);
    }
  });

  it('takes what the files hold from --instances-format, where their names do not say it', async () => {
    const workspace = newWorkspace();
    workspace.write('in.data', gzipSync(examples()));
    const options = ['--instances-format', 'tf-record-gzip', '--key-field', 'key', '--workers', '1'];
    const ran = await workspace.fanfold('run', 'in.data', '--model', 'five', '--output', 'out.jsonl', ...options);
    expect(ran).toMatchObject({ code: 0 });
    expect(workspace.lines('out.jsonl')).toEqual(expected);
  });

  it('refuses an array that is cut off before any work is done', async () => {
    const workspace = newWorkspace();
    workspace.write('in.npy', x.subarray(0, -1));
    const ran = await workspace.fanfold('run', 'in.npy', '--model', 'five', '--output', 'out.jsonl');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/in\.npy: npy: found \d+ bytes where header and data make \d+: the file is cut off/);
    expect(workspace.has('out.jsonl')).toBe(false);
  });
});

it.each([
  { name: 'in.npy', content: x, rows: ROWS },
  // Four row groups like the first.
  { name: 'in.parquet', content: parquet(), rows: 1200 },
])('fanfold estimate measures $name', async ({ name, content, rows }) => {
  const workspace = newWorkspace();
  workspace.write(name, content);
  const ran = await workspace.fanfold('estimate', name, '--model', 'five', '--format', 'json');
  expect(ran).toMatchObject({ code: 0 });
  expect(JSON.parse(ran.stdout)).toMatchObject({ rows });
});
