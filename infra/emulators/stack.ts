import path from 'node:path';

import { STALE_MS } from '../../shared/config.ts';
import { startFirestoreEmulator, startPubSubEmulator } from './google.ts';
import { FunctionService } from './function-service.ts';
import { startStorageEmulator } from './storage/storage-emulator.ts';
import type { StorageEmulator, StorageEmulatorOptions } from './storage/storage-emulator.ts';
import { createTopics, DEAD_LETTERS } from './topics.ts';

/** The functions, and how many requests an instance of each takes at once: as terraform/functions.tf has them. */
export const FUNCTIONS = {
  upload: 4,
  split: 2,
  score: 2,
  finalize: 4,
  'dead-letter': 4,
  sweep: 1,
  jobs: 16,
  predict: 64,
} as const;

/** Those whose subscription has a dead-letter policy. */
const PUSHED: readonly string[] = ['split', 'score', 'finalize'];

export type FunctionName = keyof typeof FUNCTIONS;

export interface StackOptions {
  readonly projectId?: string;
  readonly location?: string;
  /** What the functions are loaded from: a module, or an unpacked archive. Default: this checkout. */
  readonly source?: string;
  /** Bytes of input per split; default as deployed. */
  readonly splitBytes?: number;
  /** How often the sweep is called; 0: never. */
  readonly sweepMs?: number;
  readonly logLevel?: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';
  /** Folder, faults and duplicates of the storage emulator. */
  readonly storage?: Omit<StorageEmulatorOptions, 'buckets' | 'notify'>;
  /** The jobs API's port; default: any free one. */
  readonly jobsPort?: number;
  /** Models that predict loads before it is ready, with commas between. */
  readonly warmUp?: string;
  /** An emulator of BigQuery, `http://HOST:PORT`, and the dataset for results of queries; there is none that could be started here. */
  readonly bigquery?: { readonly endpoint: string; readonly queryDataset: string };
  /** Takes what functions write, a line at a time. */
  readonly onLine?: (target: FunctionName, line: string) => void;
}

export interface Stack {
  /** The environment that the functions have: for clients, and for `fanfold --target emulators`. */
  readonly env: Readonly<Record<string, string>>;
  readonly projectId: string;
  readonly buckets: { readonly input: string; readonly models: string; readonly output: string };
  readonly storage: StorageEmulator;
  readonly functions: Readonly<Record<FunctionName, FunctionService>>;
  /** `http://…/v1/projects/…/locations/…/batchPredictionJobs`. */
  readonly jobsUrl: string;
  /** Online prediction: `/v1/models/…` is below it. */
  readonly predictUrl: string;
  close(): Promise<void>;
}

const SWEEP_MS = 60_000;
const TOPIC_PREFIX = 'fanfold-';
const SOURCE = path.resolve(import.meta.dirname, '../../functions/index.ts');
const COMPILE_CACHE = path.resolve(import.meta.dirname, '../../node_modules/.cache/fanfold-functions');

/**
 * Starts the whole pipeline on this machine as it is deployed: Google's Pub/Sub and Firestore emulators, our Cloud Storage emulator, each
 * function in a process of its own, pushes with dead letters, upload events, and the schedule of the sweep.
 * @throws Error saying what is missing; whatever was started until then is stopped.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const started: (() => Promise<unknown>)[] = [];
  const keep = <T>(thing: T, stop: (thing: T) => Promise<unknown>): T => {
    started.unshift(() => stop(thing));
    return thing;
  };
  const close = async (): Promise<void> => {
    for (const stop of started.splice(0)) await stop();
  };
  try {
    return { ...(await startAll(options, keep)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Keep = <T>(thing: T, stop: (thing: T) => Promise<unknown>) => T;

async function startAll(options: StackOptions, keep: Keep): Promise<Omit<Stack, 'close'>> {
  const { projectId = 'fanfold-emulators', location = 'us-central1', source = SOURCE, onLine } = options;
  const buckets = { input: `${projectId}-input`, models: `${projectId}-models`, output: `${projectId}-output` };
  // What is started first is stopped last: functions may still need the emulators when they stop.
  const [pubsub, firestore] = await together([
    async () => keep(await startPubSubEmulator(), (emulator) => emulator.stop()),
    async () => keep(await startFirestoreEmulator(), (emulator) => emulator.stop()),
  ]);
  const functions = await listen(options, keep);
  const storage = keep(
    await startStorageEmulator({
      ...options.storage,
      buckets: Object.values(buckets),
      notify: { [buckets.input]: [functions.upload.url] },
    }),
    (emulator) => emulator.close(),
  );
  await createTopics({
    projectId,
    host: pubsub.host,
    prefix: TOPIC_PREFIX,
    endpoints: {
      splits: functions.split.url,
      shards: functions.score.url,
      assembly: functions.finalize.url,
      [DEAD_LETTERS]: functions['dead-letter'].url,
    },
  });
  const env = {
    GOOGLE_CLOUD_PROJECT: projectId,
    PUBSUB_EMULATOR_HOST: pubsub.host,
    FIRESTORE_EMULATOR_HOST: firestore.host,
    FANFOLD_STORAGE_ENDPOINT: storage.url,
    FANFOLD_INPUT_BUCKET: buckets.input,
    FANFOLD_MODELS_BUCKET: buckets.models,
    FANFOLD_OUTPUT_BUCKET: buckets.output,
    FANFOLD_DATABASE: 'fanfold',
    FANFOLD_TOPIC_PREFIX: TOPIC_PREFIX,
    FANFOLD_LOCATION: location,
    FANFOLD_LOG_LEVEL: options.logLevel ?? 'INFO',
    ...(options.bigquery !== undefined && {
      FANFOLD_BIGQUERY_ENDPOINT: options.bigquery.endpoint,
      FANFOLD_QUERY_DATASET: options.bigquery.queryDataset,
    }),
    ...(options.warmUp !== undefined && { FANFOLD_PREDICT_WARM_UP: options.warmUp }),
    ...(options.splitBytes !== undefined && { FANFOLD_SPLIT_BYTES: String(options.splitBytes) }),
  };
  await together(
    Object.entries(functions).map(
      ([name, service]) =>
        () =>
          service.start({
            source,
            env: { ...env, ...(source === SOURCE && { NODE_COMPILE_CACHE: COMPILE_CACHE }) },
            onLine: (line) => onLine?.(name as FunctionName, line),
          }),
    ),
  );
  keep(tick(functions.sweep.url, options.sweepMs ?? SWEEP_MS), (stop) => stop());
  const predictUrl = functions.predict.url;
  const jobsUrl = `${functions.jobs.url}/v1/projects/${projectId}/locations/${location}/batchPredictionJobs`;
  return {
    env: { ...env, FANFOLD_JOBS_URL: functions.jobs.url, FANFOLD_PREDICT_URL: predictUrl, FANFOLD_TARGET: 'emulators' },
    projectId,
    buckets,
    storage,
    functions,
    jobsUrl,
    predictUrl,
  };
}

async function listen({ jobsPort }: StackOptions, keep: Keep): Promise<Record<FunctionName, FunctionService>> {
  const services = await Promise.all(
    Object.entries(FUNCTIONS).map(async ([name, concurrency]) => {
      const port = name === 'jobs' && jobsPort !== undefined ? { port: jobsPort } : {};
      const countAttempts = PUSHED.includes(name);
      return [
        name,
        keep(await FunctionService.listen(name, { concurrency, countAttempts, ...port }), (service) => service.close()),
      ] as const;
    }),
  );
  return Object.fromEntries(services) as Record<FunctionName, FunctionService>;
}

/** Cloud Scheduler's part. */
function tick(url: string, everyMs: number): () => Promise<void> {
  if (everyMs === 0) return () => Promise.resolve();
  const stopping = new AbortController();
  const timer = setInterval(() => {
    fetch(url, { method: 'POST', signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(STALE_MS)]) }).then(
      (answer) => answer.arrayBuffer(),
      () => undefined,
    );
  }, everyMs);
  return () => {
    clearInterval(timer);
    stopping.abort();
    return Promise.resolve();
  };
}

/** Runs all; where one fails, the others have ended, one way or the other, before its error is thrown: nothing is started behind our back. */
async function together<const T extends readonly (() => Promise<unknown>)[]>(
  tasks: T,
): Promise<{ -readonly [K in keyof T]: Awaited<ReturnType<T[K]>> }> {
  const settled = await Promise.allSettled(tasks.map((task) => task()));
  const failed = settled.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return settled.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as never;
}
