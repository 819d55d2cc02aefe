import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { LocalObjectStore } from '../../infra/local/object-store.ts';
import { MemoryObjectStore } from '../../infra/memory/object-store.ts';
import { objectStoreContract } from './object-store.ts';
import type { ObjectStoreSubject } from './object-store.ts';

objectStoreContract('memory', () =>
  Promise.resolve({ store: new MemoryObjectStore({ chunkBytes: 1000 }), bucket: 'b' }),
);

async function localStore(link?: () => Promise<void>): Promise<ObjectStoreSubject> {
  const root = await mkdtemp(path.join(tmpdir(), 'fanfold-objects-'));
  const store = new LocalObjectStore({ b: { root, durable: false } }, link === undefined ? {} : { link });
  return { store, bucket: 'b', close: () => rm(root, { recursive: true }) };
}

objectStoreContract('local', () => localStore());

objectStoreContract('local, without hard links', () =>
  localStore(() => Promise.reject(Object.assign(new Error('operation not supported'), { code: 'ENOTSUP' }))),
);
