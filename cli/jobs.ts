import type { Command } from 'commander';

import { cancelJob } from '../functions/job-task.ts';
import { createRedrive } from '../functions/jobs/redrive.ts';
import { startJob } from '../functions/upload/create-job.ts';
import { SystemClock } from '../infra/local/clock.ts';
import { LocalLedger } from '../infra/local/ledger.ts';
import { acquireLock } from '../infra/local/lock.ts';
import { StderrLogger } from '../infra/local/logger.ts';
import { LocalModelStore } from '../infra/local/model-store.ts';
import { LocalObjectStore } from '../infra/local/object-store.ts';
import { PermanentError } from '../shared/errors.ts';
import { jobResource } from '../shared/job-resource.ts';
import { isEnded, JOB_STATES } from '../shared/job.ts';
import type { Job } from '../shared/job.ts';
import type { Ledger, Ports } from '../shared/ports.ts';
import { bucketsOf, pipelineOf } from './dev.ts';
import { EXIT, exitCodeOf, UsageError } from './exit.ts';
import { describeJob, jobTable } from './job-text.ts';
import { viewOfJob } from './job-view.ts';
import { addJobOptions, count, examples, formatOption, workersOption } from './options.ts';
import { ProgressReporter } from './progress.ts';
import type * as remote from './remote-jobs.ts';
import type { SubmitOptions } from './remote-jobs.ts';
import { existingStateFolder, stateOption } from './state-folder.ts';
import type { StateFolder } from './state-folder.ts';
import { jobsUrlOption, targetOption } from './target.ts';
import type { TargetOptions } from './target.ts';
import { untilEnded, untilInterrupted } from './wait.ts';

interface JobsOptions extends TargetOptions {
  readonly state: string;
  readonly format: 'table' | 'json';
}

interface ListOptions extends JobsOptions {
  readonly filter?: string;
  readonly limit: number;
}

interface RedriveOptions extends JobsOptions {
  readonly model?: string;
  readonly batchSize?: number;
  readonly workers: number;
}

type RemoteJobs = typeof remote;
type JobPorts = Pick<Ports, 'objects' | 'ledger' | 'models' | 'clock' | 'logger'>;

export function addJobsCommand(program: Command, exit: (code: number) => void): void {
  const jobs = program
    .command('jobs')
    .description('Submit and look after jobs: of the emulators, of Google Cloud, or of a `fanfold dev` state folder.');
  const placed = (command: Command): Command =>
    command.addOption(targetOption()).addOption(jobsUrlOption()).addOption(formatOption());
  const shared = (command: Command): Command => placed(command.addOption(stateOption()));
  const one = (command: Command): Command =>
    shared(command.argument('<job>', "the job's id, or the first characters of it"));

  placed(addJobOptions(jobs.command('submit').description('Submit a job to the emulators or to Google Cloud.')))
    .argument('<inputs...>', 'gs:// URIs, or files here, which are uploaded first; or one bq://project.dataset.table')
    .requiredOption('--model <name[@version]>', 'the model, in the models bucket')
    .option('--output <uri>', "a gs:// folder for the job's own folder; default: the output bucket")
    .option('--job-id <id>', "the job's id; default: one is made up")
    .option('--watch', 'follow the job until it ends; the exit code tells how')
    .addHelpText('after', SUBMIT_EXAMPLE)
    .action(async (inputs: string[], options: SubmitOptions) => {
      if (options.target === 'local') throw new UsageError(NO_LOCAL_SUBMIT);
      exit(await (await remoteJobs()).submitRemote(inputs, options));
    });
  shared(jobs.command('list').description('List jobs, newest first.'))
    .option('--filter <state>', 'only jobs in this state, for example running or failed')
    .option('--limit <jobs>', 'at most so many', count(1, 10_000), 50)
    .addHelpText('after', examples('fanfold jobs list --state ./twin --filter failed --format json'))
    .action(async (options: ListOptions) => {
      const state = options.filter === undefined ? undefined : stateNamed(options.filter);
      if (options.target !== 'local') await (await remoteJobs()).listRemote(options, state);
      else await withPorts(options, ({ ledger }) => list(ledger, options, state));
    });
  one(
    jobs
      .command('describe')
      .description('Tell everything about one job.')
      .addHelpText('after', examples('fanfold jobs describe j3f2a --state ./twin')),
  ).action(async (id: string, options: JobsOptions) => {
    if (options.target !== 'local') await (await remoteJobs()).describeRemote(id, options);
    else await withPorts(options, ({ ledger }) => describe(ledger, id, options));
  });
  one(
    jobs
      .command('watch')
      .description('Follow a job until it ends; the exit code tells how.')
      .addHelpText('after', examples('fanfold jobs watch j3f2a --state ./twin')),
  ).action(async (id: string, options: JobsOptions) => {
    if (options.target !== 'local') {
      exit(await (await remoteJobs()).watchRemote(id, options));
      return;
    }
    await withPorts(options, async ({ ledger }) => {
      exit(await watch(ledger, await find(ledger, id), options));
    });
  });
  one(
    jobs
      .command('cancel')
      .description('Stop a job; what it has not written stays unwritten.')
      .addHelpText('after', examples('fanfold jobs cancel j3f2a --state ./twin')),
  ).action(async (id: string, options: JobsOptions) => {
    if (options.target !== 'local') await (await remoteJobs()).cancelRemote(id, options);
    else await withPorts(options, (ports) => cancel(ports, id, options));
  });
  one(
    jobs
      .command('redrive')
      .description("Score a job's failed shards again, into a new output folder; the other rows are kept."),
  )
    .option('--model <name[@version]>', 'another model version; default: the one that the job had')
    .option('--batch-size <rows>', 'rows in one call to the model', count(1, 1_000_000))
    .addOption(workersOption())
    .addHelpText(
      'after',
      examples(
        'fanfold jobs redrive j3f2a --model digits@4 --state ./twin',
        'fanfold jobs redrive j3f2a --batch-size 1 --state ./twin',
      ),
    )
    .action(async (id: string, options: RedriveOptions) => {
      if (options.target !== 'local') await (await remoteJobs()).redriveRemote(id, options);
      else exit(await redrive(existingStateFolder(options.state), id, options));
    });
}

const SUBMIT_EXAMPLE = `
Examples:
  $ fanfold jobs submit digits.jsonl --model digits --key-field id --target emulators --watch
  $ fanfold jobs submit 'gs://my-input/batch/*.jsonl' --model digits@3 --target gcp`;

const NO_LOCAL_SUBMIT =
  'jobs submit needs --target emulators or gcp. Here, `fanfold run` scores files, and `fanfold dev` those that are dropped into its input folder';

/** Loaded only where it is asked for: local commands start faster without. */
function remoteJobs(): Promise<RemoteJobs> {
  return import('./remote-jobs.ts');
}

async function withPorts(options: JobsOptions, use: (ports: JobPorts) => Promise<void>): Promise<void> {
  const state = existingStateFolder(options.state);
  const ledger = new LocalLedger(state.ledger);
  try {
    await use({ ...portsOf(state), ledger });
  } finally {
    ledger.close();
  }
}

function portsOf(state: StateFolder): Omit<JobPorts, 'ledger'> {
  return {
    objects: new LocalObjectStore(bucketsOf(state)),
    models: new LocalModelStore(state.models),
    clock: new SystemClock(),
    logger: new StderrLogger({ format: 'text', minimum: 'WARNING' }),
  };
}

async function list(ledger: Ledger, { limit, format }: ListOptions, state: string | undefined): Promise<void> {
  const states = state === undefined ? {} : { states: [state] };
  const { jobs } = await ledger.listJobs({ pageSize: limit, ...states });
  const rows = await Promise.all(
    jobs.map(async (job) => ({ job, progress: isEnded(job) ? undefined : await ledger.progress(job.id) })),
  );
  print(
    format === 'json'
      ? json(rows.map(({ job, progress }) => jobResource(job, progress)))
      : jobTable(rows.map(({ job, progress }) => viewOfJob(job, progress))),
  );
}

function stateNamed(filter: string): string {
  const wanted = filter.toUpperCase().replaceAll('-', '_').replace('JOB_STATE_', '');
  const state = JOB_STATES.find((name) => name === `JOB_STATE_${wanted}`);
  if (state !== undefined) return state;
  const known = JOB_STATES.map((name) => name.replace('JOB_STATE_', '').toLowerCase()).join(', ');
  throw new UsageError(`--filter ${filter}: no such state; there are ${known}`);
}

/** @throws PermanentError NOT_FOUND, or INVALID_ARGUMENT where several jobs start so. */
async function find(ledger: Ledger, id: string): Promise<Job> {
  const exact = await ledger.getJob(id);
  if (exact !== undefined) return exact;
  const { jobs } = await ledger.listJobs({ pageSize: 10_000 });
  const matches = jobs.filter((job) => job.id.startsWith(id));
  const [match] = matches;
  if (match === undefined) throw new PermanentError('NOT_FOUND', `no job ${id}: see \`fanfold jobs list\``);
  if (matches.length > 1)
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `${id} may be ${matches.map((job) => job.id).join(', ')}: say more of it`,
    );
  return match;
}

async function watch(ledger: Ledger, job: Job, options: JobsOptions): Promise<number> {
  const progress = new ProgressReporter(ledger, job);
  const interruption = untilInterrupted();
  progress.start();
  const ended = await Promise.race([untilEnded(ledger, job.id), interruption.signal]);
  progress.stop(ended);
  interruption.cancel();
  if (ended === undefined) return EXIT.interrupted;
  tell(ended, options);
  return exitCodeOf(ended.state);
}

async function describe(ledger: Ledger, id: string, { format }: JobsOptions): Promise<void> {
  const job = await find(ledger, id);
  const progress = isEnded(job) ? undefined : await ledger.progress(job.id);
  print(format === 'json' ? json(jobResource(job, progress)) : describeJob(viewOfJob(job, progress)));
}

async function cancel(ports: JobPorts, id: string, options: JobsOptions): Promise<void> {
  const job = await find(ports.ledger, id);
  if (isEnded(job)) throw new PermanentError('FAILED_PRECONDITION', `job ${job.id} has ended already: ${job.state}`);
  tell(await cancelJob(ports, job.id), options);
}

/** Where `fanfold dev` runs, it takes the new job up; else this process runs it to its end. */
async function redrive(state: StateFolder, id: string, options: RedriveOptions): Promise<number> {
  const request = {
    ...(options.model !== undefined && { model: options.model }),
    ...(options.batchSize !== undefined && { batchSize: options.batchSize }),
  };
  const lock = acquireLock(state.lock);
  if (lock === undefined) {
    await withPorts(options, async (ports) => {
      const job = await createRedrive(ports, { ...request, job: (await find(ports.ledger, id)).id });
      tell(job, options);
    });
    return EXIT.succeeded;
  }
  const pipeline = pipelineOf(state, options.workers, new StderrLogger({ format: 'text', minimum: 'WARNING' }));
  try {
    const { ledger } = pipeline.ports;
    const job = await createRedrive(pipeline.ports, { ...request, job: (await find(ledger, id)).id });
    await startJob(pipeline.ports, job);
    return await watch(ledger, job, options);
  } finally {
    await pipeline.close();
    lock.release();
  }
}

function tell(job: Job, { format }: JobsOptions): void {
  print(format === 'json' ? json(jobResource(job)) : describeJob(viewOfJob(job, undefined)));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function print(text: string): void {
  process.stdout.write(text);
}
