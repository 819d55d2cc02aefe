import { isEnded } from '../shared/job.ts';
import type { Job } from '../shared/job.ts';
import type { Ledger } from '../shared/ports.ts';

const POLL_MS = 50;

/** The job once it has ended. */
export async function untilEnded(ledger: Ledger, id: string): Promise<Job> {
  for (;;) {
    const job = await ledger.getJob(id);
    if (job !== undefined && isEnded(job)) return job;
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
}

/** Resolves with undefined at the first SIGINT, SIGTERM or SIGHUP. A second one, a second later, ends the process at once. */
export function untilInterrupted(): { readonly signal: Promise<undefined>; readonly cancel: () => void } {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let stop: (() => void) | undefined;
  let first = 0;
  const handler = (): void => {
    if (first === 0) first = Date.now();
    else if (Date.now() - first > 1_000) process.exit(130);
    stop?.();
  };
  const signal = new Promise<undefined>((resolve) => {
    stop = () => {
      resolve(undefined);
    };
  });
  for (const name of signals) process.on(name, handler);
  const cancel = (): void => {
    for (const name of signals) process.off(name, handler);
  };
  return { signal, cancel };
}
