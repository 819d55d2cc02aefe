import { describe, expect, it } from 'vitest';

import type { BigQueryField, BigQueryRow } from '../../../infra/gcp/bigquery-json.ts';
import { createJob } from '../../../functions/upload/create-job.ts';
import type { BigQuerySource } from '../../../shared/table-input.ts';
import { jobResource } from '../../../shared/job-resource.ts';
import type { ByteStream, ObjectRef, TableSource } from '../../../shared/ports.ts';
import { expectedLines, KEYED, MemoryPipeline } from '../../functions/memory-pipeline.ts';
import { FakeBigQuery } from './fake-bigquery.ts';

const row = (...values: readonly unknown[]): BigQueryRow => ({ f: values.map((v) => ({ v })) });
const TABLE = { kind: 'table', project: 'p', dataset: 'd', table: 't' } as const;
const KEY_X: readonly BigQueryField[] = [
  { name: 'key', type: 'INTEGER' },
  { name: 'x', type: 'FLOAT' },
];

async function linesOf(content: ByteStream): Promise<string[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks).toString().split('\n').slice(0, -1);
}

describe("BigQuery tables, against a fake of BigQuery's REST API", () => {
  it('writes every type as JSON, with all digits', async () => {
    const fake = new FakeBigQuery();
    const tables = await fake.start();
    const types = {
      STRING: ['a"b\n', '"a\\"b\\n"'],
      BYTES: ['/wA=', '{"b64":"/wA="}'],
      INTEGER: ['9223372036854775807', '9223372036854775807'],
      FLOAT: ['1.0E-5', '0.00001'],
      FLOAT64: ['NaN', '"NaN"'],
      NUMERIC: ['12345678901234567890.120', '12345678901234567890.120'],
      BOOLEAN: ['true', 'true'],
      TIMESTAMP: ['-1', '"1969-12-31T23:59:59.999999Z"'],
      DATE: ['2020-02-29', '"2020-02-29"'],
      DATETIME: ['2020-02-29T01:02:03.000004', '"2020-02-29T01:02:03.000004"'],
      JSON: ['{"a": [1,\n2.50]}', '{"a": [1, 2.50]}'],
      GEOGRAPHY: ['POINT(1 2)', '"POINT(1 2)"'],
    } as const;
    const record = { name: 'r', type: 'RECORD', fields: [{ name: 'a', type: 'INTEGER', mode: 'REPEATED' }] };
    const fields: BigQueryField[] = [
      ...Object.keys(types).map((type) => ({ name: type, type })),
      { ...record, mode: 'REPEATED' },
      record,
    ];
    const nested = { f: [{ v: [{ v: '1' }, { v: '2' }] }] };
    fake.tables.set('p.d.t', {
      fields,
      rows: [
        row(...Object.values(types).map(([value]) => value), [{ v: nested }], nested),
        row(...Object.values(types).map(() => null), [], null),
      ],
    });
    const pinned = await tables.pin(TABLE, 'k');
    const [first, second] = await linesOf(tables.read(pinned, 0, 2));
    const written = Object.entries(types).map(([type, [, json]]) => `"${type}":${json}`);
    expect(first).toBe(`{${written.join(',')},"r":[{"a":[1,2]}],"r":{"a":[1,2]}}`);
    expect(second).toBe(
      `{${Object.keys(types)
        .map((type) => `"${type}":null`)
        .join(',')},"r":[],"r":null}`,
    );
  });

  it('reads any range of rows, page by page', async () => {
    const fake = new FakeBigQuery();
    const tables = await fake.start(4);
    const rows = Array.from({ length: 30 }, (_, index) => row(String(index), '0.5'));
    fake.tables.set('p.d.t', { fields: KEY_X, rows });
    const pinned = await tables.pin(TABLE, 'k');
    expect(pinned).toMatchObject({ bucket: 'bigquery', name: 'p.d.t', rows: 30, bytes: 3000 });
    for (const [start, end] of [
      [0, 30],
      [3, 4],
      [7, 19],
      [29, 30],
      [5, 5],
    ] as const) {
      const expected = Array.from({ length: end - start }, (_, index) => `{"key":${start + index},"x":0.5}`);
      expect(await linesOf(tables.read(pinned, start, end))).toEqual(expected);
    }
  });

  it('runs a query once, however often it is asked for, and reads its result', async () => {
    const fake = new FakeBigQuery();
    const tables = await fake.start();
    fake.tables.set('p._anon.result', { fields: KEY_X, rows: [row('1', '2.5')] });
    const query = { kind: 'query', query: 'SELECT * FROM `p.d.t`' } as const;
    const pinned = await tables.pin(query, 'job-1');
    expect(await tables.pin(query, 'job-1')).toEqual(pinned);
    expect(pinned.name).toBe('p._anon.result');
    expect(await linesOf(tables.read(pinned, 0, 1))).toEqual(['{"key":1,"x":2.5}']);
    expect(fake.requests.filter((request) => request.startsWith('POST'))).toHaveLength(2);
    expect(fake.requests.some((request) => request.includes('location=europe-west1'))).toBe(true);
  });

  it('writes results of queries where others may read them, if there is such a dataset', async () => {
    const fake = new FakeBigQuery();
    const tables = await fake.start(7, 'queries');
    fake.tables.set('p.queries.fanfold_job-1', { fields: KEY_X, rows: [row('1', '2.5')] });
    const pinned = await tables.pin({ kind: 'query', query: 'SELECT 1' }, 'job-1');
    expect(pinned).toMatchObject({ name: 'p.queries.fanfold_job-1', rows: 1 });
  });

  it('tries an answer of 503 again', async () => {
    const fake = new FakeBigQuery();
    const tables = await fake.start();
    fake.tables.set('p.d.t', { fields: KEY_X, rows: [row('1', '2')] });
    fake.failing = 1;
    expect(await tables.pin(TABLE, 'k')).toMatchObject({ rows: 1 });
  });

  it.each([
    { name: 'no such table', table: undefined, expected: 'bq://p.d.t: Not found: Table p:d.t' },
    {
      name: 'a view',
      table: { type: 'VIEW', numRows: '0' },
      expected: 'bq://p.d.t is a VIEW, whose rows cannot be listed: give',
    },
    { name: 'rows that stream in', table: { streamingBuffer: {} }, expected: 'has rows in its streaming buffer' },
  ])('refuses $name, naming the table', async ({ table, expected }) => {
    const fake = new FakeBigQuery();
    const tables = await fake.start();
    if (table !== undefined) fake.tables.set('p.d.t', { fields: [], rows: [], metadata: table });
    await expect(tables.pin(TABLE, 'k')).rejects.toMatchObject({
      name: 'PermanentError',
      message: expect.stringContaining(expected) as string,
    });
  });

  it('refuses a query that fails, with what BigQuery says', async () => {
    const tables = await new FakeBigQuery().start();
    await expect(tables.pin({ kind: 'query', query: 'nonsense' }, 'k')).rejects.toMatchObject({
      status: 'INVALID_ARGUMENT',
      message: 'the query: Syntax error: unexpected nonsense',
    });
  });

  it('refuses a table that has changed since it was pinned', async () => {
    const fake = new FakeBigQuery();
    const tables = await fake.start();
    fake.tables.set('p.d.t', { fields: KEY_X, rows: [row('1', '2')] });
    const pinned: ObjectRef = await tables.pin(TABLE, 'k');
    fake.tables.set('p.d.t', { fields: KEY_X, rows: [row('1', '2')], metadata: { lastModifiedTime: '2' } });
    await expect(linesOf(tables.read(pinned, 0, 1))).rejects.toMatchObject({ status: 'NOT_FOUND' });
  });
});

describe("a job over a BigQuery table, against a fake of BigQuery's REST API", () => {
  const submit = async (
    tables: TableSource,
    table: BigQuerySource,
  ): Promise<{ pipeline: MemoryPipeline; id: string }> => {
    const pipeline = new MemoryPipeline({ splitBytes: 1000 });
    const ports = { ...pipeline.ports, tables };
    const request = pipeline.request([], { ...KEYED, maxItemsPerBatch: 4 }, { id: 'bq-job', table });
    const { id } = await createJob(ports, request);
    for (let messages = pipeline.queue.drain(); messages.length > 0; messages = pipeline.queue.drain())
      for (const message of [...messages, ...messages]) await pipeline.deliver(message, ports);
    return { pipeline, id };
  };

  it.each([
    { name: 'a table', at: 'p.d.t', source: { inputUri: 'bq://p.d.t' } },
    { name: 'a table of this project', at: 'p.d.t', source: { inputUri: 'bq://d.t' } },
    { name: 'a query', at: 'p._anon.result', source: { query: 'SELECT * FROM `p.d.t`' } },
  ])('scores each row once, in order, in splits of rows: $name', async ({ at, source }) => {
    const fake = new FakeBigQuery();
    const tables = await fake.start();
    const rows = Array.from({ length: 45 }, (_, index) => row(String(index), String(index)));
    fake.tables.set(at, { fields: KEY_X, rows });
    const { pipeline, id } = await submit(tables, source);
    const job = await pipeline.job(id);
    expect(job).toMatchObject({ state: 'JOB_STATE_SUCCEEDED', plan: { splits: 5 }, outcome: { rows: 45, failed: 0 } });
    expect(await pipeline.lines(job)).toEqual(expectedLines(45));
    expect(jobResource(job)).toMatchObject({
      inputConfig: { instancesFormat: 'bigquery', bigquerySource: { inputUri: `bq://${at}` } },
    });
  });

  it('is refused where there is no BigQuery, saying what to do, and where its source is none', async () => {
    const pipeline = new MemoryPipeline();
    const create = (table: BigQuerySource) => createJob(pipeline.ports, pipeline.request([], {}, { id: 'j', table }));
    await expect(create({ inputUri: 'bq://p.d.t' })).rejects.toMatchObject({
      status: 'UNIMPLEMENTED',
      message: expect.stringContaining('export the table as Parquet') as string,
    });
    const tables = await new FakeBigQuery().start();
    for (const table of [{}, { inputUri: 'bq://p.d.t', query: 'SELECT 1' }, { inputUri: 'gs://b/x' }])
      await expect(submit(tables, table)).rejects.toMatchObject({ status: 'INVALID_ARGUMENT' });
  });
});
