import type { Command } from 'commander';

import { upload } from '../functions/upload/upload.ts';
import { acquireLock } from '../infra/local/lock.ts';
import { StderrLogger } from '../infra/local/logger.ts';
import { LocalPipeline } from '../infra/local/pipeline.ts';
import { FolderWatcher } from '../infra/local/watcher.ts';
import { messageOf, PermanentError } from '../shared/errors.ts';
import type { Logger } from '../shared/ports.ts';
import { DEFAULT_PORT, startDevServer } from './dev-server.ts';
import { EXIT } from './exit.ts';
import { count, workersOption } from './options.ts';
import { createStateFolder } from './state-folder.ts';
import type { StateFolder } from './state-folder.ts';
import { untilInterrupted } from './wait.ts';

interface DevOptions {
  readonly workers: number;
  readonly port?: number;
}

const POLL_MS = 300;
const SWEEP_MS = 60_000;

const HELP = `
The state folder holds three buckets: input/, models/ and output/. Put a model at models/<model>/<version>/ (a TensorFlow
SavedModel, an .onnx file or a TensorFlow.js model.json), then drop a file: its folder names the model.

On 127.0.0.1 it serves TensorFlow Serving's REST API (/v1/models/<model>:predict, :classify, :regress, status and metadata), the jobs API
(/v1/projects/local/locations/local/batchPredictionJobs, with gs://input/… and gs://output/…), /metrics and /readyz.

Examples:
  $ fanfold dev ./twin &
  $ mkdir -p twin/models/digits && cp -r examples/models/digits/1 twin/models/digits/1
  $ mkdir -p twin/input/digits && cp digits.jsonl twin/input/digits/
  $ fanfold jobs list --state ./twin
  $ ls twin/output/digits/digits.jsonl/
  $ curl -d '{"instances": [[0.0, 0.5]]}' http://127.0.0.1:8501/v1/models/digits:predict

input/<model>/fanfold.json is the template of that model's jobs, for example {"instanceConfig": {"keyField": "key"}}.`;

export function addDevCommand(program: Command, exit: (code: number) => void): void {
  program
    .command('dev')
    .summary('keep the pipeline running on a folder')
    .description('The local twin of the deployed pipeline: drop files into a folder, find ordered output in another.')
    .argument('[folder]', 'the state folder; made where it is missing', process.env['FANFOLD_STATE'] ?? 'fanfold-state')
    .addOption(workersOption())
    .option(
      '--port <port>',
      `where the HTTP APIs are, on 127.0.0.1 (default: ${DEFAULT_PORT}, or a free one where that is taken)`,
      count(0, 65_535),
    )
    .addHelpText('after', HELP)
    .action(async (folder: string, options: DevOptions) => {
      exit(await dev(createStateFolder(folder), options));
    });
}

/** The buckets of a state folder, by name. Folders for people are named by their path, so that messages and manifests show it. */
export function bucketsOf(state: StateFolder): Record<string, string | { root: string; durable: boolean }> {
  return {
    [state.input]: state.input,
    [state.output]: state.output,
    // As the jobs API's URIs name them.
    input: state.input,
    output: state.output,
    scratch: { root: state.scratch, durable: false },
  };
}

export function pipelineOf(state: StateFolder, workers: number, logger: Logger): LocalPipeline {
  return new LocalPipeline({
    ledger: state.ledger,
    buckets: bucketsOf(state),
    models: { kind: 'root', folder: state.models },
    workers,
    logger,
  });
}

async function dev(state: StateFolder, { workers, port }: DevOptions): Promise<number> {
  const lock = acquireLock(state.lock);
  if (lock === undefined) throw new PermanentError('ABORTED', `another fanfold dev runs on ${state.root}`);
  const logger = new StderrLogger({ format: process.stderr.isTTY ? 'text' : 'json', minimum: 'INFO' });
  const pipeline = pipelineOf(state, workers, logger);
  const target = { outputBucket: state.output, scratchBucket: 'scratch' };
  const watcher = new FolderWatcher(pipeline.ports.objects, state.input, async (object) => {
    const job = await upload(pipeline.ports, object, target);
    if (job !== undefined) logger.log('INFO', `${object.name} is job ${job.id}`, { state: job.state });
  });
  const interruption = untilInterrupted();
  const tending = repeat(POLL_MS, logger, () => pipeline.adopt());
  const sweeping = repeat(SWEEP_MS, logger, () => pipeline.sweep());
  const server = await startDevServer({ ports: pipeline.ports, workers, port }).catch(async (error: unknown) => {
    interruption.cancel();
    await Promise.all([tending.stop(), sweeping.stop()]);
    await pipeline.close();
    lock.release();
    throw error;
  });
  try {
    await pipeline.resume();
    const watching = repeat(POLL_MS, logger, () => watcher.look());
    process.stderr.write(
      `serving ${server.url}/v1/models/<model>:predict and ${server.url}/v1/projects/local/locations/local/batchPredictionJobs\n`,
    );
    process.stderr.write(
      `fanfold dev on ${state.root}: drop files into input/<model>/; Ctrl-C stops, work done is kept\n`,
    );
    await interruption.signal;
    await watching.stop();
  } finally {
    interruption.cancel();
    await server.close();
    await tending.stop();
    await sweeping.stop();
    await pipeline.close();
    lock.release();
  }
  return EXIT.succeeded;
}

/** Runs a task again and again, one at a time, with a pause between; a failure is logged, and the next round tries again. */
function repeat(pauseMs: number, logger: Logger, task: () => Promise<void>): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await task();
      } catch (error) {
        logger.log('ERROR', messageOf(error));
      }
      await new Promise<void>((wake) => {
        const timer = setTimeout(wake, pauseMs);
        stopping.signal.addEventListener('abort', () => {
          clearTimeout(timer);
          wake();
        });
      });
    }
  };
  const done = loop();
  return {
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}
