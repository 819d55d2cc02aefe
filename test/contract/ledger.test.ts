import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { LocalLedger } from '../../infra/local/ledger.ts';
import { MemoryLedger } from '../../infra/memory/ledger.ts';
import { ledgerContract } from './ledger.ts';

ledgerContract('memory', () => Promise.resolve({ ledger: new MemoryLedger() }));

ledgerContract('local', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'fanfold-ledger-'));
  const ledger = new LocalLedger(path.join(folder, 'ledger.db'));
  return {
    ledger,
    close: () => {
      ledger.close();
      return rm(folder, { recursive: true });
    },
  };
});
