import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';

import { freePort } from './free-port.ts';

export interface ServerCommand {
  /** For messages. */
  readonly title: string;
  readonly program: string;
  readonly args: (port: number) => readonly string[];
  /** Default: any free port. */
  readonly port?: number;
}

export interface ServerProcess {
  readonly port: number;
  /** Ends it, and waits until it is gone. */
  readonly stop: () => Promise<void>;
}

/** A Java server on a busy machine takes some seconds. */
const START_MS = 60_000;
const LOOK_MS = 50;
/** How long a server may take over SIGTERM. */
const STOP_MS = 5_000;
/** A free port may be taken by somebody else before the server listens on it. */
const PORT_ATTEMPTS = 3;
/** Lines of output kept for the message of a failed start. */
const KEPT_OUTPUT = 4_000;

/**
 * Becomes the program, the leader of a process group of its own. Beside it `cat` waits on descriptor 3, a pipe that nobody writes to: it ends when
 * this process does, however that ends, and takes the group with it. So no server outlives its tests.
 */
const GUARDED = '(cat <&3 >/dev/null 2>&1; kill -TERM -$$) & exec 3<&-; exec "$@"';

/**
 * Starts a server on 127.0.0.1 and waits until it answers HTTP.
 * @throws Error with what the server said, where it ends before, or does not answer in a minute.
 */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt++) {
    const port = command.port ?? (await freePort());
    const child = spawn('sh', ['-c', GUARDED, command.program, command.program, ...command.args(port)], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-KEPT_OUTPUT)));
    }
    const stop = () => stopGroup(child);
    try {
      await untilReady(command.title, child, port);
      return { port, stop };
    } catch (error) {
      await stop();
      const taken = /address already in use|failed to bind/i.test(output);
      if (taken && command.port === undefined && attempt < PORT_ATTEMPTS) continue;
      throw new Error(`${(error as Error).message}${output === '' ? '' : `:\n${output.trim()}`}`, { cause: error });
    }
  }
}

async function untilReady(title: string, child: ChildProcess, port: number): Promise<void> {
  const deadline = Date.now() + START_MS;
  let failed: Error | undefined;
  child.once('error', (error) => (failed = error));
  while (Date.now() < deadline) {
    if (failed !== undefined) throw new Error(`${title} could not be started`, { cause: failed });
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${title} ended instead of starting`);
    const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1_000) }).catch(
      () => undefined,
    );
    await answer?.body?.cancel();
    if (answer?.ok === true) return;
    await setTimeout(LOOK_MS);
  }
  throw new Error(`${title} did not answer on port ${port} within ${START_MS / 1000} s`);
}

async function stopGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return; // it never started
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve();
  signalGroup(child.pid, 'SIGTERM');
  const patience = new AbortController();
  const late = setTimeout(STOP_MS, true, { signal: patience.signal }).catch(() => false);
  if (await Promise.race([ended.then(() => false), late])) signalGroup(child.pid, 'SIGKILL');
  await ended;
  patience.abort();
  for (const stream of child.stdio) stream?.destroy();
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
