import { z } from 'zod';

import { PermanentError } from '../../shared/errors.ts';
import { jobResource } from '../../shared/job-resource.ts';
import { isEnded } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import { mapConcurrent } from '../../shared/map-concurrent.ts';
import type { Ports } from '../../shared/ports.ts';
import type { Config } from '../config.ts';
import type { HttpAnswer, HttpRequest } from '../http/exchange.ts';
import { cancelJob, deleteScratch } from '../job-task.ts';
import { startJob } from '../upload/create-job.ts';
import { errorAnswer, refusal } from './answers.ts';
import { statesOf } from './filter.ts';
import { createRedrive } from './redrive.ts';
import { createQuerySchema, createSchema, emptySchema, listQuerySchema, redriveSchema } from './request-schema.ts';
import { findRoute } from './route.ts';
import type { Route } from './route.ts';
import { submitJob } from './submit.ts';

export interface JobsContext {
  readonly config: Config;
  readonly ports: Omit<Ports, 'scorer'>;
}

/** 2000 URIs of 1 KiB, and room. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const DEFAULT_PAGE = 50;
const MAX_PAGE = 100;

/**
 * The jobs API: Vertex AI's batchPredictionJobs, with our fields and `:redrive` beside it. Every refusal has Google's error shape.
 * https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.batchPredictionJobs
 */
export async function jobsApi(context: JobsContext, request: HttpRequest): Promise<HttpAnswer> {
  const bytes = request.rawBody?.length ?? 0;
  if (bytes > MAX_BODY_BYTES) {
    const { body } = errorAnswer('INVALID_ARGUMENT', `a body of ${bytes} bytes; expected at most ${MAX_BODY_BYTES}`);
    return { status: 413, body };
  }
  const route = findRoute(request.method, request.path);
  if (route.kind === 'none') return errorAnswer('NOT_FOUND', `no such path: ${request.path}`);
  if (route.kind === 'method') {
    const { body } = errorAnswer(
      'UNIMPLEMENTED',
      `${request.method} ${request.path}: expected ${route.allow.join(' or ')}`,
    );
    return { status: 405, headers: { Allow: route.allow.join(', ') }, body };
  }
  try {
    checkPlace(context.config, route);
    return await answer(context, route, request);
  } catch (error) {
    if (error instanceof InvalidRequest) return errorAnswer('INVALID_ARGUMENT', error.message, error.violations);
    if (error instanceof PermanentError) return refusal(error);
    throw error;
  }
}

async function answer(context: JobsContext, route: Route, request: HttpRequest): Promise<HttpAnswer> {
  const { ports, config } = context;
  const { ledger } = ports;
  switch (route.kind) {
    case 'create': {
      const body = parse(createSchema, jsonOf(request));
      const job = await submitJob(ports, config, body, parse(createQuerySchema, request.query));
      return ok(resource(route, job));
    }
    case 'list':
      return list(ports, route, request);
    case 'get':
      return ok(await describe(ports, route, await find(ports, route.job)));
    case 'delete': {
      const job = await find(ports, route.job);
      if (!isEnded(job))
        throw new PermanentError('FAILED_PRECONDITION', `job ${job.id} is ${job.state}: cancel it first`);
      await deleteScratch(ports, job);
      await ledger.deleteJob(job.id);
      return ok({});
    }
    case 'cancel': {
      parse(emptySchema, jsonOf(request));
      const job = await find(ports, route.job);
      if (isEnded(job))
        throw new PermanentError('FAILED_PRECONDITION', `job ${job.id} has ended already: ${job.state}`);
      await cancelJob(ports, job.id);
      return ok({});
    }
    case 'redrive': {
      const { model, manualBatchTuningParameters } = parse(redriveSchema, jsonOf(request));
      const batchSize = manualBatchTuningParameters?.batchSize;
      const job = await createRedrive(ports, {
        job: route.job,
        ...(model !== undefined && { model }),
        ...(batchSize !== undefined && { batchSize }),
      });
      return ok(resource(route, await startJob(ports, job)));
    }
    default:
      return route satisfies never;
  }
}

async function list(ports: JobsContext['ports'], route: Route, request: HttpRequest): Promise<HttpAnswer> {
  const { pageSize = 0, pageToken, filter } = parse(listQuerySchema, request.query);
  const states = statesOf(filter);
  const page = await ports.ledger.listJobs({
    pageSize: pageSize === 0 ? DEFAULT_PAGE : Math.min(pageSize, MAX_PAGE),
    ...(pageToken !== undefined && pageToken !== '' && { pageToken }),
    ...(states !== undefined && { states }),
  });
  const batchPredictionJobs = await mapConcurrent(page.jobs, 8, (job) => describe(ports, route, job));
  return ok({ batchPredictionJobs, ...(page.nextPageToken !== undefined && { nextPageToken: page.nextPageToken }) });
}

/** @throws PermanentError NOT_FOUND */
async function find(ports: JobsContext['ports'], id: string): Promise<Job> {
  const job = await ports.ledger.getJob(id);
  if (job === undefined) throw new PermanentError('NOT_FOUND', `no job ${id}`);
  return job;
}

async function describe(ports: JobsContext['ports'], route: Route, job: Job): Promise<Record<string, unknown>> {
  return {
    ...jobResource(job, isEnded(job) ? undefined : await ports.ledger.progress(job.id)),
    name: nameOf(route, job.id),
  };
}

function resource(route: Route, job: Job): Record<string, unknown> {
  return { ...jobResource(job), name: nameOf(route, job.id) };
}

function nameOf({ project, location }: Route, id: string): string {
  return `projects/${project}/locations/${location}/batchPredictionJobs/${id}`;
}

/** A project may be named by its number, which we do not know. */
function checkPlace({ project, location }: Config, route: Route): void {
  if (route.project !== project && !/^\d+$/.test(route.project))
    throw new PermanentError('NOT_FOUND', `no project ${route.project} here: this is ${project}`);
  if (route.location !== location)
    throw new PermanentError('NOT_FOUND', `no location ${route.location} here: this is ${location}`);
}

function ok(body: Record<string, unknown>): HttpAnswer {
  return { status: 200, body };
}

/** The body as JSON, whatever its type says it is; none is an empty object. */
function jsonOf({ rawBody }: HttpRequest): unknown {
  if (rawBody === undefined || rawBody.length === 0) return {};
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(rawBody));
  } catch (error) {
    throw new PermanentError('INVALID_ARGUMENT', `the body is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** A request whose fields are wrong, each with what is wrong with it. */
class InvalidRequest extends Error {
  readonly violations: readonly { readonly field: string; readonly description: string }[];

  constructor(error: z.ZodError) {
    const violations = error.issues.map(({ path, message }) => ({ field: path.join('.'), description: message }));
    super(
      violations.map(({ field, description }) => (field === '' ? description : `${field}: ${description}`)).join('; '),
    );
    this.violations = violations;
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidRequest(parsed.error);
}
