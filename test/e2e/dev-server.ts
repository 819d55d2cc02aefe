import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { FANFOLD } from '../cli/workspace.ts';

/** A `fanfold dev` on a free port, until it is stopped. */
export class DevServer {
  /** Where a README's server listens. */
  static readonly README_URL = 'http://127.0.0.1:8501';

  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** @param command `npx fanfold dev …`, without quotes. */
  static async start(command: string, cwd: string): Promise<DevServer> {
    const [, , ...args] = command.split(/\s+/);
    const child = spawn(process.execPath, [FANFOLD, ...args, '--port', '0'], {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    for await (const line of createInterface({ input: child.stderr })) {
      log += `${line}\n`;
      const url = /serving (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (url === undefined) continue;
      child.stderr.resume();
      return new DevServer(url, child);
    }
    throw new Error(`${command} ended before it served:\n${log}`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
