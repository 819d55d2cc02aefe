import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from './free-port.ts';

export interface FunctionProcessOptions {
  /** The function's registered name. */
  readonly target: string;
  /** What the framework loads: a module, or a folder with a package.json. */
  readonly source: string;
  /** The only environment that it gets, beside PATH and HOME. */
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}

const START_MS = 60_000;
const LOOK_MS = 25;
/** What Cloud Run grants after SIGTERM. */
const STOP_MS = 10_000;

/** Ends the process with the one that started it, however that ends. */
const GUARD = `data:text/javascript,${encodeURIComponent("process.on('disconnect', () => process.exit(1));")}`;

/** One process of the Functions Framework's own command, serving one function. */
export class FunctionProcess {
  readonly port: number;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.ended = once(child, 'exit').then(() => undefined);
  }

  /** @throws Error with what it said, where it ends before it listens. */
  static async start({ target, source, env, onLine }: FunctionProcessOptions): Promise<FunctionProcess> {
    const port = await freePort();
    const { PATH = '', HOME = '' } = process.env;
    const args = [
      '--import',
      GUARD,
      frameworkCommand(source),
      `--target=${target}`,
      `--source=${source}`,
      `--port=${port}`,
    ];
    const child = spawn(process.execPath, args, {
      env: { PATH, HOME, NODE_ENV: 'production', K_SERVICE: target, FUNCTION_TARGET: target, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl-C is for who started us: it ends functions in its own time.
      detached: true,
    });
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (said.length < 50) said.push(line);
        onLine(line);
      });
    }
    const started = new FunctionProcess(child, port);
    await started.#untilListening(target, said);
    return started;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** As Cloud Run does: SIGTERM, and SIGKILL where that does not end it in time. */
  async stop(): Promise<void> {
    this.kill('SIGTERM');
    const late = setTimeout(() => {
      this.kill('SIGKILL');
    }, STOP_MS);
    await this.ended;
    clearTimeout(late);
  }

  async #untilListening(target: string, said: readonly string[]): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline && this.#child.exitCode === null && this.#child.signalCode === null) {
      if (await accepts(this.port)) return;
      await sleep(LOOK_MS);
    }
    this.kill('SIGKILL');
    throw new Error(`function ${target} did not start:\n${said.join('\n')}`);
  }
}

/** The framework that stands beside the source: an unpacked archive brings its own. */
function frameworkCommand(source: string): string {
  const main = createRequire(path.join(source, 'x.js')).resolve('@google-cloud/functions-framework');
  return path.join(path.dirname(main), 'main.js');
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
