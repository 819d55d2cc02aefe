import { Firestore } from '@google-cloud/firestore';
import { PubSub } from '@google-cloud/pubsub';
import { Storage } from '@google-cloud/storage';

/** Where the services are: Google's own, or the emulators that are named. */
export interface GoogleConfig {
  readonly projectId: string;
  /** The Firestore database, `(default)` or a name. */
  readonly databaseId: string;
  /** `http://HOST:PORT` of a Cloud Storage emulator. */
  readonly storageEndpoint?: string;
  /** `HOST:PORT`, as all emulators' hosts here. */
  readonly firestoreEmulatorHost?: string;
  readonly pubsubEmulatorHost?: string;
}

export interface GoogleClients {
  readonly storage: Storage;
  readonly firestore: Firestore;
  readonly pubsub: PubSub;
  close(): Promise<void>;
}

/** To learn this, the gRPC clients would look for credentials at the metadata server, for seconds, although an emulator asks for none. */
const UNIVERSE = { clientOptions: { universeDomain: 'googleapis.com' } };

/** Nothing is connected, and no credential is asked for, before the first call. */
export function createClients(config: GoogleConfig): GoogleClients {
  const storage = createStorage(config);
  const firestore = createFirestore(config);
  const pubsub = createPubSub(config);
  return {
    storage,
    firestore,
    pubsub,
    close: async () => {
      await Promise.all([firestore.terminate(), pubsub.close()]);
    },
  };
}

/** STORAGE_EMULATOR_HOST would drop `/storage/v1` from the client's URLs: an emulator is named by `apiEndpoint`, which then asks for no credentials. */
export function createStorage({
  projectId,
  storageEndpoint,
}: Pick<GoogleConfig, 'projectId' | 'storageEndpoint'>): Storage {
  return new Storage({ projectId, ...(storageEndpoint !== undefined && { apiEndpoint: storageEndpoint }) });
}

export function createFirestore({
  projectId,
  databaseId,
  firestoreEmulatorHost: host,
}: Pick<GoogleConfig, 'projectId' | 'databaseId' | 'firestoreEmulatorHost'>): Firestore {
  return new Firestore({
    projectId,
    databaseId,
    ignoreUndefinedProperties: true,
    ...(host !== undefined && { host, ssl: false, ...UNIVERSE }),
  });
}

export function createPubSub({
  projectId,
  pubsubEmulatorHost: host,
}: Pick<GoogleConfig, 'projectId' | 'pubsubEmulatorHost'>): PubSub {
  return new PubSub({
    projectId,
    ...(host !== undefined && { apiEndpoint: host, emulatorMode: true, ...UNIVERSE }),
  });
}
