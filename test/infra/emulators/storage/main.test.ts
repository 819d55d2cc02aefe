import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clientOf } from './client.ts';

function run(...args: string[]) {
  const child = spawn(process.execPath, ['infra/emulators/storage/main.ts', ...args]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (piece: Buffer) => (output.stdout += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (output.stderr += piece.toString()));
  return { child, output, exited: once(child, 'close') as Promise<[number | null]> };
}

describe('the command', () => {
  it('prints its URL, serves, and ends on SIGTERM', async () => {
    const { child, output, exited } = run('--bucket', 'one-bucket', '--bucket', 'two-bucket');
    await once(child.stdout, 'data');
    const url = output.stdout.trim();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await clientOf(url).getBuckets())[0].map(({ name }) => name)).toEqual(['one-bucket', 'two-bucket']);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it('explains itself with an example', async () => {
    const { output, exited } = run('--help');
    expect(await exited).toEqual([0, null]);
    expect(output.stdout).toContain('Example:');
  });

  it.each([[['--port', 'x']], [['--notify', 'x']], [['--nonsense']], [['--bucket', 'Bad Name']]])(
    'refuses %j with exit code 2',
    async (args) => {
      const { output, exited } = run(...args);
      expect(await exited).toEqual([2, null]);
      expect(output.stderr).toContain('Try --help.');
    },
  );
});
