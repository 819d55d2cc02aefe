import { describe, expect, it } from 'vitest';

import { errorInfo } from '../../shared/errors.ts';
import { jobResource, phaseOf } from '../../shared/job-resource.ts';
import { transition } from '../../shared/job.ts';
import type { Job, JobOutcome } from '../../shared/job.ts';
import { manifestOf } from '../../shared/manifest.ts';
import { NO_METRICS } from '../../shared/metrics.ts';
import type { Progress } from '../../shared/ports.ts';
import { makeJob } from '../contract/builders.ts';

const FOLDER = 'digits/a.jsonl/prediction-digits-2026-01-01T00:00:00.000Z';

function outputJob(change: Partial<Job> = {}): Job {
  const job = makeJob({ id: 'j1' });
  const output = {
    bucket: 'output',
    results: `${FOLDER}/results`,
    errors: `${FOLDER}/errors`,
    manifest: `${FOLDER}/manifest.json`,
  };
  return { ...job, plan: { ...job.plan, output }, ...change };
}

const OUTCOME: JobOutcome = {
  rows: 30,
  failed: 2,
  runtimes: ['onnxruntime-node 1.30.0'],
  results: { bucket: 'output', name: `${FOLDER}/results`, generation: '1', size: 900, crc32c: 'AAAAAA==' },
  errors: { bucket: 'output', name: `${FOLDER}/errors`, generation: '2', size: 90, crc32c: 'BBBBBB==' },
};

const PROGRESS: Progress = {
  splits: 4,
  plannedShards: 12,
  plannedRows: 120,
  results: 3,
  rows: 30,
  failed: 1,
  parts: 0,
};

function ended(): Job {
  const running = transition(outputJob(), 'JOB_STATE_RUNNING', Date.parse('2026-01-01T00:00:01Z'));
  return transition(running, 'JOB_STATE_PARTIALLY_SUCCEEDED', Date.parse('2026-01-01T00:00:09Z'), { outcome: OUTCOME });
}

describe('the job resource', () => {
  it('of an ended job has the fields of Vertex AI’s BatchPredictionJob, and ours beside them', () => {
    expect(JSON.parse(JSON.stringify(jobResource(ended())))).toEqual({
      name: 'j1',
      displayName: 'digits',
      model: 'digits',
      modelVersionId: '3',
      signatureName: 'serving_default',
      inputConfig: { instancesFormat: 'jsonl', gcsSource: { uris: ['gs://input/digits/a.jsonl'] } },
      instanceConfig: { keyField: 'id' },
      outputConfig: { predictionsFormat: 'jsonl', gcsDestination: { outputUriPrefix: `gs://output/${FOLDER}/` } },
      maxItemsPerBatch: 1000,
      maxInputBytesPerBatch: 1 << 20,
      maxRowBytes: 1 << 20,
      toleratedFailurePercentage: 100,
      state: 'JOB_STATE_PARTIALLY_SUCCEEDED',
      outputInfo: {
        gcsOutputDirectory: `gs://output/${FOLDER}/`,
        results: `gs://output/${FOLDER}/results`,
        manifest: `gs://output/${FOLDER}/manifest.json`,
      },
      completionStats: { successfulCount: 28, failedCount: 2, incompleteCount: 0 },
      createTime: '2026-01-01T00:00:00.000Z',
      startTime: '2026-01-01T00:00:01.000Z',
      endTime: '2026-01-01T00:00:09.000Z',
      updateTime: '2026-01-01T00:00:09.000Z',
      labels: { team: 'réseau' },
    });
  });

  it('of a running job tells its phase and what is done', () => {
    const job = transition(outputJob(), 'JOB_STATE_RUNNING', 0);
    expect(jobResource(job, PROGRESS)).toMatchObject({
      phase: 'scoring',
      progress: PROGRESS,
      completionStats: { successfulCount: 29, failedCount: 1, incompleteCount: 90 },
    });
    expect(jobResource(job, PROGRESS)).not.toHaveProperty('outputInfo');
  });

  it('tells batch size, tolerated count and origin where the job has them', () => {
    const job = outputJob();
    const spec = { ...job.spec, batchSize: 64, toleratedFailureCount: 5, redriveOf: 'j0' };
    expect(jobResource({ ...job, spec })).toMatchObject({
      manualBatchTuningParameters: { batchSize: 64 },
      toleratedFailureCount: 5,
      redriveOf: 'j0',
    });
  });

  it('of a failed job tells why', () => {
    const error = errorInfo('NOT_FOUND', 'no model');
    expect(jobResource(transition(outputJob(), 'JOB_STATE_FAILED', 0, { error }))).toMatchObject({ error });
  });

  it('names files of this machine by their URL', () => {
    const job = outputJob();
    const [input] = job.plan.inputs;
    if (input === undefined) throw new Error('no input');
    const plan = {
      ...job.plan,
      inputs: [{ ...input, bucket: '/', name: 'data/a.jsonl' }],
      output: { ...job.plan.output, bucket: '/out' },
    };
    expect(jobResource({ ...job, plan })).toMatchObject({
      inputConfig: { gcsSource: { uris: ['file:///data/a.jsonl'] } },
      outputConfig: { gcsDestination: { outputUriPrefix: `file:///out/${FOLDER}/` } },
    });
  });

  it.each([
    { change: { splits: 3 }, phase: 'splitting' },
    { change: {}, phase: 'scoring' },
    { change: { results: 12 }, phase: 'assembling' },
  ])('is $phase at $change', ({ change, phase }) => {
    expect(phaseOf(outputJob(), { ...PROGRESS, ...change })).toBe(phase);
  });
});

describe('the manifest', () => {
  it('lists the job, the model with its runtimes, the files with their checksums, and the counts', () => {
    const job = ended();
    expect(manifestOf(job)).toEqual({
      job: jobResource(job),
      model: { model: 'digits', version: '3', digest: 'ab'.repeat(32), runtimes: ['onnxruntime-node 1.30.0'] },
      files: [
        { name: 'results', size: 900, rows: 30, crc32c: 'AAAAAA==', format: 'jsonl' },
        { name: 'errors', size: 90, crc32c: 'BBBBBB==' },
      ],
      counts: { rows: 30, successful: 28, failed: 2 },
    });
  });

  it('lists what was measured under the model version, distributions with their mean', () => {
    const job = ended();
    if (job.outcome === undefined) throw new Error('no outcome');
    const metrics = {
      ...NO_METRICS,
      num_inferences: 30,
      inference_request_batch_size: { count: 2, sum: 30, min: 10, max: 20 },
    };
    expect(manifestOf({ ...job, outcome: { ...job.outcome, metrics } })['metrics']).toMatchObject({
      'digits@3': {
        num_inferences: 30,
        inference_request_batch_size: { count: 2, sum: 30, min: 10, max: 20, mean: 15 },
        model_byte_size: { count: 0, mean: 0 },
      },
    });
  });

  it('says what the results are written as', () => {
    const job = ended();
    const csv = { ...job, spec: { ...job.spec, predictionsFormat: 'csv' as const } };
    expect(jobResource(csv)).toMatchObject({ outputConfig: { predictionsFormat: 'csv' } });
    expect(manifestOf(csv)).toMatchObject({ files: [{ format: 'csv' }, {}] });
  });

  it('of a job without output is a mistake', () => {
    expect(() => manifestOf(outputJob())).toThrow('job j1 has no output to list');
  });
});
