import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { newWorkspace } from './workspace.ts';
import type { Ran } from './workspace.ts';

const invalid = (message: string): string =>
  `"error":{"code":3,"status":"INVALID_ARGUMENT","message":${JSON.stringify(message)}}}`;

describe('a JSON lines file', () => {
  const noteOf = (size: number): string => 'n'.repeat(size);
  const content = Buffer.concat([
    Buffer.from('\uFEFF{"key":1,"x":1}\r\n\n  \t\r\n'),
    Buffer.from('{"key":"a'),
    Buffer.of(0xff),
    Buffer.from('","x":1}\n'),
    Buffer.from('{"key":2,"x":\n{"key":3,"x":"3"}\n{"key":4}\n{"key":5,"x":5,"z":1}\n{"key":6,"x":[6]}\n'),
    Buffer.from(`{"x":7}\n{"key":8,"x":8,"note":"${noteOf(300)}"}\n"text"\n`),
    Buffer.from('{"key":9007199254740993123,"x":1e39}\n{"key":"\\u0041\\/\\u00e9","x":-2}\n'),
    Buffer.from('{"key":{"a": [1,  2.50]},"x":NaN}\n{"key":[],"x":0.1}\n{"key":null,"x":2.5}'),
  ]);
  const unknownField =
    'field "z": found a field that is no input, expected the input "x": rename it to "x", leave it out (excludedFields), or make a list of the fields (instanceType array)';

  it('gives one line for each row: errors name field, found and expected; a BOM, CRLF, blank lines and a missing last newline are no rows', async () => {
    const workspace = newWorkspace();
    workspace.write('mixed.jsonl', content);
    const { code } = await workspace.fanfold(
      ...['run', 'mixed.jsonl', '--model', 'five', '--output', 'out.jsonl'],
      ...['--key-field', 'key', '--max-row-bytes', '200', '--workers', '1'],
    );
    expect(code).toBe(3);
    expect(workspace.lines('out.jsonl')).toEqual([
      '{"key":1,"prediction":5}',
      `{"key":null,${invalid('instance: found invalid UTF-8 at byte 9 of the record, expected UTF-8')}`,
      `{"key":2,${invalid('malformed JSON at byte 13 of the record: found its end, expected a value')}`,
      `{"key":3,${invalid('field "x": found "3", expected a number')}`,
      `{"key":4,${invalid('field "x": found no such field, expected a number')}`,
      `{"key":5,${invalid(unknownField)}`,
      `{"key":6,${invalid('field "x": found shape [1], expected a scalar')}`,
      `{"key":null,${invalid('field "key": found no such field, expected the instance key')}`,
      `{"key":null,${invalid('instance: found 326 bytes, expected at most 200 (maxRowBytes)')}`,
      `{"key":null,${invalid('instance: found "text", expected an object with the key field "key"')}`,
      `{"key":9007199254740993123,${invalid('field "x": found 1e39, expected a number in the range of float32')}`,
      '{"key":"\\u0041\\/\\u00e9","prediction":-10}',
      `{"key":{"a": [1,  2.50]},${invalid('malformed JSON at byte 29 of the record: found NaN, expected a value: write it as the string "NaN"')}`,
      '{"key":[],"prediction":0.5}',
      '{"key":null,"prediction":12.5}',
    ]);
    expect(workspace.lines('out.jsonl.errors_stats')).toHaveLength(11);
    expect(workspace.json('out.jsonl.manifest.json')).toMatchObject({
      counts: { rows: 15, successful: 4, failed: 11 },
    });
  });

  it('counts rows as lines that are not blank, where the row is the key', async () => {
    const workspace = newWorkspace();
    workspace.write('rows.jsonl', '\n1\n\n \r\n2\nthree\n4');
    const { code } = await workspace.fanfold(
      'run',
      'rows.jsonl',
      '--model',
      'five',
      '--output',
      'out.jsonl',
      '--row-keys',
    );
    expect(code).toBe(3);
    expect(workspace.lines('out.jsonl').map((line) => line.slice(0, 24))).toEqual([
      '{"key":0,"prediction":5}',
      '{"key":1,"prediction":10',
      '{"key":2,"error":{"code"',
      '{"key":3,"prediction":20',
    ]);
  });

  it('of other bytes altogether is nothing but failed rows: the job fails, and its output says why', async () => {
    const workspace = newWorkspace();
    // Every line begins with a byte that UTF-8 never has: by chance alone, one in a few thousand lines is a digit, and a sound instance.
    const line = (): Buffer =>
      Buffer.concat([Buffer.of(0xff), randomBytes(100).filter((byte) => byte !== 10), Buffer.of(10)]);
    workspace.write('noise.jsonl', Buffer.concat(Array.from({ length: 50 }, line)));
    const { code, stderr } = await workspace.fanfold('run', 'noise.jsonl', '--model', 'five', '--output', 'out.jsonl');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^failed: all \d+ rows failed/);
    expect(workspace.lines('out.jsonl').length).toBe(50);
  });
});

describe('a CSV file', () => {
  it('gives one line for each record: quoted newlines, CRLF, blank lines, ragged and broken records', async () => {
    const workspace = newWorkspace();
    const text =
      '\uFEFFkey,x,note\r\n1,1,plain\r\n\r\n"two\nlines",2,"say ""hi"", ok"\n3,3\n4,,x\n5,five,x\n6,6,a,b\n7,7,"open"x\n';
    const rest = Buffer.concat([Buffer.from('"'), Buffer.of(0xff), Buffer.from('",8,n\n9007199254740993,9,n')]);
    workspace.write('mixed.csv', Buffer.concat([Buffer.from(text), rest]));
    const { code } = await workspace.fanfold(
      ...['run', 'mixed.csv', '--model', 'five', '--output', 'out.jsonl', '--key-field', 'key'],
      ...['--excluded-fields', 'note'],
    );
    expect(code).toBe(3);
    expect(workspace.lines('out.jsonl')).toEqual([
      '{"key":1,"prediction":5}',
      '{"key":"two\\nlines","prediction":10}',
      `{"key":3,${invalid('instance: found 2 columns, expected 3 (key, x, note)')}`,
      `{"key":4,${invalid('field "x": found an empty cell, expected a number')}`,
      `{"key":5,${invalid('field "x": found "five", expected a number')}`,
      `{"key":6,${invalid('instance: found 4 columns, expected 3 (key, x, note)')}`,
      `{"key":7,${invalid('field "note": found text after the closing quote, expected a quoted cell to end with its closing quote')}`,
      `{"key":null,${invalid('instance: found invalid UTF-8 at byte 1 of the record, expected UTF-8')}`,
      '{"key":9007199254740993,"prediction":45}',
    ]);
  });

  it('whose last quote is never closed ends in one failed row', async () => {
    const workspace = newWorkspace();
    workspace.write('open.csv', 'key,x\n1,1\n2,"2\n3,3\n');
    const { code } = await workspace.fanfold(
      'run',
      'open.csv',
      '--model',
      'five',
      '--output',
      'out.jsonl',
      '--key-field',
      'key',
    );
    expect(code).toBe(3);
    expect(workspace.lines('out.jsonl')).toEqual([
      '{"key":1,"prediction":5}',
      `{"key":2,${invalid('field "x": found no closing quote, expected a quoted cell to end with its closing quote')}`,
    ]);
  });
});

describe('files without a row', () => {
  it.each(['empty.jsonl', 'empty.csv', 'header.csv', 'blank.jsonl', 'empty.jsonl.gz', 'none.jsonl.gz'])(
    '%s succeeds with no line',
    async (name) => {
      const workspace = newWorkspace();
      const contents: Record<string, string | Uint8Array> = {
        'header.csv': 'x\n',
        'blank.jsonl': '\n \n\r\n',
        'empty.jsonl.gz': gzipSync(''),
      };
      workspace.write(name, contents[name] ?? '');
      const { code } = await workspace.fanfold('run', name, '--model', 'five', '--output', 'out.jsonl');
      expect(code).toBe(0);
      expect(workspace.read('out.jsonl')).toBe('');
      expect(workspace.json('out.jsonl.manifest.json')).toMatchObject({
        counts: { rows: 0, successful: 0, failed: 0 },
      });
    },
  );
});

describe('what cannot be scored fails before any work, with one line that says why', () => {
  interface Case {
    readonly name: string;
    readonly files?: Readonly<Record<string, string | Uint8Array>>;
    readonly args: readonly string[];
    readonly message: RegExp;
  }
  const good = { 'a.jsonl': '1\n' };

  it.each<Case>([
    { name: 'a missing file', args: ['gone.jsonl', '--model', 'five'], message: /input gone\.jsonl: no such file$/ },
    {
      name: 'a folder',
      args: ['models', '--model', 'five'],
      message: /input models is a folder: name its files, for example "models\/\*\.jsonl"$/,
    },
    { name: 'a device', args: ['/dev/null', '--model', 'five'], message: /input \/dev\/null is no regular file/ },
    {
      name: 'a suffix that tells no format',
      files: { 'a.json': '1\n' },
      args: ['a.json', '--model', 'five'],
      message: /a\.json: the format cannot be told from its name: name it \.jsonl, \.ndjson, \.csv/,
    },
    {
      name: 'two formats',
      files: { 'a.jsonl': '1\n', 'b.csv': 'x\n1\n' },
      args: ['a.jsonl', 'b.csv', '--model', 'five'],
      message: /the inputs have several formats \(jsonl, csv\): a job has one/,
    },
    {
      name: 'gzip by name only',
      files: { 'a.jsonl.gz': '1\n' },
      args: ['a.jsonl.gz', '--model', 'five'],
      message: /a\.jsonl\.gz: named \.gz, but it holds no gzip data/,
    },
    {
      name: 'gzip cut off',
      files: { 'a.jsonl.gz': gzipSync('1\n2\n').subarray(0, -5) },
      args: ['a.jsonl.gz', '--model', 'five'],
      message: /a\.jsonl\.gz: unexpected end of file/,
    },
    {
      name: 'a CSV header without the key field',
      files: { 'a.csv': 'id,x\n1,2\n' },
      args: ['a.csv', '--model', 'five', '--key-field', 'key'],
      message: /no column "key"; its header has "id", "x"/,
    },
    {
      name: 'a model name that nobody knows',
      files: good,
      args: ['a.jsonl', '--model', 'six'],
      message: /no model six in .*models: there are five, pair$/,
    },
    {
      name: 'a model version that there is not',
      files: good,
      args: ['a.jsonl', '--model', 'five@3'],
      message: /model five has no version 3: there are 1, 2$/,
    },
    {
      name: 'a model folder that is not there',
      files: good,
      args: ['a.jsonl', '--model', './net'],
      message: /model \.\/net: no such folder/,
    },
    {
      name: 'a file as model',
      files: good,
      args: ['a.jsonl', '--model', 'a.jsonl'],
      message: /model a\.jsonl: a file: a model is a folder/,
    },
    {
      name: 'a folder without a model',
      files: { ...good, 'net/readme.md': 'hello' },
      args: ['a.jsonl', '--model', 'net'],
      message: /holds no model: found readme\.md; expected saved_model\.pb, model\.json/,
    },
    {
      name: 'a corrupt ONNX file',
      files: { ...good, 'net/model.onnx': randomBytes(300) },
      args: ['a.jsonl', '--model', 'net'],
      message: /net@1.*model\.onnx/,
    },
    {
      name: 'a corrupt TensorFlow.js model',
      files: { ...good, 'net/model.json': '{"format": "layers-model"' },
      args: ['a.jsonl', '--model', 'net'],
      message: /net@1: model\.json is not JSON/,
    },
    {
      name: 'a signature that the model has not',
      files: good,
      args: ['a.jsonl', '--model', 'five', '--signature', 'embed'],
      message: /model five@2 has no signature "embed"; it has serving_default/,
    },
  ])('$name', async ({ files = {}, args, message }) => {
    const workspace = newWorkspace();
    for (const [name, content] of Object.entries(files)) workspace.write(name, content);
    const { code, stdout, stderr }: Ran = await workspace.fanfold(
      'run',
      ...args,
      '--output',
      'out.jsonl',
      '--workers',
      '1',
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trimEnd()).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    for (const left of ['out.jsonl', 'out.jsonl.manifest.json', 'out.jsonl.fanfold'])
      expect(workspace.has(left)).toBe(false);
  });
});
