import { afterAll, beforeAll, describe } from 'vitest';

import { startFirestoreEmulator } from '../../infra/emulators/google.ts';
import type { FirestoreEmulator } from '../../infra/emulators/google.ts';
import { createFirestore } from '../../infra/gcp/clients.ts';
import { GoogleLedger } from '../../infra/gcp/ledger.ts';
import { ledgerContract } from '../contract/ledger.ts';
import { CONFIG, START_TIMEOUT_MS, withEmulator } from './emulators.ts';

withEmulator('firestore', () => {
  describe('on the Firestore emulator', () => {
    let emulator: FirestoreEmulator;
    beforeAll(async () => {
      emulator = await startFirestoreEmulator();
    }, START_TIMEOUT_MS);
    afterAll(async () => {
      await emulator.stop();
    });

    ledgerContract('gcp', () => {
      const firestore = createFirestore({ ...CONFIG, firestoreEmulatorHost: emulator.host });
      return Promise.resolve({ ledger: new GoogleLedger(firestore), close: () => firestore.terminate() });
    });
  });
});
