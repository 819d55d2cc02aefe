import { Option } from 'commander';

import { PermanentError } from '../shared/errors.ts';
import { UsageError } from './exit.ts';

type Target = 'local' | 'emulators' | 'gcp';

export interface TargetOptions {
  readonly target: Target;
  readonly jobsUrl?: string;
}

/** Where the jobs API is, and what else a client of it must know. */
export interface RemoteTarget {
  readonly target: Exclude<Target, 'local'>;
  readonly project: string;
  /** `…/v1/projects/…/locations/…/batchPredictionJobs`. */
  readonly jobsUrl: string;
  readonly inputBucket: string | undefined;
  /** The Cloud Storage emulator. */
  readonly storageEndpoint: string | undefined;
}

export function targetOption(): Option {
  return new Option('--target <target>', 'where the jobs are: a state folder here, the emulators, or Google Cloud')
    .choices(['local', 'emulators', 'gcp'])
    .env('FANFOLD_TARGET')
    .default('local');
}

export function jobsUrlOption(): Option {
  return new Option('--jobs-url <url>', "the jobs API (Terraform's jobs_url); for --target emulators and gcp").env(
    'FANFOLD_JOBS_URL',
  );
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws UsageError naming the variable that is not set. */
export function remoteTarget({ target, jobsUrl }: TargetOptions, env: Environment = process.env): RemoteTarget {
  if (target === 'local') throw new UsageError('--target local has no jobs API');
  const url = jobsUrl ?? missing(target, 'FANFOLD_JOBS_URL');
  const [, place] = /\/v1\/projects\/([^/]+)\/locations\/[^/]+\/batchPredictionJobs\/?$/.exec(url) ?? [];
  const project = place ?? env['GOOGLE_CLOUD_PROJECT'] ?? missing(target, 'GOOGLE_CLOUD_PROJECT');
  const location = env['FANFOLD_LOCATION'] ?? 'us-central1';
  const base = url.replace(/\/+$/, '');
  return {
    target,
    project,
    jobsUrl: place === undefined ? `${base}/v1/projects/${project}/locations/${location}/batchPredictionJobs` : base,
    inputBucket: env['FANFOLD_INPUT_BUCKET'],
    storageEndpoint:
      target === 'emulators'
        ? (env['FANFOLD_STORAGE_ENDPOINT'] ?? missing(target, 'FANFOLD_STORAGE_ENDPOINT'))
        : undefined,
  };
}

function missing(target: RemoteTarget['target'], name: string): never {
  const how =
    target === 'emulators'
      ? 'set what `npm run emulators` prints'
      : `set it to what \`terraform output\` says${name === 'FANFOLD_JOBS_URL' ? ' (jobs_url), or give --jobs-url' : ''}`;
  throw new UsageError(`--target ${target}: ${name} is not set: ${how}`);
}

/** What the jobs API answered, as the command line's error. */
export function toError(status: number, body: unknown): Error {
  const { error } = (body ?? {}) as { error?: { status?: string; message?: string } };
  const message = error?.message ?? `the jobs API answered ${status}`;
  if (status === 401 || status === 403)
    return new PermanentError('PERMISSION_DENIED', `${message}: may you invoke it? (Terraform's invokers)`);
  if (status === 404) return new PermanentError('NOT_FOUND', message);
  return status < 500 ? new PermanentError('FAILED_PRECONDITION', message) : new Error(message);
}
