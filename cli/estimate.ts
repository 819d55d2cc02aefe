import type { Command } from 'commander';

import { DEFAULT_FLEET, estimate } from '../shared/estimate.ts';
import type { Estimate, JobSize } from '../shared/estimate.ts';
import { PRICES } from '../shared/prices.ts';
import { UsageError } from './exit.ts';
import { measure } from './measure-input.ts';
import type { MeasureOptions } from './measure-input.ts';
import { addJobOptions, count, formatOption } from './options.ts';
import { duration, number } from './progress.ts';

interface EstimateOptions extends MeasureOptions {
  readonly instances: number;
  readonly format: 'table' | 'json';
}

const EXAMPLES = `
Examples:
  $ fanfold estimate digits.jsonl --model ./digits --key-field id
      measures the model on the first shards of the file, and reckons with the whole
  $ fanfold estimate --rows 1000000000 --row-bytes 1000 --rows-per-second 20000 --instances 1000

Prices and quotas of ${PRICES.asOf}, us-central1. docs/scale.md says how it reckons.`;

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
