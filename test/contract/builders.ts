import { expect } from 'vitest';

import type { Status } from '../../shared/errors.ts';
import { PermanentError } from '../../shared/errors.ts';
import type { Job } from '../../shared/job.ts';
import type { SplitTask } from '../../shared/messages.ts';
import { NO_DISTRIBUTION, NO_METRICS, observe } from '../../shared/metrics.ts';
import type { Part, Result, SplitRecord } from '../../shared/shard.ts';

/** A name that no other test uses, so that suites can share a bucket, a database or an emulator. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${crypto.randomUUID()}`;
}

export function makeJob(change: Partial<Job> = {}): Job {
  const id = change.id ?? uniqueName('job');
  const time = '2026-01-01T00:00:00.000Z';
  return {
    id,
    spec: {
      displayName: 'digits',
      signatureName: 'serving_default',
      instancesFormat: 'jsonl',
      predictionsFormat: 'jsonl',
      instanceConfig: { keyField: 'id' },
      maxItemsPerBatch: 1000,
      maxInputBytesPerBatch: 1 << 20,
      maxRowBytes: 1 << 20,
      toleratedFailurePercentage: 100,
      labels: { team: 'réseau' },
    },
    plan: {
      inputs: [
        {
          bucket: 'input',
          name: 'digits/a.jsonl',
          generation: '1',
          size: 2 ** 40,
          format: 'jsonl',
          compression: 'none',
          headerBytes: 0,
        },
      ],
      model: { model: 'digits', version: '3', digest: 'ab'.repeat(32) },
      splitBytes: 64 << 20,
      splits: 4,
      output: { bucket: 'output', results: 'r', errors: 'e', manifest: 'm' },
      scratch: { bucket: 'scratch', prefix: `${id}/` },
    },
    state: 'JOB_STATE_QUEUED',
    createTime: time,
    updateTime: time,
    ...change,
  };
}

export function makeSplit(change: Partial<SplitRecord> = {}): SplitRecord {
  return { split: 0, start: 0, end: 2 ** 40, shards: 3, rows: 30, ...change };
}

export function makeResult(change: Partial<Result> = {}): Result {
  return {
    split: 0,
    shard: 0,
    rows: 10,
    failed: 1,
    errors: [{ error: { code: 3, status: 'INVALID_ARGUMENT', message: 'x: not a number' }, count: 1, firstRows: [7] }],
    runtime: 'onnxruntime-node 1.30.0',
    metrics: { ...NO_METRICS, num_inferences: 9, inference_request_batch_size: observe(NO_DISTRIBUTION, 9) },
    outputs: [{ name: 'y', dtype: 'float32', shape: [null, 2] }],
    lines: { kind: 'inline', bytes: new TextEncoder().encode('{"key":1,"prediction":2}\n') },
    ...change,
  };
}

export function makePart(change: Partial<Part> = {}): Part {
  return {
    split: 0,
    rows: 10,
    failed: 1,
    object: { bucket: 'scratch', name: 'part', generation: '7', size: 2 ** 33, crc32c: 'AAAAAA==' },
    shards: [{ rows: 10, failed: 1, bytes: 250 }],
    errors: [],
    runtimes: ['onnxruntime-node 1.30.0'],
    metrics: NO_METRICS,
    outputs: [{ name: 'y', dtype: 'string', shape: null }],
    ...change,
  };
}

export function makeTask(split: number, job = 'job-1'): SplitTask {
  return { kind: 'split', job, split };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function* streamOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}

/** Asserts that the promise rejects with a PermanentError of this status, whose message matches. */
export async function expectPermanent(promise: Promise<unknown>, status: Status, message = /./): Promise<void> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PermanentError);
  expect(error).toMatchObject({ status, message: expect.stringMatching(message) as unknown });
}
