import { describe, expect, it } from 'vitest';

import { PermanentError } from '../../shared/errors.ts';
import { isActive, isEnded, JOB_STATES, locationOf, transition, verdict } from '../../shared/job.ts';
import type { Job, JobState } from '../../shared/job.ts';
import { makeJob } from '../contract/builders.ts';

const NOW = Date.parse('2026-02-03T04:05:06.000Z');
const TIME = '2026-02-03T04:05:06.000Z';

/** Every step that there is. */
const STEPS: Readonly<Partial<Record<JobState, readonly JobState[]>>> = {
  JOB_STATE_QUEUED: ['JOB_STATE_RUNNING', 'JOB_STATE_FAILED', 'JOB_STATE_CANCELLING', 'JOB_STATE_EXPIRED'],
  JOB_STATE_RUNNING: [
    'JOB_STATE_SUCCEEDED',
    'JOB_STATE_PARTIALLY_SUCCEEDED',
    'JOB_STATE_FAILED',
    'JOB_STATE_CANCELLING',
    'JOB_STATE_EXPIRED',
  ],
  JOB_STATE_CANCELLING: ['JOB_STATE_CANCELLED'],
};

const ALL = JOB_STATES.flatMap((from) => JOB_STATES.map((to) => ({ from, to })));
const ENDED: readonly JobState[] = [
  'JOB_STATE_SUCCEEDED',
  'JOB_STATE_PARTIALLY_SUCCEEDED',
  'JOB_STATE_FAILED',
  'JOB_STATE_CANCELLED',
  'JOB_STATE_EXPIRED',
];

function stepExists({ from, to }: { from: JobState; to: JobState }): boolean {
  return STEPS[from]?.includes(to) === true;
}

describe('the state machine', () => {
  it.each(ALL.filter(stepExists))('goes from $from to $to', ({ from, to }) => {
    const job = makeJob({ state: from });
    const next = transition(job, to, NOW);
    const started = to === 'JOB_STATE_RUNNING' ? { startTime: TIME } : {};
    const ended = ENDED.includes(to) ? { endTime: TIME } : {};
    expect(next).toEqual({ ...job, state: to, updateTime: TIME, ...started, ...ended });
  });

  it.each(ALL.filter((step) => !stepExists(step)))('does not go from $from to $to', ({ from, to }) => {
    const job = makeJob({ id: 'j1', state: from });
    const step = (): Job => transition(job, to, NOW);
    expect(step).toThrow(PermanentError);
    expect(step).toThrow(`job j1 is ${from}: it cannot become ${to}`);
  });

  it.each(JOB_STATES)('%s is queued or running, cancelling, or ended', (state) => {
    const job = makeJob({ state });
    expect(isEnded(job)).toBe(ENDED.includes(state));
    expect(isActive(job)).toBe(state === 'JOB_STATE_QUEUED' || state === 'JOB_STATE_RUNNING');
    expect(isEnded(job) || isActive(job) || state === 'JOB_STATE_CANCELLING').toBe(true);
  });

  it('keeps with the state why it was reached', () => {
    const error = { code: 13, status: 'INTERNAL', message: 'why' } as const;
    expect(transition(makeJob(), 'JOB_STATE_FAILED', NOW, { error })).toMatchObject({ error });
  });
});

describe('the verdict', () => {
  const rates = (percentage: number, count?: number): Job['spec'] => ({
    ...makeJob().spec,
    toleratedFailurePercentage: percentage,
    ...(count !== undefined && { toleratedFailureCount: count }),
  });

  it.each([
    { spec: rates(100), rows: 0, failed: 0, state: 'SUCCEEDED' },
    { spec: rates(0, 0), rows: 0, failed: 0, state: 'SUCCEEDED' },
    { spec: rates(0, 0), rows: 9, failed: 0, state: 'SUCCEEDED' },
    { spec: rates(100), rows: 9, failed: 1, state: 'PARTIALLY_SUCCEEDED' },
    { spec: rates(100), rows: 9, failed: 8, state: 'PARTIALLY_SUCCEEDED' },
    { spec: rates(100), rows: 9, failed: 9, state: 'FAILED', reason: 'all 9 rows failed' },
    { spec: rates(25), rows: 8, failed: 2, state: 'PARTIALLY_SUCCEEDED' },
    {
      spec: rates(24.9),
      rows: 8,
      failed: 2,
      state: 'FAILED',
      reason: '2 of 8 rows failed: more than the tolerated 24.9 %',
    },
    { spec: rates(0), rows: 8, failed: 1, state: 'FAILED', reason: '1 of 8 rows failed: more than the tolerated 0 %' },
    { spec: rates(100, 2), rows: 8, failed: 2, state: 'PARTIALLY_SUCCEEDED' },
    {
      spec: rates(100, 1),
      rows: 8,
      failed: 2,
      state: 'FAILED',
      reason: '2 of 8 rows failed: more than the tolerated count of 1',
    },
    {
      spec: rates(50, 0),
      rows: 8,
      failed: 1,
      state: 'FAILED',
      reason: '1 of 8 rows failed: more than the tolerated count of 0',
    },
  ])(
    'on $failed failed of $rows rows, tolerating $spec.toleratedFailurePercentage % and $spec.toleratedFailureCount: $state',
    ({ spec, rows, failed, state, reason }) => {
      expect(verdict(spec, rows, failed)).toEqual({
        state: `JOB_STATE_${state}`,
        ...(reason !== undefined && { reason }),
      });
    },
  );
});

it('an object is told by its bucket and name, a file of this machine by its path', () => {
  expect(locationOf({ bucket: 'input', name: 'm/a.jsonl' })).toBe('input/m/a.jsonl');
  expect(locationOf({ bucket: '/', name: 'data/a.jsonl' })).toBe('/data/a.jsonl');
});
