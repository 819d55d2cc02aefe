import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Command } from 'commander';

import { ModelCache } from '../functions/score/model-cache.ts';
import { scoreShard } from '../functions/score/score-shard.ts';
import { cutSplit } from '../functions/split/cut-split.ts';
import { planJob } from '../functions/upload/create-job.ts';
import { SystemClock } from '../infra/local/clock.ts';
import { openModels } from '../infra/local/model-source.ts';
import type { ModelSource } from '../infra/local/model-source.ts';
import { LocalObjectStore } from '../infra/local/object-store.ts';
import { MemoryLedger } from '../infra/memory/ledger.ts';
import { MemoryQueue } from '../infra/memory/queue.ts';
import { PermanentError } from '../shared/errors.ts';
import { DEFAULT_FLEET, estimate } from '../shared/estimate.ts';
import type { Estimate, JobSize } from '../shared/estimate.ts';
import { PRICES } from '../shared/prices.ts';
import type { Shard } from '../shared/shard.ts';
import { splitAt } from '../shared/split-plan.ts';
import { UsageError } from './exit.ts';
import { modelArgument } from './model-argument.ts';
import { addJobOptions, count, formatOption, templateOf } from './options.ts';
import type { JobOptions } from './options.ts';
import { duration, number } from './progress.ts';
import { findInputs } from './run-inputs.ts';

interface EstimateOptions extends JobOptions {
  readonly model?: string;
  readonly models: string;
  readonly rows?: number;
  readonly rowBytes?: number;
  readonly outputBytes?: number;
  readonly rowsPerSecond?: number;
  readonly instances: number;
  readonly format: 'table' | 'json';
}

const EXAMPLES = `
Examples:
  $ fanfold estimate digits.jsonl --model ./digits --key-field id
      measures the model on the first shards of the file, and reckons with the whole
  $ fanfold estimate --rows 1000000000 --row-bytes 1000 --rows-per-second 20000 --instances 1000

Prices and quotas of ${PRICES.asOf}, us-central1. docs/scale.md says how it reckons.`;

/** How much of the input is scored to measure rows a second. */
const SAMPLE_SHARDS = 4;

export function addEstimateCommand(program: Command, _exit: (code: number) => void): void {
  const command = program
    .command('estimate')
    .summary('time and dollars of a job on Google Cloud')
    .description(
      'What a job would take on Google Cloud: time, messages, documents, dollars, and the quota that binds first.',
    )
    .argument('[input...]', 'files whose size counts and whose first rows are measured')
    .option('--model <dir|name[@version]>', 'the model to measure')
    .option('--models <dir>', 'the folder of models by name', process.env['FANFOLD_MODELS'] ?? 'models')
    .option('--rows <n>', 'rows, where there is no input', count(1, Number.MAX_SAFE_INTEGER))
    .option('--row-bytes <n>', 'bytes of an input row', count(1, 2 ** 31))
    .option('--output-bytes <n>', 'bytes of an output row; default: 100', count(1, 2 ** 31))
    .option('--rows-per-second <n>', 'rows that one vCPU scores in a second', count(1, 1e9))
    .option('--instances <n>', 'most instances of the score function', count(1, 100_000), DEFAULT_FLEET.instances);
  addJobOptions(command)
    .addOption(formatOption())
    .addHelpText('after', EXAMPLES)
    .action(async (inputs: string[], options: EstimateOptions) => {
      const size = inputs.length > 0 ? await measure(inputs, options) : given(options);
      const result = estimate(size, { ...DEFAULT_FLEET, instances: options.instances });
      process.stdout.write(
        options.format === 'json'
          ? `${JSON.stringify({ ...size, ...result }, undefined, 2)}\n`
          : describe(size, result),
      );
    });
}

function given({ rows, rowBytes, rowsPerSecond, outputBytes = 100 }: EstimateOptions): JobSize {
  if (rows === undefined || rowBytes === undefined || rowsPerSecond === undefined) {
    throw new UsageError('name an input and its --model, or give --rows, --row-bytes and --rows-per-second');
  }
  return { rows, rowBytes, rowsPerSecond, outputBytes };
}

/** Scores the first shards, twice: the second time the code is warm. What the options give is not measured. */
async function measure(patterns: readonly string[], options: EstimateOptions): Promise<JobSize> {
  if (options.model === undefined) throw new UsageError('--model: name the model that would score the input');
  const files = await findInputs(patterns);
  const { source, reference } = await modelArgument(options.model, options.models);
  // Rows of a table are staged, as in a run.
  const scratch = mkdtempSync(join(tmpdir(), 'fanfold-estimate-'));
  try {
    const objects = new LocalObjectStore({ '/': '/', scratch: { root: scratch, durable: false } });
    return await measureFiles(objects, files, source, reference, options);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function measureFiles(
  objects: LocalObjectStore,
  files: readonly string[],
  source: ModelSource,
  reference: string,
  options: EstimateOptions,
): Promise<JobSize> {
  const models = openModels(source);
  const job = await planJob(
    { objects, models, ledger: new MemoryLedger(), queue: new MemoryQueue(), clock: new SystemClock() },
    {
      id: 'estimate',
      model: reference,
      inputs: files.map((file) => ({ bucket: '/', name: file.slice(1) })),
      template: templateOf(options),
      output: () => ({ bucket: '/', results: '', errors: '', manifest: '' }),
      scratchBucket: 'scratch',
    },
  );
  const [input] = job.plan.inputs;
  if (job.plan.splits === 0 || input === undefined) throw new PermanentError('INVALID_ARGUMENT', 'the input is empty');
  if (input.compression !== 'none')
    throw new UsageError(`${input.name} is compressed: measure an uncompressed piece of it`);
  const sample: Shard[] = [];
  const { rows: firstRows } = await cutSplit(
    objects,
    job,
    splitAt(job.plan, 0),
    undefined,
    (shard) => shard < SAMPLE_SHARDS,
    (shard) => {
      if (sample.length < SAMPLE_SHARDS) sample.push(shard);
      return Promise.resolve();
    },
  );
  const cache = new ModelCache(models);
  let seconds = 0;
  let outputBytes = 0;
  for (const round of [1, 2]) {
    const started = performance.now();
    outputBytes = 0;
    for (const shard of sample) {
      const { lines } = await scoreShard(
        { objects, models: cache },
        { shard, input, spec: job.spec, model: job.plan.model },
      );
      outputBytes += lines.length;
    }
    if (round === 2) seconds = (performance.now() - started) / 1000;
  }
  const rows = sample.reduce((sum, shard) => sum + shard.rows, 0);
  const bytes = sample.reduce((sum, shard) => sum + shard.end - shard.start, 0);
  const rowBytes = options.rowBytes ?? bytes / rows;
  const size = job.plan.inputs.reduce((sum, one) => sum + one.size - one.headerBytes, 0);
  // A table's size says nothing of its rows as JSON; its units are much alike.
  const tables = job.plan.inputs.every(({ table }) => table !== undefined);
  const total = tables ? firstRows * job.plan.splits : Math.round(size / rowBytes);
  return {
    rows: options.rows ?? Math.max(1, total),
    rowBytes,
    outputBytes: options.outputBytes ?? outputBytes / rows,
    rowsPerSecond: options.rowsPerSecond ?? Math.round(rows / seconds),
  };
}

function describe({ rows, rowBytes, rowsPerSecond, outputBytes }: JobSize, result: Estimate): string {
  const money = (dollars: number): string => `$${dollars < 0.01 ? dollars.toPrecision(2) : dollars.toFixed(2)}`;
  const parts = Object.entries(result.dollarsBy).map(([what, dollars]) => `${what} ${money(dollars)}`);
  const lines: [string, string][] = [
    ['rows', `${number(rows)} of ${number(Math.round(rowBytes))} bytes, ${number(Math.round(outputBytes))} bytes out`],
    ['speed', `${number(rowsPerSecond)} rows/s on one vCPU`],
    ['time', `${duration(Math.ceil(result.seconds))}; what binds first: ${result.binds}`],
    ['cost', `${money(result.dollars)} (${parts.join(', ')})`],
    ['per million', money((1e6 * result.dollars) / rows)],
    ['work', `${number(result.splits)} splits, ${number(result.shards)} shards, ${number(result.messages)} messages`],
    [
      'documents',
      `${number(result.documentWrites)} writes, ${number(result.documentReads)} reads, ${number(result.documentDeletes)} deletes`,
    ],
    ['objects', `${number(result.storageClassA)} class A, ${number(result.storageClassB)} class B operations`],
  ];
  return lines.map(([title, text]) => `${title.padEnd(13)}${text}\n`).join('');
}
