import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { FANFOLD, newWorkspace, ROOT, run } from './workspace.ts';

const JOB_OPTIONS = [
  '--instances-format',
  '--predictions-format',
  '--key-field',
  '--row-keys',
  '--included-fields',
  '--excluded-fields',
  '--instance-type',
  '--signature',
  '--batch-size',
  '--max-items-per-batch',
  '--max-input-bytes-per-batch',
  '--max-row-bytes',
  '--tolerated-failure-percentage',
  '--tolerated-failure-count',
];

/** Every command with what its help must tell. */
const COMMANDS: readonly (readonly [command: string, options: readonly string[]])[] = [
  ['', ['run', 'dev', 'predict', 'estimate', 'jobs', 'models', '--version']],
  ['run', ['--model', '--models', '--output', '--workers', '--force', '--format', ...JOB_OPTIONS]],
  ['dev', ['--workers', 'input/', 'models/', 'output/', 'fanfold.json']],
  ['jobs list', ['--state', '--filter', '--limit', '--format']],
  ['jobs describe', ['--state', '--format']],
  ['jobs watch', ['--state', '--format']],
  ['jobs cancel', ['--state', '--format']],
  ['jobs redrive', ['--state', '--model', '--batch-size', '--workers', '--format']],
  ['jobs submit', ['--model', '--output', '--job-id', '--watch', '--target', ...JOB_OPTIONS]],
  ['predict', ['--model', '--json-instances', '--text-instances', '--signature', '--endpoint', '--google-identity']],
  ['estimate', ['--model']],
  ['models list', ['--models', '--state', '--format']],
  ['models show', ['--models', '--state', '--signature', '--format']],
  ['models import', ['--set-default', '--label', '--no-smoke-test', '--models', '--state', '--format']],
  ['models set-default', ['--models', '--state', '--format']],
  ['models label', ['--models', '--state', '--format']],
  ['models delete', ['--force', '--models', '--state', '--format']],
];

describe('--help', () => {
  it.each(COMMANDS)('of `fanfold %s` names every option and shows an example', async (command, options) => {
    const words = command === '' ? [] : command.split(' ');
    const { code, stdout, stderr } = await run(process.execPath, [FANFOLD, ...words, '--help'], ROOT);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const option of options) expect(stdout).toContain(option);
    expect(stdout).toContain(`$ ${['fanfold', ...words].join(' ')}`);
  });

  it('of `fanfold run` tells formats, keys, exit codes and how to resume', async () => {
    const { stdout } = await run(process.execPath, [FANFOLD, 'run', '--help'], ROOT);
    expect(stdout).toContain('Exit codes: 0 succeeded, 1 failed, 2 wrong usage, 3 partially succeeded');
    for (const word of ['.jsonl', '.csv', 'gzipped', '.manifest.json', '.errors_stats', 'goes on where it stopped'])
      expect(stdout).toContain(word);
  });
});

describe('wrong usage exits with 2 and says what is wrong', () => {
  it.each([
    { args: ['launch'], message: "unknown command 'launch'" },
    { args: ['run', 'a.jsonl', '--model', 'five', '--output', 'o', '--fast'], message: "unknown option '--fast'" },
    { args: ['run', 'a.jsonl', '--output', 'o'], message: "required option '--model" },
    { args: ['run', 'a.jsonl', '--model', 'five'], message: "required option '--output" },
    { args: ['run', '--model', 'five', '--output', 'o'], message: "missing required argument 'input'" },
    {
      args: ['run', 'a.jsonl', '--model', 'five', '--output', 'o', '--batch-size', '0'],
      message: 'Expected a whole number from 1 to 1000000',
    },
    {
      args: ['run', 'a.jsonl', '--model', 'five', '--output', 'o', '--tolerated-failure-percentage', '101'],
      message: 'Expected a number from 0 to 100',
    },
    {
      args: ['run', 'a.jsonl', '--model', 'five', '--output', 'o', '--instance-type', 'list'],
      message: 'Allowed choices are object, array',
    },
    {
      args: ['run', 'a.jsonl', '--model', 'five', '--output', 'o', '--key-field', 'k', '--row-keys'],
      message: '--key-field and --row-keys exclude each other',
    },
    {
      args: ['run', 'a.jsonl', '--model', 'five', '--output', 'o', '--included-fields', 'a', '--excluded-fields', 'b'],
      message: '--included-fields and --excluded-fields exclude each other',
    },
    { args: ['run', 'a.jsonl', './a.jsonl', '--model', 'five', '--output', 'o'], message: 'a.jsonl is named twice' },
    { args: ['run', 'x*.jsonl', '--model', 'five', '--output', 'o'], message: 'the pattern matches no file' },
  ])('fanfold $args', async ({ args, message }) => {
    const workspace = newWorkspace();
    workspace.write('a.jsonl', '1\n');
    const { code, stdout, stderr } = await workspace.fanfold(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(workspace.has('o')).toBe(false);
  });
});

/** The Node that a shell here starts outside npm's scripts, where it is too old for the command itself. */
function olderNode(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const node = folders.map((folder) => join(folder, 'node')).find((file) => existsSync(file));
  if (node === undefined) return undefined;
  const major = Number(/\d+/.exec(execFileSync(node, ['--version'], { encoding: 'utf8' }))?.[0]);
  return major >= 20 && major < 24 ? node : undefined;
}

const older = olderNode();

it.skipIf(older === undefined)('started by an older Node, goes on under the one that npm ci installed', async () => {
  const workspace = newWorkspace();
  workspace.write('a.jsonl', '1\n"two"\n');
  const args = [FANFOLD, 'run', 'a.jsonl', '--model', 'five', '--output', 'out.jsonl'];
  expect((await run(older ?? '', args, workspace.folder)).code).toBe(3);
  expect(workspace.lines('out.jsonl')[0]).toBe('{"instance":1,"prediction":5}');
});
