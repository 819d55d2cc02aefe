import { Presets, SingleBar } from 'cli-progress';

import { phaseOf } from '../shared/job-resource.ts';
import type { Job } from '../shared/job.ts';
import type { Ledger, Progress } from '../shared/ports.ts';

/** How often a bar is drawn and a line is printed, in ms. */
const BAR_MS = 200;
const LINE_MS = 5_000;
/** The rate is that of the last few seconds. */
const RATE_WINDOW_MS = 5_000;

/** Tells on stderr how far a job is: a bar on a terminal, now and then a line elsewhere. */
export class ProgressReporter {
  readonly #ledger: Ledger;
  readonly #job: Job;
  readonly #bar: SingleBar | undefined;
  #timer: NodeJS.Timeout | undefined;
  #samples: { readonly time: number; readonly rows: number }[] = [];
  #lastLine = Date.now();

  constructor(ledger: Ledger, job: Job, quiet = false) {
    this.#ledger = ledger;
    this.#job = job;
    if (quiet || !process.stderr.isTTY) return;
    const format =
      '{phase} {bar} {percentage}% | {done}/{all} rows | {rate} rows/s | shards {shards} | {errors} errors | {left}';
    this.#bar = new SingleBar(
      { format, stream: process.stderr, barsize: 24, hideCursor: true, clearOnComplete: false },
      Presets.shades_classic,
    );
    this.#bar.start(1000, 0, payloadOf(job, EMPTY, 0));
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), BAR_MS);
  }

  /** Looks no more; `ended` is the job where it has ended. */
  stop(ended: Job | undefined): void {
    clearInterval(this.#timer);
    if (ended?.outcome !== undefined) {
      const { rows, failed } = ended.outcome;
      this.#bar?.update(1000, {
        phase: 'done'.padEnd(10),
        done: number(rows),
        all: number(rows),
        errors: number(failed),
        left: '',
      });
    }
    this.#bar?.stop();
  }

  async #look(): Promise<void> {
    const progress = await this.#ledger.progress(this.#job.id).catch(() => undefined);
    if (progress === undefined) return;
    const rate = this.#rate(progress.rows);
    const payload = payloadOf(this.#job, progress, rate);
    if (this.#bar !== undefined) this.#bar.update(Math.round(1000 * share(this.#job, progress)), payload);
    else if (process.stderr.isTTY || Date.now() - this.#lastLine < LINE_MS) return;
    else {
      this.#lastLine = Date.now();
      const { phase, done, all, shards, errors, left } = payload;
      process.stderr.write(
        `${phase}: ${done}/${all} rows, ${payload.rate} rows/s, shards ${shards}, ${errors} errors, ${left}\n`,
      );
    }
  }

  /** Rows a second over the last few seconds. */
  #rate(rows: number): number {
    const now = Date.now();
    this.#samples.push({ time: now, rows });
    while (this.#samples.length > 2 && now - (this.#samples[0]?.time ?? now) > RATE_WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || now === first.time) return 0;
    return (1000 * (rows - first.rows)) / (now - first.time);
  }
}

const EMPTY: Progress = { splits: 0, plannedShards: 0, plannedRows: 0, results: 0, rows: 0, failed: 0, parts: 0 };

/** Rows in all: known once every split is counted, before that extrapolated from those that are. */
function expectedRows(job: Job, progress: Progress): number {
  if (progress.splits === 0) return 0;
  return Math.round((progress.plannedRows * job.plan.splits) / progress.splits);
}

function share(job: Job, progress: Progress): number {
  const rows = expectedRows(job, progress);
  return rows === 0 ? 0 : Math.min(1, progress.rows / rows);
}

function payloadOf(
  job: Job,
  progress: Progress,
  rate: number,
): Record<'phase' | 'done' | 'all' | 'rate' | 'shards' | 'errors' | 'left', string> {
  const rows = expectedRows(job, progress);
  const about = progress.splits < job.plan.splits ? '~' : '';
  const seconds = rate > 0 ? Math.ceil((rows - progress.rows) / rate) : undefined;
  return {
    phase: phaseOf(job, progress).padEnd(10),
    done: number(progress.rows),
    all: rows === 0 ? '?' : `${about}${number(rows)}`,
    rate: number(Math.round(rate)),
    shards: `${progress.results}/${about}${progress.plannedShards}`,
    errors: number(progress.failed),
    left: seconds === undefined ? '' : `${duration(seconds)} left`,
  };
}

export function number(value: number): string {
  return value.toLocaleString('en-US');
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
