import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { answer } from './answer.ts';
import { Catalogue } from './catalogue.ts';
import { Quota } from './content-store.ts';
import { EventSender } from './events.ts';
import type { NotifyOptions } from './events.ts';
import { Faults } from './faults.ts';
import type { Fault } from './faults.ts';
import { FolderContentStore } from './folder-content.ts';
import { MemoryContentStore } from './memory-content.ts';
import { checkBucketName } from './names.ts';
import { RecordFiles } from './record-files.ts';
import { abandon } from './rewrite.ts';
import type { Service } from './service.ts';
import { UploadSessions } from './upload-sessions.ts';

/** Bytes that fit in memory without a folder, and in a folder. */
const MEMORY_LIMIT_BYTES = 1024 ** 3;
const FOLDER_LIMIT_BYTES = 1024 ** 4;

/** Longer than clients keep idle connections, so that the server is not the one to close them. */
const KEEP_ALIVE_MS = 120_000;

export interface StorageEmulatorOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Where to keep everything; without it, in memory. One emulator per folder at a time. */
  readonly folder?: string;
  /** Buckets that must exist: made at the start where they do not. */
  readonly buckets?: readonly string[];
  /** Bucket → URLs that get its finalize events. */
  readonly notify?: NotifyOptions['urls'];
  /** Extra deliveries of every event; default 0. */
  readonly notifyDuplicates?: number;
  /** How long an event is retried, in milliseconds; default one minute. */
  readonly notifyRetryForMs?: number;
  /** Pause before an event's first retry, in milliseconds; default 100. */
  readonly notifyFirstBackoffMs?: number;
  readonly faults?: readonly Fault[];
  readonly maxObjectBytes?: number;
  readonly maxTotalBytes?: number;
}

export interface StorageEmulator {
  /** For `new Storage({ apiEndpoint: url, projectId: 'any' })`, which then asks for no credentials. */
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
  /** Resolves when every event raised so far was accepted or given up. */
  eventsDelivered(): Promise<void>;
  /** Cuts every connection, gives up events, and resolves when nothing is at work any more. */
  close(): Promise<void>;
}

/**
 * Starts a server of the Cloud Storage JSON API on 127.0.0.1. It knows no credentials. Point the Node client at it with
 * `apiEndpoint`, not with STORAGE_EMULATOR_HOST, under which the client drops `/storage/v1` from its URLs.
 * Source: https://cloud.google.com/storage/docs/json_api/v1
 */
export async function startStorageEmulator(options: StorageEmulatorOptions = {}): Promise<StorageEmulator> {
  const events = new EventSender({
    urls: options.notify ?? {},
    duplicates: options.notifyDuplicates ?? 0,
    retryForMs: options.notifyRetryForMs ?? 60_000,
    firstBackoffMs: options.notifyFirstBackoffMs ?? 100,
  });
  const faults = new Faults();
  for (const fault of options.faults ?? []) faults.add(fault);
  const stores = await openStores(options);
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const service: Service = {
    ...stores,
    baseUrl: url,
    rewrites: new Map(),
    finalized: (record) => {
      events.raise(record, url);
    },
  };
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  server.on('request', (request, response) => {
    const answering = answer(service, faults, request, response, stopping.signal);
    running.add(answering);
    void answering.finally(() => running.delete(answering));
  });
  return {
    url,
    port,
    faults,
    eventsDelivered: () => events.idle(),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      stopping.abort();
      server.closeAllConnections();
      await Promise.all([closed, events.close(), ...running]);
      for (const [token, rewrite] of service.rewrites) await abandon(service.rewrites, token, rewrite);
    },
  };
}

async function openStores(
  options: StorageEmulatorOptions,
): Promise<Pick<Service, 'catalogue' | 'content' | 'sessions'>> {
  const { folder } = options;
  const limit = folder === undefined ? MEMORY_LIMIT_BYTES : FOLDER_LIMIT_BYTES;
  const quota = new Quota({
    maxObjectBytes: options.maxObjectBytes ?? limit,
    maxTotalBytes: options.maxTotalBytes ?? limit,
  });
  const content =
    folder === undefined ? new MemoryContentStore(quota) : new FolderContentStore(join(folder, 'content'), quota);
  const catalogue = new Catalogue(content, folder === undefined ? undefined : new RecordFiles(folder));
  const sessions = new UploadSessions(content, folder);
  const unfinished = sessions.unfinished().map((contentId) => [contentId, 0] as const);
  content.keepOnly(new Map([...catalogue.contents(), ...unfinished]));
  await sessions.restore();
  for (const name of options.buckets ?? []) {
    checkBucketName(name);
    if (!catalogue.bucketNames().includes(name)) catalogue.createBucket(name, {});
  }
  return { catalogue, content, sessions };
}
