// eslint-disable-next-line no-restricted-imports -- these tests are what the real client makes of the emulator
import { Storage } from '@google-cloud/storage';
import { onTestFinished } from 'vitest';
import { startStorageEmulator } from '../../../../infra/emulators/storage/storage-emulator.ts';
import type { StorageEmulator, StorageEmulatorOptions } from '../../../../infra/emulators/storage/storage-emulator.ts';

// eslint-disable-next-line no-restricted-imports -- see above
export type { FileMetadata, GetFilesResponse } from '@google-cloud/storage';

/** The client's longest pause between retries, in seconds; less than one makes `save` throw. */
const RETRY_DELAY_S = 1;

/** The bucket that every emulator of {@link start} has. */
export const BUCKET = 'test-bucket';

/**
 * The real client on an emulator. With `apiEndpoint` set and `useAuthWithCustomEndpoint` left unset it sends no
 * credentials and looks for none, so it works offline; `projectId` keeps it from asking a metadata server for one. Under
 * STORAGE_EMULATOR_HOST it would drop /storage/v1 from its URLs.
 */
export function clientOf(url: string): Storage {
  return new Storage({
    apiEndpoint: url,
    projectId: 'test-project',
    retryOptions: { retryDelayMultiplier: 1, maxRetryDelay: RETRY_DELAY_S, totalTimeout: 20, maxRetries: 4 },
  });
}

/** An emulator for one test, with one bucket, and clients of it; closed when the test is over. */
export async function start(options: StorageEmulatorOptions = {}) {
  const emulator: StorageEmulator = await startStorageEmulator({ buckets: [BUCKET], ...options });
  onTestFinished(() => emulator.close());
  const storage = clientOf(emulator.url);
  /** A request the client would not send; URLs are relative to the emulator. */
  const raw = (path: string, init: RequestInit = {}) => fetch(`${emulator.url}${path}`, init);
  return { emulator, storage, bucket: storage.bucket(BUCKET), raw };
}

interface Problem {
  readonly code: unknown;
  readonly message: string;
  readonly errors: readonly { reason?: string }[];
}

/** What a call of the client failed with. */
export async function failure(promise: Promise<unknown>): Promise<Problem> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error as Problem,
  );
  if (outcome === undefined) throw new Error('expected a failure');
  return outcome;
}

/** Repeatable bytes that no compression or alignment hides mistakes in. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}
