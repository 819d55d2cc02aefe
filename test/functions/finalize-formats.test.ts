import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';

import { createRedrive } from '../../functions/jobs/redrive.ts';
import { startJob } from '../../functions/upload/create-job.ts';
import { errorInfo } from '../../shared/errors.ts';
import { decodeExample } from '../../shared/formats/example/example.ts';
import { PREDICTIONS_FORMATS } from '../../shared/job.ts';
import type { Job, PredictionsFormat } from '../../shared/job.ts';
import type { ByteStream, Ports } from '../../shared/ports.ts';
import { collect } from '../contract/builders.ts';
import { timesFive } from './fake-model.ts';
import { jsonLines, KEYED, MemoryPipeline } from './memory-pipeline.ts';

const ROWS = 20;
const OTHERS = PREDICTIONS_FORMATS.filter((format) => format !== 'jsonl');

interface World {
  readonly pipeline: MemoryPipeline;
  readonly job: Job;
}

/** A job over rows of which the model refuses 3 and 13, in shards of two. Those of the splits `buried` could not be scored. */
async function scoredJob(
  predictionsFormat: PredictionsFormat,
  splits: number,
  buried: readonly number[] = [],
): Promise<World> {
  const text = jsonLines(ROWS);
  const bad = new Set([3, 13]);
  const pipeline = new MemoryPipeline({
    splitBytes: Math.ceil(text.length / splits),
    model: timesFive((x) => bad.has(x)),
  });
  await pipeline.put('a.jsonl', text);
  const job = await pipeline.submit(['a.jsonl'], { maxItemsPerBatch: 2, predictionsFormat, ...KEYED });
  await pipeline.settle('split');
  for (const task of pipeline.queue.drain()) {
    if (task.kind === 'score' && buried.includes(task.split)) await pipeline.bury(task, BURIED);
    else await pipeline.deliver(task);
  }
  return { pipeline, job };
}

const BURIED = errorInfo('UNAVAILABLE', 'gone');

async function bytesOf(pipeline: MemoryPipeline, { plan }: Job): Promise<Buffer> {
  const object = await pipeline.objects.stat(plan.output.bucket, plan.output.results);
  if (object === undefined) throw new Error('no results');
  return Buffer.concat(await collect(pipeline.objects.read(object, 0, object.size)));
}

/** `[key, prediction, whether it failed]` of every row. */
async function rowsOf(format: PredictionsFormat, bytes: Buffer): Promise<unknown[][]> {
  switch (format) {
    case 'jsonl': {
      const lines = bytes.toString().split('\n').slice(0, -1);
      const rows = lines.map((line) => JSON.parse(line) as { key: number; prediction?: number; error?: unknown });
      return rows.map(({ key, prediction, error }) => [key, prediction, error !== undefined]);
    }
    case 'csv': {
      const rows: Record<string, string>[] = parse(bytes, { columns: true });
      return rows.map(({ key, prediction, error }) => [
        Number(key),
        prediction === '' || prediction === undefined ? undefined : Number(prediction),
        error !== '',
      ]);
    }
    case 'tf-record': {
      const rows: unknown[][] = [];
      for (let at = 0; at < bytes.length;) {
        const length = Number(bytes.readBigUInt64LE(at));
        const example = decodeExample(bytes.subarray(at + 12, at + 12 + length));
        rows.push([
          Number(example.get('key')?.values[0]),
          example.get('prediction')?.values[0],
          example.get('error') !== undefined,
        ]);
        at += 16 + length;
      }
      return rows;
    }
    case 'parquet': {
      const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
      return rows.map(({ key, prediction, error }: Record<string, unknown>) => [
        Number(key),
        prediction ?? undefined,
        error !== null && error !== undefined,
      ]);
    }
    default:
      return format satisfies never;
  }
}

function expectedRows(failed: (row: number) => boolean): unknown[][] {
  return Array.from({ length: ROWS }, (_, row) => (failed(row) ? [row, undefined, true] : [row, 5 * row, false]));
}

const REFUSED = (row: number): boolean => row === 3 || row === 13;

describe('predictionsFormat', () => {
  it.each(PREDICTIONS_FORMATS.flatMap((format) => [1, 4].map((splits) => [format, splits] as const)))(
    '%s of %i splits holds every row, in order',
    async (format, splits) => {
      const { pipeline, job } = await scoredJob(format, splits);
      await pipeline.settle();
      const ended = await pipeline.job(job.id);
      expect(ended).toMatchObject({ state: 'JOB_STATE_PARTIALLY_SUCCEEDED', outcome: { rows: ROWS, failed: 2 } });
      const bytes = await bytesOf(pipeline, job);
      expect(await rowsOf(format, bytes)).toEqual(expectedRows(REFUSED));
      expect(ended.outcome?.results.size).toBe(bytes.length);
      expect(await pipeline.names('scratch')).toEqual([]);
      expect(JSON.parse(await pipeline.text('output', job.plan.output.manifest))).toMatchObject({
        job: { outputConfig: { predictionsFormat: format } },
        files: [{ name: 'prediction.results-00000-of-00001', size: bytes.length, rows: ROWS, format }, {}],
      });
    },
  );

  it.each(OTHERS)('%s: a part in which no row was scored gets the columns of the others', async (format) => {
    const { pipeline, job } = await scoredJob(format, 4, [0, 2]);
    await pipeline.settle('assemble');
    expect((await pipeline.ledger.getPart(job.id, 0))?.outputs).toBeUndefined();
    expect((await pipeline.ledger.getPart(job.id, 1))?.outputs).toHaveLength(1);
    const parts = await collect(pipeline.ledger.readParts(job.id));
    await pipeline.settle();
    const buried = parts.flatMap(({ split, rows }) => new Array<boolean>(rows).fill(split === 0 || split === 2));
    const expected = expectedRows((row) => buried[row] === true || REFUSED(row));
    expect(await rowsOf(format, await bytesOf(pipeline, job))).toEqual(expected);
  });

  it.each(OTHERS)('%s: without any scored row there are keys and errors', async (format) => {
    const { pipeline, job } = await scoredJob(format, 2, [0, 1]);
    await pipeline.settle();
    expect((await pipeline.job(job.id)).state).toBe('JOB_STATE_FAILED');
    const bytes = await bytesOf(pipeline, job);
    expect(await rowsOf(format, bytes)).toEqual(expectedRows(() => true));
    if (format === 'csv') expect(bytes.toString()).toMatch(/^key,error\n0,the shard could not be scored: gone\n1,/);
  });

  it.each(OTHERS)('%s of a job without a row is a whole file', async (format) => {
    const pipeline = new MemoryPipeline();
    await pipeline.put('a.jsonl', '');
    const job = await pipeline.submit(['a.jsonl'], { ...KEYED, predictionsFormat: format });
    await pipeline.settle();
    expect((await pipeline.job(job.id)).state).toBe('JOB_STATE_SUCCEEDED');
    expect(await rowsOf(format, await bytesOf(pipeline, job))).toEqual([]);
  });

  it.each(OTHERS)('%s: a failure of any call, before or after its effect, leaves the same bytes', async (format) => {
    const quiet = await scoredJob(format, 3, [1]);
    await quiet.pipeline.settle();
    const expected = await bytesOf(quiet.pipeline, quiet.job);
    for (const effect of [true, false]) {
      for (let call = 0, failed = true; failed; call++) {
        const { pipeline, job } = await scoredJob(format, 3, [1]);
        const flaky = failOnce(pipeline.ports, call, effect);
        for (let tasks = pipeline.queue.drain(); tasks.length > 0; tasks = pipeline.queue.drain()) {
          for (const task of tasks) {
            try {
              await pipeline.deliver(task, flaky.ports);
            } catch {
              await pipeline.queue.publish([task]);
            }
          }
        }
        failed = flaky.failed();
        expect((await bytesOf(pipeline, job)).equals(expected)).toBe(true);
        expect((await pipeline.job(job.id)).state).toBe('JOB_STATE_PARTIALLY_SUCCEEDED');
      }
    }
  });

  it('fails the job where a prediction is not what the signature says', async () => {
    const { pipeline, job } = await scoredJob('parquet', 1, [0]);
    const lines = Buffer.from('{"key":1,"prediction":[1]}\n'.repeat(ROWS));
    await pipeline.ledger.deleteScratch(job.id);
    await pipeline.ledger.putSplit(job.id, { split: 0, start: 0, end: 1, shards: 1, rows: ROWS });
    const outputs = [{ name: 'y', dtype: 'float32', shape: [null] }] as const;
    const result = { split: 0, shard: 0, rows: ROWS, failed: 0, errors: [], outputs } as const;
    await pipeline.ledger.createResult(job.id, { ...result, lines: { kind: 'inline', bytes: lines } });
    await pipeline.settle();
    expect((await pipeline.job(job.id)).error).toMatchObject({
      status: 'FAILED_PRECONDITION',
      message: expect.stringContaining('output "y": found [1], expected float32 in 0 dimensions') as unknown,
    });
  });
});

describe('redrive of another format than JSON lines', () => {
  it('scores every shard again, and says so', async () => {
    const { pipeline, job } = await scoredJob('csv', 3);
    await pipeline.settle();
    const before = pipeline.scored.length;
    pipeline.clock.advance(60_000);
    const again = await createRedrive(pipeline.ports, { job: job.id });
    await startJob(pipeline.ports, again);
    await pipeline.settle();
    expect(pipeline.scored).toHaveLength(2 * before);
    expect((await bytesOf(pipeline, again)).equals(await bytesOf(pipeline, job))).toBe(true);
    expect(pipeline.logger.entries.map(({ message }) => message)).toContain(
      `redrive of ${job.id}: its output is csv, whose rows are not reused: every shard is scored again`,
    );
  });
});

describe('metrics', () => {
  it('of all shards stand in the manifest and in the entry that ends the job, not in the results', async () => {
    const { pipeline, job } = await scoredJob('jsonl', 3);
    await pipeline.settle();
    const manifest = JSON.parse(await pipeline.text('output', job.plan.output.manifest)) as {
      metrics: Record<string, Record<string, unknown>>;
    };
    const metrics = manifest.metrics['m@1'];
    expect(metrics).toMatchObject({ num_inferences: ROWS, failed_batches_counter: expect.any(Number) as unknown });
    const sizes = metrics?.['inference_request_batch_size'] as { count: number; sum: number; mean: number };
    expect(sizes.mean).toBeCloseTo(sizes.sum / sizes.count);
    expect((await pipeline.job(job.id)).outcome?.metrics?.num_inferences).toBe(ROWS);
    const end = pipeline.logger.entries.find(({ message }) => message.startsWith('job ended'));
    expect(end?.fields).toMatchObject({ metrics: { 'm@1': { num_inferences: ROWS } } });
    expect((await bytesOf(pipeline, job)).toString()).not.toContain('num_inferences');
  });
});

/** Ports of which one call fails, the `call`th of all from 0; after its effect, or before it. */
function failOnce(ports: Ports, call: number, effect: boolean): { ports: Ports; failed: () => boolean } {
  let calls = 0;
  const fails = (): boolean => calls++ === call;
  const wrap = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          const fail = fails();
          if (fail && !effect) return STREAMS.has(name) ? failing() : Promise.reject(new Error('flaky'));
          const answer: unknown = Reflect.apply(value, target, args);
          if (!fail) return answer;
          return STREAMS.has(name) ? failing() : Promise.resolve(answer).then(() => Promise.reject(new Error('flaky')));
        };
      },
    });
  return {
    ports: { ...ports, objects: wrap(ports.objects), ledger: wrap(ports.ledger), queue: wrap(ports.queue) },
    failed: () => calls > call,
  };
}

const STREAMS: ReadonlySet<string | symbol> = new Set(['read', 'list', 'readResults', 'readParts']);

async function* failing(): ByteStream {
  yield* await Promise.reject<ByteStream>(new Error('flaky'));
}
