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
import { count, formatOption, workersOption } from './options.ts';
import { ProgressReporter } from './progress.ts';
import { existingStateFolder, stateOption } from './state-folder.ts';
import type { StateFolder } from './state-folder.ts';
import { untilEnded, untilInterrupted } from './wait.ts';

interface JobsOptions {
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

type JobPorts = Pick<Ports, 'objects' | 'ledger' | 'models' | 'clock' | 'logger'>;

export function addJobsCommand(program: Command, exit: (code: number) => void): void {
  const jobs = program
    .command('jobs')
    .description('Look after the jobs of a `fanfold dev` state folder, while it runs and after.');
  const shared = (command: Command): Command => command.addOption(stateOption()).addOption(formatOption());
  const one = (command: Command): Command =>
    shared(command.argument('<job>', "the job's id, or the first characters of it"));

  shared(jobs.command('list').description('List jobs, newest first.'))
    .option('--filter <state>', 'only jobs in this state, for example running or failed')
    .option('--limit <jobs>', 'at most so many', count(1, 10_000), 50)
    .action(async (options: ListOptions) => {
      await withPorts(options, ({ ledger }) => list(ledger, options));
    });
  one(jobs.command('describe').description('Tell everything about one job.')).action(
    async (id: string, options: JobsOptions) => {
      await withPorts(options, async ({ ledger }) => {
        const job = await find(ledger, id);
        const progress = isEnded(job) ? undefined : await ledger.progress(job.id);
        print(options.format === 'json' ? json(jobResource(job, progress)) : describeJob(job, progress));
      });
    },
  );
  one(jobs.command('watch').description('Follow a job until it ends; the exit code tells how.')).action(
    async (id: string, options: JobsOptions) => {
      await withPorts(options, async ({ ledger }) => {
        exit(await watch(ledger, await find(ledger, id), options));
      });
    },
  );
  one(jobs.command('cancel').description('Stop a job; what it has not written stays unwritten.')).action(
    async (id: string, options: JobsOptions) => {
      await withPorts(options, async (ports) => {
        const job = await find(ports.ledger, id);
        if (isEnded(job))
          throw new PermanentError('FAILED_PRECONDITION', `job ${job.id} has ended already: ${job.state}`);
        tell(await cancelJob(ports, job.id), options);
      });
    },
  );
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
      '\nExamples:\n  $ fanfold jobs redrive j3f2a --model digits@4 --state ./twin\n  $ fanfold jobs redrive j3f2a --batch-size 1',
    )
    .action(async (id: string, options: RedriveOptions) => {
      exit(await redrive(existingStateFolder(options.state), id, options));
    });
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

async function list(ledger: Ledger, { filter, limit, format }: ListOptions): Promise<void> {
  const states = filter === undefined ? {} : { states: [stateNamed(filter)] };
  const { jobs } = await ledger.listJobs({ pageSize: limit, ...states });
  const rows = await Promise.all(
    jobs.map(async (job) => ({ job, progress: isEnded(job) ? undefined : await ledger.progress(job.id) })),
  );
  print(format === 'json' ? json(rows.map(({ job, progress }) => jobResource(job, progress))) : jobTable(rows));
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
  print(format === 'json' ? json(jobResource(job)) : describeJob(job, undefined));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function print(text: string): void {
  process.stdout.write(text);
}
