import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, it } from 'vitest';

import { framed } from '../shared/formats/tf-records.ts';
import { newWorkspace } from './workspace.ts';

const LINES = Array.from({ length: 500 }, (_, row) => `${row / 8}\n`).join('');
const RECORDS = framed(...Array.from({ length: 500 }, () => 'no example'));

it.each([
  { name: 'in.jsonl', content: LINES, expected: { splits: 1 } },
  { name: 'in.jsonl.gz', content: gzipSync(LINES), expected: { splits: 1, staged: true, sequenceBytes: LINES.length } },
  { name: 'in.jsonl.zst', content: zstdCompressSync(LINES), expected: { staged: true, sequenceBytes: LINES.length } },
  { name: 'in.tfrecord', content: RECORDS, expected: { sequenceBytes: RECORDS.length } },
])('fanfold estimate counts the rows of $name, and knows how it is read', async ({ name, content, expected }) => {
  const workspace = newWorkspace();
  workspace.write(name, content);
  const ran = await workspace.fanfold('estimate', name, '--model', 'five', '--format', 'json');
  expect(ran.code, ran.stderr).toBe(0);
  expect(JSON.parse(ran.stdout)).toMatchObject({ rows: 500, ...expected });
});

it('fanfold estimate takes further files to be like the first, by their size', async () => {
  const workspace = newWorkspace();
  for (const name of ['a.jsonl.gz', 'b.jsonl.gz']) workspace.write(name, gzipSync(LINES));
  const ran = await workspace.fanfold('estimate', '*.jsonl.gz', '--model', 'five', '--format', 'json');
  expect(ran.code, ran.stderr).toBe(0);
  expect(JSON.parse(ran.stdout)).toMatchObject({ rows: 1000, splits: 2, sequenceBytes: LINES.length });
});
