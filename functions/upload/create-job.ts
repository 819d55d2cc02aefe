import { MAX_INPUTS, SPLIT_BYTES, TEMPLATE_DEFAULTS } from '../../shared/config.ts';
import { PermanentError, toErrorInfo } from '../../shared/errors.ts';
import { contentFormat } from '../../shared/formats/format.ts';
import type { InstanceConfig, InstancesFormat } from '../../shared/formats/format.ts';
import { formatFromName } from '../../shared/formats/registry.ts';
import { pinInput } from '../../shared/input.ts';
import { locationOf, transition } from '../../shared/job.ts';
import type { Job, JobPlan, JobSpec, OutputNames } from '../../shared/job.ts';
import type { JobTemplate } from '../../shared/job-template.ts';
import { mapConcurrent } from '../../shared/map-concurrent.ts';
import { DEFAULT_SIGNATURE } from '../../shared/models/model.ts';
import type { ModelFiles } from '../../shared/models/model.ts';
import { signatureOf } from '../../shared/models/signature-of.ts';
import { readServingConfig } from '../../shared/models/serving-config.ts';
import { scratchPrefix } from '../../shared/names.ts';
import type { ModelVersion, ObjectStat, Ports } from '../../shared/ports.ts';
import { countSplits } from '../../shared/split-plan.ts';
import { pinTableInput } from '../../shared/table-input.ts';
import type { BigQuerySource } from '../../shared/table-input.ts';
import type { Input } from '../../shared/shard.ts';
import { publishSplits } from './publish-splits.ts';

/** What is asked for. */
export interface JobRequest {
  /** Derived from what is asked for (names.ts): asking twice finds the job there. */
  readonly id: string;
  readonly model: string;
  readonly inputs: readonly { readonly bucket: string; readonly name: string }[];
  /** A table instead of files. */
  readonly table?: BigQuerySource;
  readonly template: JobTemplate;
  /** Where the output goes, given the model's name and the job's creation time. */
  readonly output: (model: string, createTime: string) => OutputNames;
  readonly scratchBucket: string;
  readonly splitBytes?: number;
}

export type CreatePorts = Pick<Ports, 'objects' | 'queue' | 'ledger' | 'models' | 'clock' | 'tables'> &
  Partial<Pick<Ports, 'scorer'>>;

/**
 * Creates a job and publishes its splits. A job that exists already is left as it is, but for splits that a crash
 * kept from being published.
 * @throws PermanentError naming the input, the model or the field that makes the job impossible; nothing is published then.
 */
export async function createJob(ports: CreatePorts, request: JobRequest): Promise<Job> {
  const existing = await ports.ledger.getJob(request.id);
  if (existing !== undefined) return startJob(ports, existing);
  const planned = await planJob(ports, request);
  return (await ports.ledger.createJob(planned)) ? startJob(ports, planned) : createJob(ports, request);
}

/** Publishes a queued job's splits and sets it running. Any other job is left as it is. */
export async function startJob(ports: Pick<Ports, 'queue' | 'ledger' | 'clock'>, job: Job): Promise<Job> {
  if (job.state !== 'JOB_STATE_QUEUED') return job;
  await publishSplits(ports.queue, job);
  return ports.ledger.updateJob(job.id, (current) =>
    current.state === 'JOB_STATE_QUEUED' ? transition(current, 'JOB_STATE_RUNNING', ports.clock.now()) : undefined,
  );
}

/** Resolves the model, pins the inputs and plans the splits: everything that can be wrong with a request is found here. */
export async function planJob(ports: CreatePorts, request: JobRequest): Promise<Job> {
  if (request.inputs.length === 0 && request.table === undefined)
    throw new PermanentError('INVALID_ARGUMENT', 'no input file: a job has at least one');
  if (request.inputs.length > MAX_INPUTS) {
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `${request.inputs.length} input files; a job has at most ${MAX_INPUTS}`,
    );
  }
  const version = await ports.models.resolve(request.model);
  const files = await ports.models.open(version.model, version.version);
  const inputs = await pinAll(ports, request);
  const spec = await specOf(request.template, files, inputs);
  const createTime = new Date(ports.clock.now()).toISOString();
  const splits = countSplits(inputs, request.splitBytes ?? SPLIT_BYTES);
  const plan = planOf(request, version, inputs, splits, createTime);
  await checkSignature(ports, plan.model, spec);
  return { id: request.id, spec, plan, state: 'JOB_STATE_QUEUED', createTime, updateTime: createTime };
}

function planOf(
  request: JobRequest,
  version: ModelVersion,
  inputs: readonly Input[],
  splits: number,
  createTime: string,
): JobPlan {
  return {
    inputs,
    model: { model: version.model, version: version.version, digest: version.digest },
    splitBytes: request.splitBytes ?? SPLIT_BYTES,
    splits,
    output: request.output(version.model, createTime),
    scratch: { bucket: request.scratchBucket, prefix: scratchPrefix(request.id) },
  };
}

async function pinAll(ports: CreatePorts, request: JobRequest): Promise<readonly Input[]> {
  const { table, splitBytes } = request;
  if (table !== undefined) return [await pinTableInput(ports.tables, table, request.id, splitBytes)];
  const inputs = await mapConcurrent(request.inputs, 16, ({ bucket, name }) =>
    pinInput(ports.objects, bucket, name, request.template.instancesFormat),
  );
  const formats = new Set(inputs.map(({ table, format }) => table?.format ?? format));
  if (formats.size > 1) {
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `the inputs have several formats (${[...formats].join(', ')}): a job has one`,
    );
  }
  return inputs;
}

/** The job's own fields, over what the model's serving.json says, over the defaults. */
async function specOf(template: JobTemplate, files: ModelFiles, inputs: readonly Input[]): Promise<JobSpec> {
  const serving = await readServingConfig(files);
  const batchSize = template.manualBatchTuningParameters?.batchSize ?? serving.batchSize;
  const instanceConfig = template.instanceConfig ?? serving.instanceConfig ?? {};
  const { toleratedFailureCount } = template;
  checkColumns(instanceConfig, inputs);
  return {
    displayName: template.displayName ?? files.label,
    signatureName: template.signatureName ?? serving.signatureName ?? DEFAULT_SIGNATURE,
    instancesFormat: instancesFormatOf(inputs, template),
    predictionsFormat: template.predictionsFormat ?? 'jsonl',
    instanceConfig,
    ...(batchSize !== undefined && { batchSize }),
    maxItemsPerBatch: template.maxItemsPerBatch ?? TEMPLATE_DEFAULTS.maxItemsPerBatch,
    maxInputBytesPerBatch: template.maxInputBytesPerBatch ?? TEMPLATE_DEFAULTS.maxInputBytesPerBatch,
    maxRowBytes: template.maxRowBytes ?? TEMPLATE_DEFAULTS.maxRowBytes,
    toleratedFailurePercentage: template.toleratedFailurePercentage ?? TEMPLATE_DEFAULTS.toleratedFailurePercentage,
    ...(toleratedFailureCount !== undefined && { toleratedFailureCount }),
    labels: template.labels ?? {},
  };
}

function instancesFormatOf([first]: readonly Input[], { instancesFormat = 'jsonl' }: JobTemplate): InstancesFormat {
  return first?.table?.format ?? first?.format ?? contentFormat(instancesFormat);
}

/** A field that no column of a CSV file bears, and any of an array, would fail every row: say so before any work is done. */
function checkColumns(config: InstanceConfig, inputs: readonly Input[]): void {
  const asked = [...(config.keyField === undefined ? [] : [config.keyField]), ...(config.includedFields ?? [])];
  for (const { bucket, name, columns, layout } of inputs) {
    const input = `input ${locationOf({ bucket, name })}`;
    if (layout !== undefined && asked[0] !== undefined) {
      throw new PermanentError(
        'INVALID_ARGUMENT',
        `${input}: the rows of an array have no field "${asked[0]}": use the row as key (rowKeys), or save arrays by name as npz`,
      );
    }
    const missing = columns && asked.find((field) => !columns.includes(field));
    if (missing !== undefined) {
      throw new PermanentError(
        'INVALID_ARGUMENT',
        `${input}: no column "${missing}"; its header has ${columns?.map((column) => `"${column}"`).join(', ') ?? 'none'}`,
      );
    }
  }
}

async function checkSignature(ports: CreatePorts, model: JobPlan['model'], spec: JobSpec): Promise<void> {
  const description = await ports.scorer?.inspect(model);
  if (description !== undefined) signatureOf(description, spec.signatureName, `model ${model.model}@${model.version}`);
}

/** A job that could not be planned, kept so that who dropped the file can see why. */
export function stillbornJob(request: JobRequest, object: ObjectStat, error: unknown, now: number): Job {
  const createTime = new Date(now).toISOString();
  const instancesFormat = contentFormat(
    request.template.instancesFormat ?? formatFromName(object.name)?.format ?? 'jsonl',
  );
  const spec: JobSpec = {
    displayName: request.model,
    signatureName: request.template.signatureName ?? DEFAULT_SIGNATURE,
    instancesFormat,
    predictionsFormat: request.template.predictionsFormat ?? 'jsonl',
    instanceConfig: request.template.instanceConfig ?? {},
    ...TEMPLATE_DEFAULTS,
    labels: request.template.labels ?? {},
  };
  const unknown: ModelVersion = { model: request.model, version: '', digest: '', byteSize: 0 };
  const input: Input = { ...object, format: instancesFormat, compression: 'none', headerBytes: 0 };
  const queued: Job = {
    id: request.id,
    spec,
    plan: planOf(request, unknown, [input], 0, createTime),
    state: 'JOB_STATE_QUEUED',
    createTime,
    updateTime: createTime,
  };
  return transition(queued, 'JOB_STATE_FAILED', now, { error: toErrorInfo(error) });
}
