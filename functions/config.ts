import { PermanentError } from '../shared/errors.ts';
import type { Severity } from '../shared/ports.ts';
import { PREDICT_LIMITS } from './predict/limits.ts';
import type { PredictLimits } from './predict/limits.ts';

/** What the deployed functions are told: by Terraform in the cloud, by `npm run emulators` on a laptop. Parsed once, frozen. */
export interface Config {
  readonly project: string;
  readonly location: string;
  readonly buckets: Buckets;
  /** The Firestore database. */
  readonly database: string;
  /** The BigQuery dataset that takes the results of queries; unset: BigQuery's own, which only the account that ran the query may read. */
  readonly queryDataset?: string;
  /** Topics and their subscriptions are called this and a name of TOPICS. */
  readonly topicPrefix: string;
  readonly logLevel: Severity;
  /** Bytes of input per split; unset: SPLIT_BYTES. For tests: the default is right for every file. */
  readonly splitBytes?: number;
  readonly predict: PredictConfig;
  /** Where Google's services are, when they are not Google's. */
  readonly emulators: Emulators;
}

/** What the predict function is told. */
export interface PredictConfig {
  /** Loaded before it is ready: `model`, `model@3` or `model@label`. */
  readonly warmUp: readonly string[];
  readonly limits: PredictLimits;
}

export interface Buckets {
  readonly input: string;
  readonly models: string;
  /** Output, and beside it under `_fanfold/` the scratch: Cloud Storage composes within one bucket only. */
  readonly output: string;
  /** Further buckets whose objects jobs may name as their input. */
  readonly sources: readonly string[];
}

interface Emulators {
  /** `host:port`, read by the client itself. */
  readonly pubsub?: string;
  /** `host:port`, read by the client itself. */
  readonly firestore?: string;
  /** A URL: STORAGE_EMULATOR_HOST would misroute the Node client. */
  readonly storage?: string;
  /** A URL; no credential is asked for. */
  readonly bigquery?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULTS = { database: 'fanfold', topicPrefix: 'fanfold-', location: 'us-central1', logLevel: 'INFO' } as const;

const SEVERITIES: readonly Severity[] = ['DEBUG', 'INFO', 'WARNING', 'ERROR'];

/**
 * | variable | what | default |
 * | --- | --- | --- |
 * | `GOOGLE_CLOUD_PROJECT` | the project | |
 * | `FANFOLD_INPUT_BUCKET`, `FANFOLD_MODELS_BUCKET`, `FANFOLD_OUTPUT_BUCKET` | buckets | |
 * | `FANFOLD_SOURCE_BUCKETS` | further buckets that jobs may read, with commas between | none |
 * | `FANFOLD_LOCATION` | the region | `us-central1` |
 * | `FANFOLD_DATABASE` | the Firestore database | `fanfold` |
 * | `FANFOLD_QUERY_DATASET` | the BigQuery dataset for results of queries | BigQuery's own |
 * | `FANFOLD_TOPIC_PREFIX` | what topics' names start with | `fanfold-` |
 * | `FANFOLD_LOG_LEVEL` | the least severe entries that are written | `INFO` |
 * | `FANFOLD_PREDICT_WARM_UP` | models that predict loads before it is ready, with commas between | none |
 * | `FANFOLD_PREDICT_MAX_BODY_BYTES` | bytes of a predict request, decompressed | 33554432 |
 * | `FANFOLD_PREDICT_MAX_INSTANCES` | instances of one predict request | 100000 |
 * | `FANFOLD_PREDICT_MAX_QUEUE` | predict requests that wait on one instance | 1000 |
 * | `FANFOLD_PREDICT_MAX_BATCH_ROWS` | rows that concurrent predict requests are joined to | 1024 |
 * | `FANFOLD_PREDICT_BATCH_DELAY_MS` | milliseconds that they wait for that, behind another batch | 2 |
 * | `FANFOLD_SPLIT_BYTES` | bytes of input per split: for tests | 67108864 |
 * | `FANFOLD_STORAGE_ENDPOINT`, `FANFOLD_BIGQUERY_ENDPOINT`, `PUBSUB_EMULATOR_HOST`, `FIRESTORE_EMULATOR_HOST` | emulators | Google's services |
 *
 * @throws PermanentError FAILED_PRECONDITION naming the variable that is missing or wrong.
 */
export function readConfig(env: Environment): Config {
  const splitBytes = optional(env, 'FANFOLD_SPLIT_BYTES');
  return deepFreeze({
    project: required(env, 'GOOGLE_CLOUD_PROJECT'),
    location: optional(env, 'FANFOLD_LOCATION') ?? DEFAULTS.location,
    buckets: {
      input: required(env, 'FANFOLD_INPUT_BUCKET'),
      models: required(env, 'FANFOLD_MODELS_BUCKET'),
      output: required(env, 'FANFOLD_OUTPUT_BUCKET'),
      sources: names(optional(env, 'FANFOLD_SOURCE_BUCKETS')),
    },
    database: optional(env, 'FANFOLD_DATABASE') ?? DEFAULTS.database,
    ...given('queryDataset', optional(env, 'FANFOLD_QUERY_DATASET')),
    topicPrefix: optional(env, 'FANFOLD_TOPIC_PREFIX') ?? DEFAULTS.topicPrefix,
    logLevel: severity(optional(env, 'FANFOLD_LOG_LEVEL') ?? DEFAULTS.logLevel),
    ...(splitBytes !== undefined && { splitBytes: positive('FANFOLD_SPLIT_BYTES', splitBytes) }),
    predict: {
      warmUp: names(optional(env, 'FANFOLD_PREDICT_WARM_UP')),
      limits: {
        maxBodyBytes: number(env, 'FANFOLD_PREDICT_MAX_BODY_BYTES', PREDICT_LIMITS.maxBodyBytes),
        maxInstances: number(env, 'FANFOLD_PREDICT_MAX_INSTANCES', PREDICT_LIMITS.maxInstances),
        maxQueuedRequests: number(env, 'FANFOLD_PREDICT_MAX_QUEUE', PREDICT_LIMITS.maxQueuedRequests),
        maxBatchRows: number(env, 'FANFOLD_PREDICT_MAX_BATCH_ROWS', PREDICT_LIMITS.maxBatchRows),
        batchDelayMs: number(env, 'FANFOLD_PREDICT_BATCH_DELAY_MS', PREDICT_LIMITS.batchDelayMs),
      },
    },
    emulators: {
      ...given('pubsub', optional(env, 'PUBSUB_EMULATOR_HOST')),
      ...given('firestore', optional(env, 'FIRESTORE_EMULATOR_HOST')),
      ...given('storage', optional(env, 'FANFOLD_STORAGE_ENDPOINT')),
      ...given('bigquery', optional(env, 'FANFOLD_BIGQUERY_ENDPOINT')),
    },
  });
}

function optional(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

function required(env: Environment, name: string): string {
  const value = optional(env, name);
  if (value === undefined) throw new PermanentError('FAILED_PRECONDITION', `${name} is not set`);
  return value;
}

function severity(text: string): Severity {
  const found = SEVERITIES.find((level) => level === text.toUpperCase());
  if (found !== undefined) return found;
  throw new PermanentError('FAILED_PRECONDITION', `FANFOLD_LOG_LEVEL is ${text}; expected ${SEVERITIES.join(', ')}`);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new PermanentError('FAILED_PRECONDITION', `${name} is ${text}; expected a positive whole number`);
}

function number(env: Environment, name: string, unset: number): number {
  const text = optional(env, name);
  return text === undefined ? unset : positive(name, text);
}

function names(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function given<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, string>>);
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner as object);
  return Object.freeze(value);
}
