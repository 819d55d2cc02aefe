import { describe, expect, it } from 'vitest';

import { failFirst, jsonLines } from '../functions/memory-pipeline.ts';
import type { ObjectStat } from '../../shared/ports.ts';
import { startFunctions } from './server.ts';
import type { CallOptions } from './server.ts';

const HEADERS = {
  'ce-id': '1',
  'ce-specversion': '1.0',
  'ce-type': 'google.cloud.storage.object.v1.finalized',
  'ce-source': '//storage.googleapis.com/projects/_/buckets/input',
  'ce-subject': 'objects/m/a.jsonl',
};

/** As Eventarc delivers it. */
function eventOf({ bucket, name, generation, size }: ObjectStat, change: Record<string, unknown> = {}): CallOptions {
  return {
    headers: HEADERS,
    body: { kind: 'storage#object', bucket, name, generation, size: String(size), ...change },
  };
}

describe('an upload event', () => {
  it('makes a job; a duplicate finds it there', async () => {
    const { call, pipeline } = await startFunctions();
    const object = await pipeline.put('m/a.jsonl', jsonLines(2));
    expect((await call('upload', eventOf(object))).status).toBe(204);
    expect((await call('upload', eventOf(object))).status).toBe(204);
    const { jobs } = await pipeline.ledger.listJobs({ pageSize: 10 });
    expect(jobs).toHaveLength(1);
    expect(jobs[0]?.plan.output.manifest).toMatch(/^m\/a\.jsonl\/prediction-m-.*\/manifest\.json$/);
    expect(pipeline.waiting()).toEqual({ split: 1 });
  });

  it('that fails is answered with 500, so that Eventarc delivers it again', async () => {
    const { call, pipeline } = await startFunctions({
      ports: ({ ledger }) => ({ ledger: failFirst(ledger, 'createJob') }),
    });
    const object = await pipeline.put('m/a.jsonl', jsonLines(2));
    expect((await call('upload', eventOf(object))).status).toBe(500);
    expect((await call('upload', eventOf(object))).status).toBe(204);
    expect(pipeline.waiting()).toEqual({ split: 1 });
  });

  it.each([
    { name: 'of another bucket', change: { bucket: 'elsewhere' } },
    { name: 'without a generation', change: { generation: undefined } },
    { name: 'with a size that is no number', change: { size: 'large' } },
  ])('$name is logged as an error and taken: no retry could mend it', async ({ change }) => {
    const { call, pipeline } = await startFunctions();
    const object = await pipeline.put('m/a.jsonl', jsonLines(2));
    expect((await call('upload', eventOf(object, change))).status).toBe(204);
    expect(pipeline.logger.entries).toMatchObject([{ severity: 'ERROR' }]);
    expect((await pipeline.ledger.listJobs({ pageSize: 10 })).jobs).toEqual([]);
  });

  it('of another type is taken and makes no job', async () => {
    const { call, pipeline } = await startFunctions();
    const object = await pipeline.put('m/a.jsonl', jsonLines(2));
    const event = eventOf(object);
    const headers = { ...HEADERS, 'ce-type': 'google.cloud.storage.object.v1.deleted' };
    expect((await call('upload', { ...event, headers })).status).toBe(204);
    expect((await pipeline.ledger.listJobs({ pageSize: 10 })).jobs).toEqual([]);
  });
});

describe('the sweep', () => {
  it('answers a POST of the scheduler, and nothing else', async () => {
    const { call } = await startFunctions();
    expect((await call('sweep')).status).toBe(204);
    expect((await call('sweep', { method: 'GET' })).status).toBe(405);
  });

  it('that fails is answered with 500', async () => {
    const { call, pipeline } = await startFunctions({
      ports: ({ ledger }) => ({ ledger: failFirst(ledger, 'listJobs') }),
    });
    expect((await call('sweep')).status).toBe(500);
    expect(pipeline.logger.entries).toMatchObject([{ severity: 'ERROR' }]);
  });
});
