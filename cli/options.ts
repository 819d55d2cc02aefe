import { availableParallelism } from 'node:os';

import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';

import { TEMPLATE_DEFAULTS } from '../shared/config.ts';
import { DECLARED_FORMATS } from '../shared/formats/format.ts';
import type { DeclaredFormat } from '../shared/formats/format.ts';
import type { JobTemplate } from '../shared/job-template.ts';
import { PREDICTIONS_FORMATS } from '../shared/job.ts';
import type { PredictionsFormat } from '../shared/job.ts';
import { UsageError } from './exit.ts';

/** The options that say how instances are read, scored and judged: the same wherever a job is made. */
export interface JobOptions {
  readonly instancesFormat?: DeclaredFormat;
  readonly predictionsFormat?: PredictionsFormat;
  readonly keyField?: string;
  readonly rowKeys?: boolean;
  readonly includedFields?: readonly string[];
  readonly excludedFields?: readonly string[];
  readonly instanceType?: 'object' | 'array';
  readonly signature?: string;
  readonly batchSize?: number;
  readonly maxItemsPerBatch?: number;
  readonly maxInputBytesPerBatch?: number;
  readonly maxRowBytes?: number;
  readonly toleratedFailurePercentage?: number;
  readonly toleratedFailureCount?: number;
  readonly displayName?: string;
}

/** The widest shard that a job may ask for. */
const MAX_BYTES = 64 * 1024 * 1024;

export function addJobOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--instances-format <format>', 'what the inputs hold; default: by their suffix').choices(
        DECLARED_FORMATS,
      ),
    )
    .addOption(
      new Option(
        '--predictions-format <format>',
        'what the results are written as; default: by the suffix of the output file, else jsonl',
      ).choices(PREDICTIONS_FORMATS),
    )
    .option(
      '--key-field <name>',
      'the field that holds the instance key: taken out before the model sees it, and put into the output line',
    )
    .option('--row-keys', 'use the row (from 0) as the key')
    .option('--included-fields <names>', 'the only fields that the model sees, comma-separated, in this order', list)
    .option('--excluded-fields <names>', 'fields that the model does not see, comma-separated', list)
    .addOption(
      new Option(
        '--instance-type <type>',
        'give the model each instance as an object, or its fields as an array',
      ).choices(['object', 'array']),
    )
    .option('--signature <name>', "the model's signature; default: what its serving.json says, or serving_default")
    .option(
      '--batch-size <rows>',
      'rows in one call to the model; default: what its serving.json says, or chosen from the input size, at least 256',
      count(1, 1_000_000),
    )
    .option(
      '--max-items-per-batch <rows>',
      `rows in one shard (default: ${TEMPLATE_DEFAULTS.maxItemsPerBatch})`,
      count(1, 1_000_000),
    )
    .option(
      '--max-input-bytes-per-batch <bytes>',
      `input bytes in one shard (default: ${TEMPLATE_DEFAULTS.maxInputBytesPerBatch})`,
      count(1, MAX_BYTES),
    )
    .option(
      '--max-row-bytes <bytes>',
      `a longer record is its row's error (default: ${TEMPLATE_DEFAULTS.maxRowBytes})`,
      count(1, MAX_BYTES),
    )
    .option(
      '--tolerated-failure-percentage <share>',
      'more failed rows than this share of all, 0 to 100, fail the job (default: 100)',
      percentage,
    )
    .option(
      '--tolerated-failure-count <rows>',
      'more failed rows than this fail the job',
      count(0, Number.MAX_SAFE_INTEGER),
    )
    .option('--display-name <name>', "the job's name in lists");
}

/** What stands at the end of a command's help. */
export function examples(...commands: readonly string[]): string {
  return `\nExamples:\n${commands.map((command) => `  $ ${command}`).join('\n')}`;
}

export function formatOption(): Option {
  return new Option('--format <format>', 'how the result is told').choices(['table', 'json']).default('table');
}

export function workersOption(): Option {
  return new Option('--workers <threads>', 'worker threads, each with its own model session')
    .default(availableParallelism())
    .argParser(count(1, 256));
}

/** @throws UsageError where two options exclude each other. */
export function templateOf(options: JobOptions): JobTemplate {
  if (options.keyField !== undefined && options.rowKeys === true) {
    throw new UsageError('--key-field and --row-keys exclude each other: the key is the field, or the row');
  }
  if (options.includedFields !== undefined && options.excludedFields !== undefined) {
    throw new UsageError('--included-fields and --excluded-fields exclude each other: give one of them');
  }
  const instanceConfig = given({
    instanceType: options.instanceType,
    keyField: options.keyField,
    rowKeys: options.rowKeys,
    includedFields: options.includedFields?.slice(),
    excludedFields: options.excludedFields?.slice(),
  });
  return given({
    displayName: options.displayName,
    instancesFormat: options.instancesFormat,
    predictionsFormat: options.predictionsFormat,
    instanceConfig: Object.keys(instanceConfig).length > 0 ? instanceConfig : undefined,
    signatureName: options.signature,
    manualBatchTuningParameters: options.batchSize === undefined ? undefined : { batchSize: options.batchSize },
    maxItemsPerBatch: options.maxItemsPerBatch,
    maxInputBytesPerBatch: options.maxInputBytesPerBatch,
    maxRowBytes: options.maxRowBytes,
    toleratedFailurePercentage: options.toleratedFailurePercentage,
    toleratedFailureCount: options.toleratedFailureCount,
  });
}

/** A whole number in a range, as an option's parser. */
export function count(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${from} to ${to}.`);
  };
}

function percentage(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 100) return value;
  throw new InvalidArgumentError('Expected a number from 0 to 100.');
}

function list(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError('Expected names separated by commas.');
  return names;
}

/** The fields that are set. */
function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
