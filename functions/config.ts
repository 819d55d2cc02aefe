import { PermanentError } from '../shared/errors.ts';
import type { Severity } from '../shared/ports.ts';

/** What the deployed functions are told: by Terraform in the cloud, by `npm run emulators` on a laptop. Parsed once, frozen. */
export interface Config {
  readonly project: string;
  readonly location: string;
  readonly buckets: Buckets;
  /** The Firestore database. */
  readonly database: string;
  /** Topics and their subscriptions are called this and a name of TOPICS. */
  readonly topicPrefix: string;
  readonly logLevel: Severity;
  /** Bytes of input per split; unset: SPLIT_BYTES. For tests: the default is right for every file. */
  readonly splitBytes?: number;
  /** Where Google's services are, when they are not Google's. */
  readonly emulators: Emulators;
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
}

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULTS = { database: 'fanfold', topicPrefix: 'fanfold-', location: 'us-central1', logLevel: 'INFO' } as const;

const SEVERITIES: readonly Severity[] = ['DEBUG', 'INFO', 'WARNING', 'ERROR'];

/** @throws PermanentError FAILED_PRECONDITION naming the variable that is missing or wrong. */
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
    topicPrefix: optional(env, 'FANFOLD_TOPIC_PREFIX') ?? DEFAULTS.topicPrefix,
    logLevel: severity(optional(env, 'FANFOLD_LOG_LEVEL') ?? DEFAULTS.logLevel),
    ...(splitBytes !== undefined && { splitBytes: positive('FANFOLD_SPLIT_BYTES', splitBytes) }),
    emulators: {
      ...given('pubsub', optional(env, 'PUBSUB_EMULATOR_HOST')),
      ...given('firestore', optional(env, 'FIRESTORE_EMULATOR_HOST')),
      ...given('storage', optional(env, 'FANFOLD_STORAGE_ENDPOINT')),
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
