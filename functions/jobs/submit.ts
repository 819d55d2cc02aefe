import { randomUUID } from 'node:crypto';

import { PermanentError } from '../../shared/errors.ts';
import type { Job } from '../../shared/job.ts';
import type { JobTemplate } from '../../shared/job-template.ts';
import { folderOutput, jobIdOf, outputFolder } from '../../shared/names.ts';
import type { Ports } from '../../shared/ports.ts';
import type { Config } from '../config.ts';
import { createJob } from '../upload/create-job.ts';
import type { CreateBody } from './request-schema.ts';
import { findInputs, outputPrefix } from './uris.ts';

export type SubmitPorts = Pick<Ports, 'objects' | 'queue' | 'ledger' | 'models' | 'clock' | 'tables'>;

export interface SubmitQuery {
  readonly batchPredictionJobId?: string | undefined;
  readonly requestId?: string | undefined;
}

/**
 * Creates a job by the code that an upload's job is created by.
 * A repeated request with the same `requestId` and body finds the job there (AIP-155); a job id that is taken is refused (AIP-133).
 * @throws PermanentError naming the field that makes the job impossible.
 */
export async function submitJob(
  ports: SubmitPorts,
  config: Config,
  body: CreateBody,
  query: SubmitQuery,
): Promise<Job> {
  const { buckets, splitBytes } = config;
  const { model, modelVersionId, inputConfig, outputConfig, ...fields } = body;
  const id = jobId(body, query);
  const repeatable = query.batchPredictionJobId === undefined && query.requestId !== undefined;
  if (!repeatable && (await ports.ledger.getJob(id)) !== undefined) {
    throw new PermanentError('ALREADY_EXISTS', `job ${id} exists already`);
  }
  const template: JobTemplate = {
    ...fields,
    ...(inputConfig.instancesFormat !== undefined && { instancesFormat: inputConfig.instancesFormat }),
    ...(outputConfig?.predictionsFormat !== undefined && { predictionsFormat: outputConfig.predictionsFormat }),
  };
  const { gcsSource, bigquerySource } = inputConfig;
  if ((gcsSource === undefined) === (bigquerySource === undefined))
    throw new PermanentError('INVALID_ARGUMENT', 'inputConfig: give either gcsSource or bigquerySource');
  const prefix = outputPrefix(buckets, outputConfig?.gcsDestination?.outputUriPrefix);
  return createJob(ports, {
    id,
    model: modelReference(model, modelVersionId),
    inputs: gcsSource === undefined ? [] : await findInputs(ports.objects, buckets, gcsSource.uris),
    ...(bigquerySource !== undefined && { table: bigquerySource }),
    template,
    output: (name, createTime) => folderOutput(buckets.output, `${prefix}${outputFolder(name, createTime)}/`),
    scratchBucket: buckets.output,
    ...(splitBytes !== undefined && { splitBytes }),
  });
}

function jobId(body: CreateBody, { batchPredictionJobId, requestId }: SubmitQuery): string {
  if (batchPredictionJobId !== undefined) return batchPredictionJobId;
  // With the body in it, a mark that is used for another job by mistake makes that other job.
  return requestId === undefined
    ? jobIdOf('submit', randomUUID())
    : jobIdOf('request', requestId, JSON.stringify(body));
}

/** `digits`, `digits@3` or `projects/…/models/digits@3`, with the version apart or not. */
function modelReference(model: string, version: string | undefined): string {
  const name = model.slice(model.lastIndexOf('/') + 1);
  if (version === undefined) return name;
  if (name.includes('@'))
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `model ${model} names a version, and so does modelVersionId: give one of them`,
    );
  return `${name}@${version}`;
}
