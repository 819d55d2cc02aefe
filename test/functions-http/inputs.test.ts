import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { expectedLines, jsonLines } from '../functions/memory-pipeline.ts';
import { bytesOf, npyFile } from '../shared/formats/array-files.ts';
import { PLACE, startFunctions } from './server.ts';

const BIGQUERY = { bigquerySource: { inputUri: 'bq://p.d.t' } };

describe('inputConfig', () => {
  it.each([
    { name: 'no source', inputConfig: {}, status: 400, message: 'give either gcsSource or bigquerySource' },
    {
      name: 'two sources',
      inputConfig: { ...BIGQUERY, gcsSource: { uris: ['gs://input/a.jsonl'] } },
      status: 400,
      message: 'give either gcsSource or bigquerySource',
    },
    {
      name: 'a table without BigQuery',
      inputConfig: BIGQUERY,
      status: 501,
      message: 'BigQuery is read on Google Cloud only',
    },
    {
      name: 'a format that is none',
      inputConfig: { instancesFormat: 'xml', gcsSource: { uris: ['gs://input/a.jsonl'] } },
      status: 400,
      message: 'instancesFormat',
    },
    {
      name: 'packed TFRecords that are not packed',
      inputConfig: { instancesFormat: 'tf-record-gzip', gcsSource: { uris: ['gs://input/a.jsonl'] } },
      status: 400,
      message: 'holds neither gzip nor zlib data',
    },
  ])('is refused with what to do: $name', async ({ inputConfig, status, message }) => {
    const { call, pipeline } = await startFunctions();
    await pipeline.put('a.jsonl', jsonLines(2));
    const answer = await call('jobs', { path: PLACE, body: { model: 'm', inputConfig } });
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.json)).toContain(message);
  });

  it('tells the format that was read', async () => {
    const { call, pipeline } = await startFunctions();
    await pipeline.put('a.npy', npyFile('<f4', [2], bytesOf(Float32Array.of(0, 1))));
    const inputConfig = { gcsSource: { uris: ['gs://input/a.npy'] } };
    const refused = { model: 'm', inputConfig, instanceConfig: { keyField: 'id' } };
    const answer = await call('jobs', { path: PLACE, body: refused });
    expect(JSON.stringify(answer.json)).toContain('the rows of an array have no field \\"id\\"');
    const body = { model: 'm', inputConfig, instanceConfig: { rowKeys: true } };
    const created = await call('jobs', { path: PLACE, body });
    expect(created.json).toMatchObject({ inputConfig: { ...inputConfig, instancesFormat: 'npy' } });
    await pipeline.settle();
    const id = String(created.json['name']).split('/').at(-1) ?? '';
    expect(await pipeline.lines(await pipeline.job(id))).toEqual(expectedLines(2));
  });

  it('a gzipped file in a job over the same file unpacked gives the same lines', async () => {
    const { call, pipeline } = await startFunctions();
    await pipeline.put('a.jsonl.gz', gzipSync(jsonLines(9)));
    const inputConfig = { instancesFormat: 'jsonl', gcsSource: { uris: ['gs://input/a.jsonl.gz'] } };
    const body = { model: 'm', inputConfig, instanceConfig: { keyField: 'key' } };
    const created = await call('jobs', { path: PLACE, body });
    await pipeline.settle();
    const id = String(created.json['name']).split('/').at(-1) ?? '';
    expect(await pipeline.lines(await pipeline.job(id))).toEqual(expectedLines(9));
  });
});
