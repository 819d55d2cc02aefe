import { PermanentError } from '../../shared/errors.ts';
import { formatFromName, INPUT_SUFFIXES } from '../../shared/formats/registry.ts';
import { isEnded } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import { parseTemplate } from '../../shared/job-template.ts';
import type { JobTemplate } from '../../shared/job-template.ts';
import { readAll } from '../../shared/input.ts';
import { folderOutput, jobIdOf, outputFolder } from '../../shared/names.ts';
import type { ObjectStat, Ports } from '../../shared/ports.ts';
import { createJob, stillbornJob } from './create-job.ts';
import type { CreatePorts, JobRequest } from './create-job.ts';

export type UploadPorts = CreatePorts & Pick<Ports, 'logger'>;

/** Where a dropped file's output and scratch go. */
export interface UploadTarget {
  readonly outputBucket: string;
  readonly scratchBucket: string;
  /** Bytes of input per split; unset: SPLIT_BYTES. */
  readonly splitBytes?: number;
}

const TEMPLATE = 'fanfold.json';
const MAX_TEMPLATE_BYTES = 256 * 1024;

/**
 * Turns a finalized object `<model>[@version]/…/file.jsonl` (or of any other input suffix) into a job. Its id comes from bucket, name and generation: a duplicate event finds the
 * job there. Ignores empty objects and what is outside the convention; a file that cannot become a job leaves a FAILED one that says why.
 */
export async function upload(ports: UploadPorts, object: ObjectStat, target: UploadTarget): Promise<Job | undefined> {
  const folder = object.name.slice(0, Math.max(0, object.name.indexOf('/')));
  const base = object.name.slice(object.name.lastIndexOf('/') + 1);
  if (folder !== '' && base === TEMPLATE) {
    ports.logger.log('INFO', 'a template: it is read when an input of that model arrives', { object: object.name });
    return undefined;
  }
  if (object.size === 0 || folder === '' || formatFromName(base) === undefined) {
    const expected = `<model>[@version]/…/file with one of the suffixes ${INPUT_SUFFIXES.join(' ')}, not empty`;
    ports.logger.log('INFO', `ignored: not an input (${expected})`, { object: object.name });
    return undefined;
  }
  const id = jobIdOf(object.bucket, object.name, object.generation);
  const existing = await ports.ledger.getJob(id);
  if (existing !== undefined && isEnded(existing)) return existing;
  const live = await ports.objects.stat(object.bucket, object.name);
  if (live?.generation !== object.generation) {
    ports.logger.log('INFO', 'ignored: overwritten or deleted since', { object: object.name });
    return existing;
  }
  const request: JobRequest = {
    id,
    model: folder,
    inputs: [{ bucket: object.bucket, name: object.name }],
    template: {},
    output: (model, time) => folderOutput(target.outputBucket, `${object.name}/${outputFolder(model, time)}/`),
    scratchBucket: target.scratchBucket,
    ...(target.splitBytes !== undefined && { splitBytes: target.splitBytes }),
  };
  try {
    return await createJob(ports, { ...request, template: await readTemplate(ports, object.bucket, folder) });
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    ports.logger.log('ERROR', `no job: ${error.message}`, { object: object.name });
    const job = stillbornJob(request, object, error, ports.clock.now());
    await ports.ledger.createJob(job);
    return job;
  }
}

/** The template in the input folder of the model: of exactly that version where there is one, else of the model. */
async function readTemplate(ports: Pick<Ports, 'objects'>, bucket: string, folder: string): Promise<JobTemplate> {
  const model = folder.replace(/@.*$/, '');
  for (const name of new Set([`${folder}/${TEMPLATE}`, `${model}/${TEMPLATE}`])) {
    const object = await ports.objects.stat(bucket, name);
    if (object === undefined) continue;
    if (object.size > MAX_TEMPLATE_BYTES)
      throw new PermanentError('INVALID_ARGUMENT', `${name}: larger than ${MAX_TEMPLATE_BYTES} bytes`);
    const text = Buffer.from(await readAll(ports.objects.read(object, 0, object.size), object.size)).toString();
    return parseTemplate(parseJson(text, name), name);
  }
  return {};
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PermanentError('INVALID_ARGUMENT', `${name}: not JSON: ${(error as Error).message}`);
  }
}
