import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** A child process that runs the TypeScript module text, in which `from './x.ts'` means a file of infra/local. */
export function startChild(source: string, ...parameters: string[]): ChildProcess {
  const base = new URL('../../../infra/local/', import.meta.url).href;
  const script = source.replaceAll(/from '\.\//g, `from '${base}`);
  return spawn(process.execPath, ['--input-type=module-typescript', '--eval', script, '--', ...parameters], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Resolves with what it writes first. */
export async function firstOutput(child: ChildProcess): Promise<string> {
  const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return chunk.toString().trim();
}

export async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Resolves with the exit code. */
export async function ended(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}
