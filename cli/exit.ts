import type { JobState } from '../shared/job.ts';

/** What the process ends with. */
export const EXIT = { succeeded: 0, failed: 1, usage: 2, partiallySucceeded: 3, interrupted: 130 } as const;

/** The command line asks for something that cannot be: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function exitCodeOf(state: JobState): number {
  if (state === 'JOB_STATE_SUCCEEDED') return EXIT.succeeded;
  return state === 'JOB_STATE_PARTIALLY_SUCCEEDED' ? EXIT.partiallySucceeded : EXIT.failed;
}
