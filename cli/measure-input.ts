import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
import type { JobSize } from '../shared/estimate.ts';
import { formatOf } from '../shared/formats/registry.ts';
import type { Job } from '../shared/job.ts';
import type { ModelStore, ObjectStore } from '../shared/ports.ts';
import type { Input, Shard } from '../shared/shard.ts';
import { splitAt } from '../shared/split-plan.ts';
import { UsageError } from './exit.ts';
import { EnoughError, HeadOnly } from './head-only.ts';
import { modelArgument } from './model-argument.ts';
import { templateOf } from './options.ts';
import type { JobOptions } from './options.ts';
import { findInputs } from './run-inputs.ts';

/** What would score the input, and what is known already. */
export interface MeasureOptions extends JobOptions {
  readonly model?: string;
  readonly models: string;
  readonly rows?: number;
  readonly rowBytes?: number;
  readonly outputBytes?: number;
  readonly rowsPerSecond?: number;
}

/** How much of the input is scored to measure rows a second. */
const SAMPLE_SHARDS = 4;

/** Bytes of a compressed file that are unpacked to learn what it holds; of a larger one the rest is taken to be like them. */
const PACKED_BYTES = 256 * 1024 * 1024;

/** What the input's first records are. */
interface Sample {
  readonly shards: readonly Shard[];
  /** Rows and bytes of records in the whole input, as far as its first split tells. */
  readonly rows: number;
  readonly bytes: number;
}

/** Scores the first shards, twice: the second time the code is warm. What the options give is not measured. */
export async function measure(patterns: readonly string[], options: MeasureOptions): Promise<JobSize> {
  if (options.model === undefined) throw new UsageError('--model: name the model that would score the input');
  const files = await findInputs(patterns);
  const { source, reference } = await modelArgument(options.model, options.models);
  // What cannot be ranged is staged, as in a run.
  const scratch = mkdtempSync(join(tmpdir(), 'fanfold-estimate-'));
  try {
    const objects = new LocalObjectStore({ '/': '/', scratch: { root: scratch, durable: false } });
    return await measureFiles(objects, files, source, reference, options);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function measureFiles(
  objects: ObjectStore,
  files: readonly string[],
  source: ModelSource,
  reference: string,
  options: MeasureOptions,
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
  const { inputs, splits } = job.plan;
  const [input] = inputs;
  if (splits === 0 || input === undefined) throw new PermanentError('INVALID_ARGUMENT', 'the input is empty');
  const sample = await cutSample(objects, job, input);
  const sampled = sample.shards.reduce((sum, shard) => sum + shard.rows, 0);
  if (sampled === 0)
    throw new PermanentError('INVALID_ARGUMENT', `${input.name} begins with no row that can be scored`);
  const { seconds, outputBytes } = await scoreSample(objects, models, job, input, sample.shards);
  const rowBytes = options.rowBytes ?? sample.bytes / sample.rows;
  const rows = options.rows ?? sample.rows;
  const whole = input.compression !== 'none' || input.table !== undefined;
  const sequenceBytes = bytesInSequence(inputs, rows * rowBytes);
  return {
    rows,
    rowBytes,
    outputBytes: options.outputBytes ?? outputBytes / sampled,
    rowsPerSecond: options.rowsPerSecond ?? Math.round(sampled / seconds),
    // As many rows as these files have: as many splits.
    ...(whole && { staged: true, splits: Math.max(1, Math.ceil((splits * rows) / sample.rows)) }),
    ...(sequenceBytes > 0 && { sequenceBytes }),
    ...(input.format === 'file-list' && { objectsPerRow: 1 }),
  };
}

/** Cuts the first split, and stages no more of it than is scored. The rest of the input is taken to be like it. */
async function cutSample(objects: ObjectStore, job: Job, input: Input): Promise<Sample> {
  const { inputs, splits } = job.plan;
  const packed = input.compression !== 'none';
  const head = packed ? new HeadOnly(objects, input, PACKED_BYTES) : objects;
  const shards: Shard[] = [];
  let [rows, bytes] = [0, 0];
  const emit = (shard: Shard): Promise<void> => {
    if (shards.length < SAMPLE_SHARDS) shards.push(shard);
    rows += shard.rows;
    bytes += shard.end - shard.start;
    return Promise.resolve();
  };
  try {
    await cutSplit(head, job, splitAt(job.plan, 0), undefined, (shard) => shard < SAMPLE_SHARDS, emit);
  } catch (error) {
    if (!(error instanceof EnoughError)) throw error;
  }
  if (rows === 0) return { shards, rows, bytes };
  const size = inputs.reduce((sum, one) => sum + one.size - (packed ? 0 : one.headerBytes), 0);
  // A table's size says nothing of its rows as JSON; its units are much alike.
  const times = (): number => {
    if (input.table !== undefined) return splits;
    return packed ? size / Math.min(input.size, PACKED_BYTES) : size / bytes;
  };
  return { shards, rows: Math.max(1, Math.round(rows * times())), bytes: Math.round(bytes * times()) };
}

async function scoreSample(
  objects: ObjectStore,
  models: ModelStore,
  job: Job,
  input: Input,
  shards: readonly Shard[],
): Promise<{ readonly seconds: number; readonly outputBytes: number }> {
  const ports = { objects, models: new ModelCache(models) };
  let [seconds, outputBytes] = [0, 0];
  for (const round of [1, 2]) {
    const started = performance.now();
    outputBytes = 0;
    for (const shard of shards) {
      const { lines } = await scoreShard(ports, { shard, input, spec: job.spec, model: job.plan.model });
      outputBytes += lines.length;
    }
    if (round === 2) seconds = (performance.now() - started) / 1000;
  }
  return { seconds, outputBytes };
}

/** Bytes of records that are looked through one after the other, of the longest such input; 0 where every split can begin by itself. */
function bytesInSequence(inputs: readonly Input[], bytes: number): number {
  const all = inputs.reduce((sum, { size }) => sum + size, 0);
  return Math.max(
    ...inputs.map(({ size, compression, table, format, layout }) => {
      const share = (bytes * size) / all;
      if (table !== undefined) return share / Math.max(1, table.units);
      if (compression !== 'none') return share;
      return layout === undefined && formatOf(format).boundaries === 'from-start' ? share : 0;
    }),
  );
}
