import { setTimeout as sleep } from 'node:timers/promises';

import { PermanentError } from '../shared/errors.ts';
import { isEnded } from '../shared/job.ts';
import { EXIT, exitCodeOf, UsageError } from './exit.ts';
import { describeJob, jobTable, stateOf } from './job-text.ts';
import { viewOfResource } from './job-view.ts';
import { idOf, JobsClient } from './jobs-client.ts';
import type { JobResource } from './jobs-client.ts';
import { templateOf } from './options.ts';
import type { JobOptions } from './options.ts';
import { number } from './progress.ts';
import { findInputs } from './run-inputs.ts';
import { remoteTarget } from './target.ts';
import type { TargetOptions } from './target.ts';
import { untilInterrupted } from './wait.ts';

/** The job commands on a jobs API: of the emulators, or of Google Cloud. */

interface RemoteOptions extends TargetOptions {
  readonly format: 'table' | 'json';
}

export interface SubmitOptions extends RemoteOptions, JobOptions {
  readonly model: string;
  readonly output?: string;
  readonly jobId?: string;
  readonly watch?: boolean;
}

const POLL_MS = 1_000;
const LINE_MS = 5_000;

export async function submitRemote(inputs: readonly string[], options: SubmitOptions): Promise<number> {
  const client = new JobsClient(remoteTarget(options));
  const { instancesFormat, predictionsFormat, ...template } = templateOf(options);
  const outputConfig = {
    ...(predictionsFormat !== undefined && { predictionsFormat }),
    ...(options.output !== undefined && { gcsDestination: { outputUriPrefix: options.output } }),
  };
  const source = await sourceOf(client, inputs);
  const job = await client.submit(
    {
      ...template,
      model: options.model,
      inputConfig: { ...(instancesFormat !== undefined && { instancesFormat }), ...source },
      ...(Object.keys(outputConfig).length > 0 && { outputConfig }),
    },
    options.jobId,
  );
  if (options.watch === true) return follow(client, job, options);
  tell(job, options);
  return EXIT.succeeded;
}

/** A table of BigQuery, or files. */
async function sourceOf(client: JobsClient, inputs: readonly string[]): Promise<Record<string, unknown>> {
  const [inputUri] = inputs;
  if (inputUri?.startsWith('bq://') !== true)
    return { gcsSource: { uris: await client.upload(await located(inputs)) } };
  if (inputs.length > 1) throw new UsageError(`input ${inputUri}: a job has one table, and no files beside it`);
  return { bigquerySource: { inputUri } };
}

/** Local patterns become files; what is not there is said before anything is uploaded. */
async function located(inputs: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    inputs.map(async (input) => (input.startsWith('gs://') ? [input] : findInputs([input]))),
  );
  return found.flat();
}

export async function listRemote(
  options: RemoteOptions & { readonly limit: number },
  state: string | undefined,
): Promise<void> {
  const client = new JobsClient(remoteTarget(options));
  const jobs = await client.list(options.limit, state === undefined ? undefined : `state="${state}"`);
  print(options.format === 'json' ? json(jobs) : jobTable(jobs.map(viewOfResource)));
}

export async function describeRemote(id: string, options: RemoteOptions): Promise<void> {
  tell(await new JobsClient(remoteTarget(options)).find(id), options);
}

export async function watchRemote(id: string, options: RemoteOptions): Promise<number> {
  const client = new JobsClient(remoteTarget(options));
  return follow(client, await client.find(id), options);
}

export async function cancelRemote(id: string, options: RemoteOptions): Promise<void> {
  const client = new JobsClient(remoteTarget(options));
  const job = await client.find(id);
  if (isEnded(job)) throw new PermanentError('FAILED_PRECONDITION', `job ${idOf(job)} has ended already: ${job.state}`);
  await client.cancel(idOf(job));
  tell(await client.get(idOf(job)), options);
}

/** The deployment runs it; this process does not wait. */
export async function redriveRemote(
  id: string,
  options: RemoteOptions & { readonly model?: string; readonly batchSize?: number },
): Promise<void> {
  const client = new JobsClient(remoteTarget(options));
  const { model, batchSize } = options;
  const job = await client.redrive(idOf(await client.find(id)), {
    ...(model !== undefined && { model }),
    ...(batchSize !== undefined && { manualBatchTuningParameters: { batchSize } }),
  });
  tell(job, options);
}

async function follow(client: JobsClient, first: JobResource, options: RemoteOptions): Promise<number> {
  const interruption = untilInterrupted();
  let job = first;
  for (let told = Date.now(); !isEnded(job);) {
    if ((await Promise.race([sleep(POLL_MS, 'on'), interruption.signal])) === undefined) return EXIT.interrupted;
    job = await client.get(idOf(job));
    if (Date.now() - told < LINE_MS) continue;
    told = Date.now();
    process.stderr.write(`${progressLine(job)}\n`);
  }
  interruption.cancel();
  tell(job, options);
  return exitCodeOf(job.state);
}

function progressLine(job: JobResource): string {
  const { progress } = job;
  if (progress === undefined) return stateOf(job);
  const { results, plannedShards, rows, plannedRows, failed } = progress;
  return `${job.phase ?? ''}: ${number(rows)}/${number(plannedRows)} rows, shards ${results}/${plannedShards}, ${number(failed)} errors`;
}

function tell(job: JobResource, { format }: RemoteOptions): void {
  print(format === 'json' ? json(job) : describeJob(viewOfResource(job)));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function print(text: string): void {
  process.stdout.write(text);
}
