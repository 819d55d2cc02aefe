import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
const FANFOLD = fileURLToPath(new URL('../../cli/fanfold.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly tookMs: number;
}

/** The real command in a process of its own. */
export class FanfoldProcess {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #isRunning = true;

  constructor(args: readonly string[], cwd: string) {
    const started = performance.now();
    this.#child = spawn(NODE, [FANFOLD, ...args], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    this.#child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code, signal) => {
        this.#isRunning = false;
        resolve({ code, signal, stderr, tookMs: performance.now() - started });
      });
    });
  }

  /** Sends a signal, to this process only. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves once the condition holds, or the process is gone. */
  async until(condition: () => boolean): Promise<void> {
    while (this.#isRunning && !condition()) await sleep(5);
  }
}

export function fanfold(args: readonly string[], cwd: string): Promise<Ended> {
  return new FanfoldProcess(args, cwd).ended;
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, milliseconds));
}
