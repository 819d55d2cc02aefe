import { relative } from 'node:path';

import { jobResource } from '../shared/job-resource.ts';
import type { Job } from '../shared/job.ts';
import { stateOf } from './job-text.ts';
import { number } from './progress.ts';

/** Tells how a run ended: as JSON on stdout where asked for, else in a few lines on stderr. */
export function reportRun(job: Job, format: 'table' | 'json', tookMs: number): void {
  if (format === 'json') process.stdout.write(`${JSON.stringify(jobResource(job), undefined, 2)}\n`);
  else process.stderr.write(`${lines(job, tookMs).join('\n')}\n`);
}

function lines(job: Job, tookMs: number): string[] {
  const { outcome, plan, state } = job;
  const head = `${stateOf({ state })}${job.error === undefined ? '' : `: ${job.error.message}`}`;
  if (outcome === undefined) return [head];
  const file = (name: string): string => {
    const path = `${plan.output.bucket}/${name}`;
    const near = relative(process.cwd(), path);
    return near.startsWith('..') ? path : near;
  };
  const rate = tookMs > 0 ? `, ${number(Math.round((1000 * outcome.rows) / tookMs))} rows/s` : '';
  const counts = `${number(outcome.rows)} rows, ${number(outcome.failed)} of them errors, in ${(tookMs / 1000).toFixed(1)} s${rate}`;
  return [
    `${head}: ${counts}`,
    ...(outcome.runtimes.length > 0
      ? [`  scored by  ${plan.model.model}@${plan.model.version} on ${outcome.runtimes.join(', ')}`]
      : []),
    `  results    ${file(plan.output.results)}`,
    `  manifest   ${file(plan.output.manifest)}`,
    ...(outcome.failed > 0 ? [`  errors     ${file(plan.output.errors)}`] : []),
  ];
}
