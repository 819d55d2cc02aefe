import type { JobView } from './job-view.ts';
import { number } from './progress.ts';
import { table } from './table.ts';

/** One line a job. */
export function jobTable(jobs: readonly JobView[]): string {
  const cells = jobs.map((job) => [
    job.id,
    stateOf(job),
    modelOf(job),
    number(job.rows),
    number(job.failed),
    job.createTime,
    inputOf(job),
  ]);
  return table(['JOB', 'STATE', 'MODEL', 'ROWS', 'FAILED', 'CREATED', 'INPUT'], cells);
}

/** Everything that a person asks of one job. */
export function describeJob(job: JobView): string {
  const lines: [string, string | undefined][] = [
    ['job', job.id],
    ['state', stateOf(job)],
    ['error', job.error],
    ['name', job.displayName],
    ['model', `${modelOf(job)}, signature ${job.signatureName}`],
    ['input', inputOf(job)],
    ['rows', number(job.rows)],
    ['failed', number(job.failed)],
    ['runtime', job.runtimes?.join(', ')],
    ['redrive of', job.redriveOf],
    ['created', job.createTime],
    ['started', job.startTime],
    ['ended', job.endTime],
    ['results', job.results],
    ['errors', job.errors],
    ['manifest', job.manifest],
  ];
  return lines
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([title, value]) => `${title.padEnd(12)}${value ?? ''}\n`)
    .join('');
}

/** `running (scoring)`, `partially succeeded` … */
export function stateOf({ state, phase }: Pick<JobView, 'state' | 'phase'>): string {
  const name = state.replace('JOB_STATE_', '').toLowerCase().replaceAll('_', ' ');
  return phase === undefined ? name : `${name} (${phase})`;
}

function inputOf({ inputs }: JobView): string {
  const [first = ''] = inputs;
  return inputs.length < 2 ? first : `${first} and ${inputs.length - 1} more`;
}

function modelOf({ model, version }: JobView): string {
  return version === '' ? model : `${model}@${version}`;
}
