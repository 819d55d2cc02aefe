import { phaseOf } from '../shared/job-resource.ts';
import type { Job } from '../shared/job.ts';
import type { Progress } from '../shared/ports.ts';
import { number } from './progress.ts';
import { table } from './table.ts';

/** One line a job. */
export function jobTable(rows: readonly { readonly job: Job; readonly progress: Progress | undefined }[]): string {
  const cells = rows.map(({ job, progress }) => [
    job.id,
    stateOf(job, progress),
    modelOf(job),
    number(job.outcome?.rows ?? progress?.rows ?? 0),
    number(job.outcome?.failed ?? progress?.failed ?? 0),
    job.createTime,
    inputOf(job),
  ]);
  return table(['JOB', 'STATE', 'MODEL', 'ROWS', 'FAILED', 'CREATED', 'INPUT'], cells);
}

/** Everything that a person asks of one job. */
export function describeJob(job: Job, progress: Progress | undefined): string {
  const { plan, spec, outcome } = job;
  const lines: [string, string | undefined][] = [
    ['job', job.id],
    ['state', stateOf(job, progress)],
    ['error', job.error?.message],
    ['name', spec.displayName],
    ['model', `${modelOf(job)}, signature ${spec.signatureName}`],
    ['input', inputOf(job)],
    ['rows', number(outcome?.rows ?? progress?.rows ?? 0)],
    ['failed', number(outcome?.failed ?? progress?.failed ?? 0)],
    ['runtime', outcome?.runtimes.join(', ')],
    ['redrive of', spec.redriveOf],
    ['created', job.createTime],
    ['started', job.startTime],
    ['ended', job.endTime],
    ['results', outcome && `${plan.output.bucket}/${plan.output.results}`],
    ['errors', outcome && outcome.failed > 0 ? `${plan.output.bucket}/${plan.output.errors}` : undefined],
    ['manifest', outcome && `${plan.output.bucket}/${plan.output.manifest}`],
  ];
  return lines
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([title, value]) => `${title.padEnd(12)}${value ?? ''}\n`)
    .join('');
}

/** `running (scoring)`, `partially succeeded` … */
function stateOf(job: Job, progress: Progress | undefined): string {
  const state = job.state.replace('JOB_STATE_', '').toLowerCase().replaceAll('_', ' ');
  return job.state === 'JOB_STATE_RUNNING' && progress !== undefined ? `${state} (${phaseOf(job, progress)})` : state;
}

function inputOf({ plan }: Job): string {
  const [first] = plan.inputs;
  if (first === undefined) return '';
  return plan.inputs.length === 1 ? first.name : `${first.name} and ${plan.inputs.length - 1} more`;
}

function modelOf({ plan }: Job): string {
  return plan.model.version === '' ? plan.model.model : `${plan.model.model}@${plan.model.version}`;
}
