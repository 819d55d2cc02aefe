import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import type { Command } from 'commander';

import { sweepTemporaryFiles } from '../infra/local/files.ts';
import { acquireLock } from '../infra/local/lock.ts';
import type { Lock } from '../infra/local/lock.ts';
import { StderrLogger } from '../infra/local/logger.ts';
import { LocalPipeline } from '../infra/local/pipeline.ts';
import { planJob, startJob } from '../functions/upload/create-job.ts';
import type { JobRequest } from '../functions/upload/create-job.ts';
import { PermanentError } from '../shared/errors.ts';
import { isEnded } from '../shared/job.ts';
import type { Job, PredictionsFormat } from '../shared/job.ts';
import { jobIdOf } from '../shared/names.ts';
import { predictionsFormatFromName } from '../shared/predictions/registry.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { modelArgument } from './model-argument.ts';
import { addJobOptions, formatOption, templateOf, workersOption } from './options.ts';
import type { JobOptions } from './options.ts';
import { ProgressReporter } from './progress.ts';
import { differences } from './run-differences.ts';
import { findInputs } from './run-inputs.ts';
import { reportRun } from './run-report.ts';
import { runTarget } from './run-target.ts';
import type { RunTarget } from './run-target.ts';
import { untilInterrupted } from './wait.ts';

interface RunOptions extends JobOptions {
  readonly model: string;
  readonly models: string;
  readonly output: string;
  readonly workers: number;
  readonly force?: boolean;
  readonly format: 'table' | 'json';
}

const EXAMPLES = `
Examples:
  $ fanfold run digits.jsonl --model ./digits --key-field id --output predictions.jsonl
      one line per input line, in the same order: {"key":…,"prediction":…} or {"key":…,"error":…}
  $ fanfold run 'logs/2026-*.csv.gz' --model churn@3 --models ./models --row-keys --output out/
      several files in one job; the output is a new folder out/prediction-churn-<time>/
  $ fanfold run big.jsonl --model ./net --output scored.jsonl --workers 8 --batch-size 512
      stop it with Ctrl-C or kill it: the same command again goes on where it stopped
  $ fanfold run users.csv --model churn --models ./models --key-field id --output churn.parquet
      written as the suffix says (.jsonl, .csv, .tfrecord, .parquet), or as --predictions-format does

Inputs: .jsonl (or .ndjson), .csv, .tfrecord and .txt (a list of files, one a line), each also gzipped (.gz) or as .zst, .zlib; .npy, .npz and
.parquet. A model is a folder with a TensorFlow SavedModel, an .onnx file or a TensorFlow.js model.json, or a folder of numbered versions of one.
Beside the output stand <output>.manifest.json and <output>.errors_stats.
Exit codes: 0 succeeded, 1 failed, 2 wrong usage, 3 partially succeeded (some rows are errors), 130 interrupted.`;

export function addRunCommand(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('run')
    .summary('score files on this machine')
    .description(
      'Score files of instances on this machine: one ordered line per instance. Interrupted, the same command resumes.',
    )
    .argument('<input...>', 'files or globs; several make one job, in the order given')
    .requiredOption('--model <dir|name[@version]>', 'a model folder, or a name in the folder of models')
    .option('--models <dir>', 'the folder of models by name', process.env['FANFOLD_MODELS'] ?? 'models')
    .requiredOption('--output <file|dir>', 'where the results go: a file, or a folder that gets a new one inside');
  addJobOptions(command)
    .addOption(workersOption())
    .addOption(formatOption())
    .option('--force', 'overwrite existing output; start over where an unfinished run cannot be resumed')
    .addHelpText('after', EXAMPLES)
    .action(async (inputs: string[], options: RunOptions) => {
      exit(await run(inputs, options));
    });
}

async function run(patterns: readonly string[], options: RunOptions): Promise<number> {
  const predictionsFormat = options.predictionsFormat ?? formatOfOutput(options.output);
  const template = { ...templateOf(options), predictionsFormat };
  const inputs = await findInputs(patterns);
  const model = await modelArgument(options.model, options.models);
  const target = runTarget(options.output);
  const lock = await lockState(target, options.output);
  const pipeline = new LocalPipeline({
    ledger: join(target.stateFolder, 'ledger.db'),
    buckets: {
      '/': '/',
      [target.folder]: target.folder,
      scratch: { root: join(target.stateFolder, 'scratch'), durable: false },
    },
    models: model.source,
    workers: options.workers,
    disposable: true,
    logger: new StderrLogger({ format: 'text', minimum: 'ERROR' }),
  });
  const session: Session = { pipeline, lock, target, options };
  try {
    return await runJob(session, {
      id: jobIdOf('run', target.stateFolder),
      model: model.reference,
      inputs: inputs.map((file) => ({ bucket: '/', name: file.slice(1) })),
      template,
      output: target.output,
      scratchBucket: 'scratch',
    });
  } finally {
    const unfinished = await pipeline.unfinished();
    await pipeline.stop();
    lock.release();
    if (!unfinished) rmSync(target.stateFolder, { recursive: true, force: true });
  }
}

/** A folder's results are JSON lines; so are those of a file whose suffix says nothing. */
function formatOfOutput(output: string): PredictionsFormat {
  return predictionsFormatFromName(output) ?? 'jsonl';
}

interface Session {
  readonly pipeline: LocalPipeline;
  readonly lock: Lock;
  readonly target: RunTarget;
  readonly options: RunOptions;
}

async function runJob(session: Session, request: JobRequest): Promise<number> {
  const { pipeline, options } = session;
  const started = Date.now();
  const interruption = untilInterrupted();
  const job = await Promise.race([resumeOrStart(session, request), interruption.signal]);
  const progress = job && new ProgressReporter(pipeline.ports.ledger, job);
  progress?.start();
  const ended =
    job === undefined || isEnded(job) ? job : await Promise.race([pipeline.untilEnded(job.id), interruption.signal]);
  interruption.cancel();
  progress?.stop(ended);
  if (ended === undefined) {
    process.stderr.write('interrupted: what is done is kept; the same command goes on from there\n');
    return EXIT.interrupted;
  }
  reportRun(ended, options.format, Date.now() - started);
  return exitCodeOf(ended.state);
}

/** Goes on with the unfinished job of the same output, or makes a new one. */
async function resumeOrStart(session: Session, request: JobRequest): Promise<Job> {
  const { pipeline, options } = session;
  const { ledger } = pipeline.ports;
  const unfinished = await ledger.getJob(request.id);
  if (unfinished !== undefined) await sweepTemporaryFiles(outputFolderOf(unfinished), { recursive: false });
  const asked = await planJob(pipeline.ports, request);
  if (unfinished !== undefined && isEnded(unfinished) && unfinished.outcome === undefined) {
    await deleteUnfinished(session, unfinished);
  } else if (unfinished !== undefined) {
    const changes = differences(unfinished, asked);
    if (changes.length === 0) {
      const progress = await ledger.progress(unfinished.id);
      process.stderr.write(`resuming: ${progress.rows} rows are done already\n`);
      await pipeline.resume();
      return (await ledger.getJob(unfinished.id)) ?? unfinished;
    }
    if (options.force !== true) throw new PermanentError('FAILED_PRECONDITION', refusal(options.output, changes));
    await deleteUnfinished(session, unfinished);
  }
  clearOutput(asked, options);
  await ledger.createJob(asked);
  return startJob(pipeline.ports, asked);
}

/** Where the results go, and where a killed run may have left them half written. */
function outputFolderOf({ plan }: Job): string {
  return dirname(join(plan.output.bucket, plan.output.results));
}

function refusal(output: string, changes: readonly string[]): string {
  const list = changes.map((change) => `\n  - ${change}`).join('');
  return `${output} belongs to an unfinished run of another job; since then:${list}\nUndo that to resume it, or start over with --force.`;
}

/** Forgets an unfinished job and all that it left: its ledger entry, its scratch, and output that it had begun. */
async function deleteUnfinished({ pipeline }: Session, job: Job): Promise<void> {
  const { objects, ledger } = pipeline.ports;
  const { bucket, prefix } = job.plan.scratch;
  for await (const object of objects.list(bucket, prefix)) await objects.delete(bucket, object.name);
  const { output } = job.plan;
  if (!isEnded(job))
    for (const name of [output.results, output.errors, output.manifest]) await objects.delete(output.bucket, name);
  await ledger.deleteJob(job.id);
}

/** @throws PermanentError ALREADY_EXISTS where output is there and must stay. */
function clearOutput({ plan }: Job, { force, output }: RunOptions): void {
  const files = [plan.output.results, plan.output.errors, plan.output.manifest].map((name) =>
    join(plan.output.bucket, name),
  );
  const existing = files.filter((file) => existsSync(file));
  if (existing.length === 0) return;
  if (force !== true) {
    const names = existing.map((file) => basename(file)).join(', ');
    throw new PermanentError(
      'ALREADY_EXISTS',
      `output ${output} exists already (${names}): choose another, or overwrite it with --force`,
    );
  }
  for (const file of existing) rmSync(file);
}

/** How long a lock may take to come free: a killed process lets go of it only when the kernel has cleared it away. */
const LOCK_WAIT_MS = 3_000;

async function lockState(target: RunTarget, output: string): Promise<Lock> {
  mkdirSync(target.stateFolder, { recursive: true });
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    const lock = acquireLock(join(target.stateFolder, 'lock'));
    if (lock !== undefined) return lock;
    if (Date.now() > deadline)
      throw new PermanentError('ABORTED', `another fanfold run is writing ${output}: wait for it, or stop it`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}
