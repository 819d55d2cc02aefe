import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';

import { FANFOLD, newWorkspace, timesOnnx } from './workspace.ts';
import type { Workspace } from './workspace.ts';

const ROWS = 100_000;
const INPUT = Array.from({ length: ROWS }, (_, row) => `{"key":${row},"x":${row % 1000}}\n`).join('');
const OPTIONS = [
  '--model',
  'net',
  '--key-field',
  'key',
  '--output',
  'out.jsonl',
  '--workers',
  '1',
  '--batch-size',
  '1',
];

function resultsOf(workspace: Workspace): number {
  const file = workspace.path('out.jsonl.fanfold/ledger.db');
  if (!existsSync(file)) return 0;
  const database = new DatabaseSync(file, { readOnly: true, timeout: 1000 });
  try {
    return Number(database.prepare('SELECT count(*) AS count FROM results').get()?.['count']);
  } catch {
    return 0; // its tables are being made
  } finally {
    database.close();
  }
}

/** A run of 100 shards that is stopped by a signal when two of them are scored. */
async function interrupted(signal: 'SIGINT' | 'SIGKILL'): Promise<Workspace> {
  const workspace = newWorkspace();
  workspace.write('a.jsonl', INPUT);
  workspace.write('models/net/1/model.onnx', timesOnnx(5, ['N']));
  const args = [FANFOLD, 'run', 'a.jsonl', ...OPTIONS, '--max-items-per-batch', '1000'];
  const child = spawn(process.execPath, args, { cwd: workspace.folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exit = once(child, 'exit');
  while (child.exitCode === null && resultsOf(workspace) < 2) await new Promise((wake) => setTimeout(wake, 10));
  child.kill(signal);
  const [code] = (await exit) as [number | null];
  if (signal === 'SIGINT') {
    expect({ code, said }).toEqual({
      code: 130,
      said: 'interrupted: what is done is kept; the same command goes on from there\n',
    });
  }
  expect(workspace.has('out.jsonl')).toBe(false);
  return workspace;
}

const again = ['run', 'a.jsonl', ...OPTIONS, '--max-items-per-batch', '1000'];

describe('an interrupted run', () => {
  it('goes on where it stopped when the same command is given again', async () => {
    const workspace = await interrupted('SIGINT');
    const { code, stderr } = await workspace.fanfold(...again);
    expect(code).toBe(0);
    expect(Number(/^resuming: (\d+) rows are done already$/m.exec(stderr)?.[1])).toBeGreaterThanOrEqual(2000);
    const lines = workspace.lines('out.jsonl');
    expect(lines).toHaveLength(ROWS);
    expect(lines.every((line, row) => line === `{"key":${row},"prediction":${5 * (row % 1000)}}`)).toBe(true);
    expect(workspace.has('out.jsonl.fanfold')).toBe(false);
  });

  it('is not resumed with other options, another model or another input; the refusal lists what differs', async () => {
    const workspace = await interrupted('SIGKILL');
    workspace.write('a.jsonl', `${INPUT}{"key":"more","x":1}\n`);
    workspace.write('models/net/1/model.onnx', timesOnnx(7, ['N']));
    const { code, stderr } = await workspace.fanfold(...again, '--tolerated-failure-count', '3');
    expect(code).toBe(1);
    const size = Buffer.byteLength(INPUT);
    expect(stderr).toBe(
      [
        'fanfold: out.jsonl belongs to an unfinished run of another job; since then:',
        '  - the files of model net@1 have changed',
        `  - input ${workspace.path('a.jsonl')} has changed (${size + 21} bytes, was ${size})`,
        '  - toleratedFailureCount is 3; it was unset',
        'Undo that to resume it, or start over with --force.\n',
      ].join('\n'),
    );
  });

  it('started over with --force, keeps nothing of what it had scored', async () => {
    const workspace = await interrupted('SIGKILL');
    workspace.write('models/net/1/model.onnx', timesOnnx(7, ['N']));
    const { code } = await workspace.fanfold(...again, '--force');
    expect(code).toBe(0);
    const lines = workspace.lines('out.jsonl');
    expect(lines).toHaveLength(ROWS);
    expect(lines.every((line, row) => line === `{"key":${row},"prediction":${7 * (row % 1000)}}`)).toBe(true);
  });
});
