import { describe, expect, it } from 'vitest';

import { describeJob, jobTable } from '../../cli/job-text.ts';
import { viewOfJob, viewOfResource } from '../../cli/job-view.ts';
import type { JobView } from '../../cli/job-view.ts';
import type { JobResource } from '../../cli/jobs-client.ts';
import { jobResource } from '../../shared/job-resource.ts';
import { transition } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import type { Progress } from '../../shared/ports.ts';
import type { Input } from '../../shared/shard.ts';
import { makeJob } from '../contract/builders.ts';

const FILE: Input = {
  bucket: 'input',
  name: 'digits/a.jsonl',
  generation: '1',
  size: 9,
  format: 'jsonl',
  compression: 'none',
  headerBytes: 0,
};
const TABLE: Input = { ...FILE, name: 'project.flights.march', table: { format: 'bigquery', units: 2 } };
const PROGRESS: Progress = {
  splits: 1,
  plannedShards: 2,
  plannedRows: 1200,
  results: 1,
  rows: 1000,
  failed: 7,
  parts: 0,
};

function runningOver(...inputs: readonly Input[]): Job {
  const job = makeJob({ id: 'j1' });
  const planned = { ...job, plan: { ...job.plan, inputs, splits: 1 } };
  return transition(planned, 'JOB_STATE_RUNNING', Date.parse('2026-01-01T00:00:01Z'));
}

/** As a jobs API sends it. */
function remote(job: Job): JobView {
  return viewOfResource(JSON.parse(JSON.stringify(jobResource(job, PROGRESS))) as JobResource);
}

describe('a job as people see it', () => {
  it.each([
    ['a file', [FILE], 'digits/a.jsonl', 'gs://input/digits/a.jsonl'],
    ['several files', [FILE, FILE, FILE], 'digits/a.jsonl and 2 more', 'gs://input/digits/a.jsonl and 2 more'],
    ['a table', [TABLE], 'project.flights.march', 'bq://project.flights.march'],
  ])('over %s is the same here and behind an API, but for where its input is', (_, inputs, here, there) => {
    const job = runningOver(...inputs);
    const local = describeJob(viewOfJob(job, PROGRESS));
    expect(local).toContain(`input       ${here}\n`);
    expect(local).toContain('state       running (scoring)\n');
    expect(local).toContain('rows        1,000\n');
    expect(describeJob(remote(job))).toBe(local.replace(`input       ${here}\n`, `input       ${there}\n`));
    expect(jobTable([remote(job)])).toContain(there);
  });

  it('that found no version names the model alone', () => {
    const view = viewOfJob(runningOver(FILE), undefined);
    expect(describeJob({ ...view, version: '' })).toContain(`model       ${view.model}, signature`);
  });
});
