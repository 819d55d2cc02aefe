import { it } from 'vitest';

import { missingEmulator } from '../../infra/emulators/google.ts';
import type { GoogleConfig } from '../../infra/gcp/clients.ts';

/** Nobody's project: emulators take any. */
export const CONFIG: GoogleConfig = { projectId: 'fanfold-test', databaseId: '(default)' };

/** JVMs share two cores with everything else. */
export const START_TIMEOUT_MS = 120_000;

/**
 * Defines the suite where the emulator is installed. Where it is not, one skipped test says so; with FANFOLD_REQUIRE_EMULATORS=1 (as in CI) that
 * test fails.
 */
export function withEmulator(emulator: 'pubsub' | 'firestore', suite: () => void): void {
  const missing = missingEmulator(emulator);
  if (missing === undefined) {
    suite();
    return;
  }
  it.skipIf(process.env['FANFOLD_REQUIRE_EMULATORS'] !== '1')(`runs on the ${emulator} emulator: ${missing}`, () => {
    throw new Error(missing);
  });
}
