import { describe, expect, it } from 'vitest';

import { failShard } from '../../functions/score/fail-shard.ts';
import { automaticBatchRows, inspectModel, scoreShard } from '../../functions/score/score-shard.ts';
import { MemoryObjectStore } from '../../infra/memory/object-store.ts';
import { BATCH } from '../../shared/config.ts';
import { errorInfo } from '../../shared/errors.ts';
import type { InstanceConfig, InstancesFormat } from '../../shared/formats/format.ts';
import type { Model } from '../../shared/models/model.ts';
import type { InferenceMetrics } from '../../shared/metrics.ts';
import type { ScoredShard, ScoreRequest } from '../../shared/ports.ts';
import type { Tensor, TensorSpec } from '../../shared/tensor.ts';
import { expectPermanent } from '../contract/builders.ts';
import { FakeModel, float32, floats, numbersOf, signatureOf, timesFive } from './fake-model.ts';

const PINNED = { model: 'm', version: '1', digest: 'd' };

interface ShardOptions {
  readonly format?: InstancesFormat;
  readonly columns?: readonly string[];
  readonly instanceConfig?: InstanceConfig;
  readonly rows?: number;
  readonly oversize?: boolean;
  readonly batchSize?: number;
  readonly signatureName?: string;
}

async function shardOf(text: string, options: ShardOptions = {}): Promise<[MemoryObjectStore, ScoreRequest]> {
  const objects = new MemoryObjectStore({ chunkBytes: 7 });
  const { object } = await objects.create('input', 'shard', Buffer.from(`before\n${text}after\n`));
  const { format = 'jsonl', columns, instanceConfig = { keyField: 'key' }, batchSize, signatureName } = options;
  const start = 'before\n'.length;
  const rows = options.rows ?? text.split('\n').filter((line) => line !== '').length;
  const shard = {
    split: 0,
    shard: 3,
    object,
    start,
    end: start + Buffer.byteLength(text),
    rows,
    oversize: options.oversize ?? false,
  };
  return [
    objects,
    {
      shard,
      input: { format, ...(columns && { columns }) },
      spec: {
        signatureName: signatureName ?? 'serving_default',
        instanceConfig,
        maxRowBytes: 1000,
        ...(batchSize !== undefined && { batchSize }),
      },
      model: PINNED,
    },
  ];
}

function loaded(model: Model): { with: <T>(_: unknown, use: (model: Model) => Promise<T>) => Promise<T> } {
  return { with: (_, use) => use(model) };
}

async function scored(model: Model, text: string, options: ShardOptions = {}): Promise<ScoredShard> {
  const [objects, request] = await shardOf(text, options);
  return scoreShard({ objects, models: loaded(model) }, request);
}

function linesOf({ lines }: ScoredShard): string[] {
  return Buffer.from(lines).toString().split('\n').slice(0, -1);
}

describe('scoreShard', () => {
  it('writes one line for each row, in order, whatever failed: decoding or the model', async () => {
    const shard = await scored(
      timesFive((x) => x === 3),
      '{"key":1,"x":1}\n{"key":2,"x":"two"}\n{"key":3,"x":3}\n\n{"key":"4","x":4}\n',
    );
    expect(linesOf(shard)).toEqual([
      '{"key":1,"prediction":5}',
      '{"key":2,"error":{"code":3,"status":"INVALID_ARGUMENT","message":"field \\"x\\": found \\"two\\", expected a number"}}',
      '{"key":3,"error":{"code":3,"status":"INVALID_ARGUMENT","message":"the model (signature serving_default) cannot score this instance: 3 is bad luck"}}',
      '{"key":"4","prediction":20}',
    ]);
    expect(shard).toMatchObject({ rows: 4, failed: 2, runtime: 'fake 1.0' });
    expect(shard.errors.map(({ count, firstRows }) => [count, firstRows])).toEqual([
      [1, [1]],
      [1, [2]],
    ]);
  });

  it('gives the model batches of the size that the job says', async () => {
    const model = timesFive();
    await scored(model, Array.from({ length: 7 }, (_, row) => `{"key":${row},"x":1}\n`).join(''), { batchSize: 3 });
    expect(model.calls).toEqual([[3], [3], [1]]);
  });

  it('groups rows of different shapes', async () => {
    const model = new FakeModel(signatureOf([floats('x', [null, null])], [floats('y', [null])]), (inputs) => {
      const [rows = 0, width = 0] = inputs['x']?.shape ?? [];
      return {
        y: float32(
          [rows],
          Array.from({ length: rows }, (_, row) => numbersOf(inputs)[row * width] ?? NaN),
        ),
      };
    });
    const shard = await scored(
      model,
      '{"key":0,"x":[1]}\n{"key":1,"x":[2,2]}\n{"key":2,"x":[3]}\n{"key":3,"x":[4,4]}\n',
    );
    expect(linesOf(shard)).toEqual([0, 1, 2, 3].map((row) => `{"key":${row},"prediction":${row + 1}}`));
    expect(model.calls).toEqual([
      [2, 1],
      [2, 2],
    ]);
  });

  it('echoes the instance where the job has no key, and writes neither where the row is the key', async () => {
    const text = '{"x": 1}\n2\n';
    expect(linesOf(await scored(timesFive(), text, { instanceConfig: {} }))).toEqual([
      '{"instance":{"x": 1},"prediction":5}',
      '{"instance":2,"prediction":10}',
    ]);
    expect(linesOf(await scored(timesFive(), text, { instanceConfig: { rowKeys: true } }))).toEqual([
      '{"prediction":5}',
      '{"prediction":10}',
    ]);
  });

  it('decodes CSV by the columns of its header', async () => {
    const options = { format: 'csv', columns: ['key', 'x'] } as const;
    expect(linesOf(await scored(timesFive(), 'a,1\n"b ""c""",2\n', options))).toEqual([
      '{"key":"a","prediction":5}',
      '{"key":"b \\"c\\"","prediction":10}',
    ]);
  });

  it('does not fetch a record over the limit', async () => {
    const [, request] = await shardOf('x'.repeat(2000), { oversize: true, rows: 1 });
    const shard = await scoreShard({ objects: new MemoryObjectStore(), models: loaded(timesFive()) }, request);
    expect(linesOf(shard)).toEqual([
      '{"key":null,"error":{"code":3,"status":"INVALID_ARGUMENT","message":"instance: found 2000 bytes, expected at most 1000 (maxRowBytes)"}}',
    ]);
    expect(shard).toMatchObject({ rows: 1, failed: 1, errors: [{ count: 1, firstRows: [0] }] });
  });

  it('fails for good where the bytes hold other rows than were cut', async () => {
    const other = scored(timesFive(), '{"key":1,"x":1}\n', { rows: 2 });
    await expectPermanent(other, 'DATA_LOSS', /shard 00000-00003 holds 1 rows; it was cut with 2/);
  });

  it('fails for good where the model has no such signature', async () => {
    const other = scored(timesFive(), '{"key":1,"x":1}\n', { signatureName: 'embed' });
    await expectPermanent(other, 'NOT_FOUND', /m@1 has no signature "embed"; it has serving_default/);
  });
});

it('inspectModel tells runtime, size and signatures', async () => {
  const { runtime, byteSize, signatures } = timesFive();
  expect(await inspectModel(loaded(timesFive()), PINNED)).toEqual({ runtime, byteSize, signatures });
});

describe('what scoring measures', () => {
  const metricsOf = async (model: Model, text: string, options: ShardOptions = {}): Promise<InferenceMetrics> => {
    const { metrics } = await scored(model, text, options);
    if (metrics === undefined) throw new Error('no metrics');
    return metrics;
  };

  it('is each row once, and each call to the model', async () => {
    const metrics = await metricsOf(timesFive(), '1\n2\n"no"\n3\n4\n5\n', { instanceConfig: {}, batchSize: 4 });
    expect(metrics).toMatchObject({
      num_inferences: 5,
      failed_batches_counter: 0,
      inference_request_batch_size: { count: 2, sum: 5, min: 2, max: 3 },
      inference_request_batch_byte_size: { count: 2, sum: 20, min: 8, max: 12 },
      inference_batch_latency_micro_secs: { count: 2 },
      load_model_latency_milli_secs: { count: 0 },
    });
  });

  it('is a failed call beside the calls of its halves, its rows counted once', async () => {
    const metrics = await metricsOf(
      timesFive((x) => x === 3),
      '1\n2\n3\n4\n',
      { instanceConfig: {} },
    );
    expect(metrics).toMatchObject({
      num_inferences: 4,
      failed_batches_counter: 3,
      inference_request_batch_size: { count: 2, sum: 3 },
    });
  });

  it('counts texts as UTF-8, and bytes as they are', async () => {
    const strings = (name: string): TensorSpec => ({ name, dtype: 'string', shape: [null] });
    const model = new FakeModel(signatureOf([strings('x')], [strings('y')]), ({ x }) => ({ y: x as Tensor }));
    const metrics = await metricsOf(model, '"ä"\n{"b64":"AAEC"}\n', { instanceConfig: {} });
    expect(metrics.inference_request_batch_byte_size).toMatchObject({ count: 1, sum: 5 });
  });
});

it('a list’s rows hold what its objects hold, a batch of them at a time; one that is gone is its row’s error', async () => {
  const text = Array.from({ length: 40 }, (_, row) => `files/${row}\n`).join('');
  const [objects, request] = await shardOf(text, { format: 'file-list', instanceConfig: {} });
  for (let row = 0; row < 40; row++) {
    if (row !== 7) await objects.create('lists', `of/files/${row}`, Buffer.from(`content ${row}`));
  }
  const strings = (name: string): TensorSpec => ({ name, dtype: 'string', shape: [null] });
  const model = new FakeModel(signatureOf([strings('x')], [strings('y')]), ({ x }) => ({ y: x as Tensor }));
  // The shard is a staged copy: names are relative to the list itself.
  const input = { ...request.input, bucket: 'lists', name: 'of/list.txt' };
  const result = await scoreShard({ objects, models: loaded(model) }, { ...request, input });
  const lines = Buffer.from(result.lines).toString().split('\n');
  expect(lines[39]).toBe('{"instance":"files/39","prediction":"content 39"}');
  expect(lines[7]).toMatch(/"error":\{"code":5,.*no such object/);
  expect([result.rows, result.failed]).toEqual([40, 1]);
  expect(model.calls.map(([rows]) => rows)).toEqual([31, 8]);
});

it('a row that comes back with another’s key is an error', async () => {
  const ints = (name: string): TensorSpec => ({ name, dtype: 'int64', shape: [null] });
  const signature = signatureOf([ints('key'), floats('x', [null])], [ints('key'), floats('y', [null])]);
  const model = new FakeModel(signature, ({ key, x }) => {
    if (key?.dtype !== 'int64' || x === undefined) throw new Error('no key');
    return { key: { ...key, data: key.data.map((value) => (value === 2n ? 3n : value)) }, y: x };
  });
  const result = await scored(model, '{"key":1,"x":1}\n{"key":2,"x":2}\n{"key":9007199254740993,"x":3}\n');
  const lines = Buffer.from(result.lines).toString().split('\n');
  expect(lines[0]).toBe('{"key":1,"prediction":{"key":1,"y":1}}');
  expect(lines[1]).toMatch(/^\{"key":2,"error":\{"code":13,"status":"INTERNAL",.*returned key 3/);
  expect(lines[2]).toBe('{"key":9007199254740993,"prediction":{"key":9007199254740993,"y":3}}');
});

describe('rows that are in no object', () => {
  it('are scored as they came, and their lines can carry nothing else', async () => {
    const [objects, request] = await shardOf('');
    const content = Buffer.from('{"x":1}\n"two"\n');
    const shard = { ...request.shard, rows: 2 };
    const { lines, failed } = await scoreShard(
      { objects, models: loaded(timesFive()) },
      { ...request, shard, spec: { ...request.spec, instanceConfig: {} }, content, bare: true },
    );
    const [first, second] = Buffer.from(lines).toString().split('\n');
    expect([first, failed]).toEqual(['{"prediction":5}', 1]);
    expect(second).toMatch(/^\{"error":\{"code":3,/);
  });
});

describe('automatic batch rows', () => {
  const rowsOf = (...inputs: readonly TensorSpec[]): number =>
    automaticBatchRows(signatureOf(inputs, [floats('y', [null])]));

  it('are at most 1,024 and at least 256', () => {
    expect(rowsOf(floats('x', [null, 8]))).toBe(BATCH.maxRows);
    expect(rowsOf(floats('x', [null, 100_000]))).toBe(BATCH.minRows);
    expect(rowsOf(floats('x', null))).toBe(BATCH.maxRows);
  });

  it('aim at 16 MiB in between', () => {
    const rows = rowsOf(floats('x', [null, 8 * 1024]));
    expect(rows).toBeGreaterThan(256);
    expect(rows).toBeLessThan(1024);
    expect(rows * 8 * 1024 * 4).toBeLessThanOrEqual(BATCH.targetBytes);
  });

  it('are fewer than 256 where those would not fit in 256 MiB, and never none', () => {
    expect(rowsOf(floats('x', [null, 1024, 1024]))).toBe(63);
    expect(rowsOf(floats('x', [null, 1 << 14, 1 << 14]))).toBe(1);
  });
});

describe('failShard', () => {
  const error = errorInfo('UNAVAILABLE', 'the worker died');
  const tail = '"error":{"code":14,"status":"UNAVAILABLE","message":"the worker died"}}';

  async function failed(text: string, options: ShardOptions = {}): Promise<ScoredShard> {
    const [objects, request] = await shardOf(text, options);
    return failShard(objects, request, error);
  }

  it('keeps every key that can be read, and every row', async () => {
    const text = '{"key":9007199254740993,"x":1}\n{"x":[[1,"a"]],"key":"\\u0041b"}\n\nno JSON\n{"x":1}\n7\n';
    const shard = await failed(text, { rows: 5 });
    expect(linesOf(shard)).toEqual([
      `{"key":9007199254740993,${tail}`,
      `{"key":"\\u0041b",${tail}`,
      `{"key":null,${tail}`,
      `{"key":null,${tail}`,
      `{"key":null,${tail}`,
    ]);
    expect(shard).toMatchObject({ rows: 5, failed: 5, errors: [{ error, count: 5, firstRows: [0, 1, 2, 3, 4] }] });
    expect(shard).not.toHaveProperty('runtime');
  });

  it('keeps the keys of CSV records', async () => {
    const options = { format: 'csv', columns: ['x', 'key'], rows: 2 } as const;
    expect(linesOf(await failed('1,"a\nb"\n2,7\n', options))).toEqual([`{"key":"a\\nb",${tail}`, `{"key":7,${tail}`]);
  });

  it('echoes instances where the job has no key', async () => {
    expect(linesOf(await failed('{"x":1}\n', { instanceConfig: {} }))).toEqual([`{"instance":{"x":1},${tail}`]);
    expect(linesOf(await failed('{"x":1}\n', { instanceConfig: { rowKeys: true } }))).toEqual([`{${tail}`]);
  });

  it('of a record over the limit says that, which is the better reason', async () => {
    const shard = await failed('x'.repeat(2000), { oversize: true, rows: 1 });
    expect(linesOf(shard)[0]).toContain('found 2000 bytes, expected at most 1000');
  });
});
