import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { LocalModelStore } from '../../infra/local/model-store.ts';
import { MemoryModelStore } from '../../infra/memory/model-store.ts';
import { modelRegistryContract } from './model-store-writes.ts';
import type { RegistrySubject } from './model-store-writes.ts';
import { modelStoreContract } from './model-store.ts';
import type { ModelFixture } from './model-store.ts';

const inMemory = (files: ModelFixture): Promise<RegistrySubject> =>
  Promise.resolve({ store: new MemoryModelStore(files) });

async function inFolders(files: ModelFixture): Promise<RegistrySubject> {
  const root = await mkdtemp(path.join(tmpdir(), 'fanfold-models-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), content);
  }
  return { store: new LocalModelStore(root), close: () => rm(root, { recursive: true }) };
}

modelStoreContract('memory', inMemory);
modelStoreContract('local', inFolders);
modelRegistryContract('memory', inMemory);
modelRegistryContract('local', inFolders);
