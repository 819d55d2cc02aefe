import { findEmulator } from './google-sdk.ts';
import type { GoogleEmulator } from './google-sdk.ts';
import { startServer } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';

export { missingEmulator } from './google-sdk.ts';

export interface EmulatorOptions {
  /** Default: any free port. */
  readonly port?: number;
}

export interface PubSubEmulator {
  /** `127.0.0.1:PORT`, as clients take it. */
  readonly host: string;
  readonly stop: () => Promise<void>;
}

export interface FirestoreEmulator extends PubSubEmulator {
  /** Deletes every document of a database. */
  reset(projectId: string, databaseId?: string): Promise<void>;
}

/**
 * Starts Google's Pub/Sub emulator on 127.0.0.1, empty. It ends with this process at the latest.
 * @throws Error saying what to install where it or Java is missing.
 */
export async function startPubSubEmulator(options: EmulatorOptions = {}): Promise<PubSubEmulator> {
  const server = await start('pubsub', 'the Pub/Sub emulator', options);
  return { host: hostOf(server), stop: server.stop };
}

/**
 * Starts Google's Firestore emulator on 127.0.0.1, empty. It holds its data in memory and ends with this process at the latest.
 * @throws Error saying what to install where it or Java is missing.
 */
export async function startFirestoreEmulator(options: EmulatorOptions = {}): Promise<FirestoreEmulator> {
  const server = await start('firestore', 'the Firestore emulator', options);
  const host = hostOf(server);
  return {
    host,
    stop: server.stop,
    reset: async (projectId, databaseId = '(default)') => {
      const url = `http://${host}/emulator/v1/projects/${projectId}/databases/${databaseId}/documents`;
      const answer = await fetch(url, { method: 'DELETE' });
      if (!answer.ok) throw new Error(`the Firestore emulator was not reset: ${answer.status} ${await answer.text()}`);
    },
  };
}

function start(emulator: GoogleEmulator, title: string, { port }: EmulatorOptions): Promise<ServerProcess> {
  const { java, args } = findEmulator(emulator);
  return startServer({
    title,
    program: java,
    args: (at) => [...args, '--host=127.0.0.1', `--port=${at}`],
    ...(port !== undefined && { port }),
  });
}

function hostOf(server: ServerProcess): string {
  return `127.0.0.1:${server.port}`;
}
