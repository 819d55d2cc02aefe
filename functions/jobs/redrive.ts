import { PermanentError } from '../../shared/errors.ts';
import { isEnded } from '../../shared/job.ts';
import type { Job, OutputNames } from '../../shared/job.ts';
import { folderOutput, jobIdOf, outputFolder, scratchPrefix } from '../../shared/names.ts';
import type { Ports } from '../../shared/ports.ts';
import type { Input } from '../../shared/shard.ts';
import { canReuse } from '../split/reuse-results.ts';

export interface RedriveRequest {
  /** The job whose failed rows are scored again. */
  readonly job: string;
  /** Another model or version; default: the one that the job had. */
  readonly model?: string;
  readonly batchSize?: number;
}

export type RedrivePorts = Pick<Ports, 'objects' | 'ledger' | 'models' | 'clock'> &
  Partial<Pick<Ports, 'scorer' | 'logger'>>;

/**
 * Creates a job over the same inputs that scores only the shards with failed rows again; the others' lines come from the first job's
 * output, where that is JSON lines: else all are scored again, and the log says so. It is queued: `startJob` publishes it.
 * @throws PermanentError NOT_FOUND, or FAILED_PRECONDITION where there is nothing to redrive or what it needs is gone.
 */
export async function createRedrive(ports: RedrivePorts, request: RedriveRequest): Promise<Job> {
  const origin = await ports.ledger.getJob(request.job);
  if (origin === undefined) throw new PermanentError('NOT_FOUND', `no job ${request.job}`);
  await checkRedrivable(ports, origin);
  const pinned = origin.plan.model;
  const version = await ports.models.resolve(request.model ?? `${pinned.model}@${pinned.version}`);
  const now = ports.clock.now();
  const createTime = new Date(now).toISOString();
  const id = jobIdOf('redrive', origin.id, createTime);
  const model = { model: version.model, version: version.version, digest: version.digest };
  await ports.scorer?.inspect(model);
  const job: Job = {
    id,
    spec: {
      ...origin.spec,
      ...(request.batchSize !== undefined && { batchSize: request.batchSize }),
      redriveOf: origin.id,
    },
    plan: {
      ...origin.plan,
      model,
      output: siblingOutput(origin, version.model, createTime),
      scratch: { bucket: origin.plan.scratch.bucket, prefix: scratchPrefix(id) },
    },
    state: 'JOB_STATE_QUEUED',
    createTime,
    updateTime: createTime,
  };
  if (!(await ports.ledger.createJob(job))) throw new PermanentError('ALREADY_EXISTS', `job ${id} exists: ask again`);
  if (!canReuse(job.spec)) {
    const format = job.spec.predictionsFormat;
    ports.logger?.log(
      'WARNING',
      `redrive of ${origin.id}: its output is ${format}, whose rows are not reused: every shard is scored again`,
      {
        job: id,
      },
    );
  }
  return job;
}

async function checkRedrivable(ports: RedrivePorts, origin: Job): Promise<void> {
  const { id, outcome, plan } = origin;
  if (!isEnded(origin))
    throw new PermanentError('FAILED_PRECONDITION', `job ${id} is ${origin.state}: redrive it when it has ended`);
  if (outcome === undefined) {
    throw new PermanentError(
      'FAILED_PRECONDITION',
      `job ${id} is ${origin.state} and has no output to mend: submit it anew`,
    );
  }
  if (outcome.failed === 0)
    throw new PermanentError('FAILED_PRECONDITION', `job ${id} has no failed row: there is nothing to redrive`);
  for (const object of [...(canReuse(origin.spec) ? [outcome.results] : []), ...plan.inputs.filter(isFile)]) {
    const live = await ports.objects.stat(object.bucket, object.name);
    if (live?.generation !== object.generation) {
      const what = live === undefined ? 'is gone' : 'has changed';
      throw new PermanentError('FAILED_PRECONDITION', `${object.name} ${what} since job ${id}: submit the job anew`);
    }
  }
}

/** A new folder beside the first job's. */
function siblingOutput({ plan }: Job, model: string, createTime: string): OutputNames {
  const folder = plan.output.manifest.slice(0, plan.output.manifest.lastIndexOf('/') + 1);
  const parent = folder.slice(0, folder.lastIndexOf('/', folder.length - 2) + 1);
  return folderOutput(plan.output.bucket, `${parent}${outputFolder(model, createTime)}/`);
}

/** A table that is none is looked at when its splits are cut. */
function isFile({ table }: Input): boolean {
  return table?.format !== 'bigquery';
}
