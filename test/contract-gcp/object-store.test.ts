import { startStorageEmulator } from '../../infra/emulators/storage/storage-emulator.ts';
import { createStorage } from '../../infra/gcp/clients.ts';
import { GoogleObjectStore } from '../../infra/gcp/object-store.ts';
import { objectStoreContract } from '../contract/object-store.ts';
import { CONFIG } from './emulators.ts';

objectStoreContract('gcp', async () => {
  const bucket = 'objects';
  const emulator = await startStorageEmulator({ buckets: [bucket] });
  const store = new GoogleObjectStore(createStorage({ ...CONFIG, storageEndpoint: emulator.url }));
  return { store, bucket, close: () => emulator.close() };
});
