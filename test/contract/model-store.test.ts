import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { LocalModelStore } from '../../infra/local/model-store.ts';
import { MemoryModelStore } from '../../infra/memory/model-store.ts';
import { modelStoreContract } from './model-store.ts';

modelStoreContract('memory', (files) => Promise.resolve({ store: new MemoryModelStore(files) }));

modelStoreContract('local', async (files) => {
  const root = await mkdtemp(path.join(tmpdir(), 'fanfold-models-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), content);
  }
  return { store: new LocalModelStore(root), close: () => rm(root, { recursive: true }) };
});
