import type { Config } from '../../functions/config.ts';
import type { Composition } from '../../functions/handlers.ts';
import type { Ports } from '../../shared/ports.ts';
import { once } from '../../shared/once.ts';
import { createClients } from './clients.ts';
import { SystemClock } from './clock.ts';
import { GoogleLedger } from './ledger.ts';
import { LeveledLogger } from './leveled-logger.ts';
import { GoogleLogger } from './logger.ts';
import { GoogleModelStore } from './model-store.ts';
import { GoogleObjectStore } from './object-store.ts';
import { GoogleQueue } from './queue.ts';
import { BigQueryTables } from './tables.ts';

/**
 * The pipeline on Google Cloud: the very handlers that run embedded, on Cloud Storage, Pub/Sub and Firestore, or on their emulators.
 * Everything is made when it is first asked for, once per instance; model runtimes are loaded by who scores only.
 */
export function cloudPipeline(readConfig: () => Config): Composition {
  const config = once(readConfig);
  const ports = once(() => cloudPorts(config()));
  const scorer = once(async () => {
    const { InstanceScorer } = await import('./scorer.ts');
    return new InstanceScorer(ports());
  });
  return { config, ports, scorer };
}

function cloudPorts(config: Config): Omit<Ports, 'scorer'> {
  const { project, database, queryDataset, buckets, topicPrefix, logLevel, emulators } = config;
  const { storage, firestore, pubsub } = createClients({
    projectId: project,
    databaseId: database,
    ...(emulators.storage !== undefined && { storageEndpoint: emulators.storage }),
    ...(emulators.firestore !== undefined && { firestoreEmulatorHost: emulators.firestore }),
    ...(emulators.pubsub !== undefined && { pubsubEmulatorHost: emulators.pubsub }),
  });
  return {
    objects: new GoogleObjectStore(storage),
    queue: new GoogleQueue(pubsub, { topicPrefix }),
    ledger: new GoogleLedger(firestore),
    models: new GoogleModelStore(storage, buckets.models),
    tables: new BigQueryTables({
      projectId: project,
      ...(queryDataset !== undefined && { queryDataset }),
      ...(emulators.bigquery !== undefined && { endpoint: emulators.bigquery }),
    }),
    clock: new SystemClock(),
    logger: new LeveledLogger(new GoogleLogger({ projectId: project }), logLevel),
  };
}
