import { startStorageEmulator } from '../../infra/emulators/storage/storage-emulator.ts';
import { createStorage } from '../../infra/gcp/clients.ts';
import { GoogleModelStore } from '../../infra/gcp/model-store.ts';
import { modelStoreContract } from '../contract/model-store.ts';
import { CONFIG } from './emulators.ts';

modelStoreContract('gcp', async (files) => {
  const bucket = 'models';
  const emulator = await startStorageEmulator({ buckets: [bucket] });
  const storage = createStorage({ ...CONFIG, storageEndpoint: emulator.url });
  for (const [name, content] of Object.entries(files)) {
    await storage.bucket(bucket).file(name).save(content, { resumable: false });
  }
  return { store: new GoogleModelStore(storage, bucket), close: () => emulator.close() };
});
