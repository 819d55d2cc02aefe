import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { PermanentError } from '../shared/errors.ts';
import type { ErrorInfo } from '../shared/errors.ts';
import type { JobState } from '../shared/job.ts';
import type { Progress } from '../shared/ports.ts';
import { UsageError } from './exit.ts';
import { toError } from './target.ts';
import type { RemoteTarget } from './target.ts';

/** The job resource as the API gives it: the fields that the command line shows. */
export interface JobResource {
  readonly name: string;
  readonly displayName: string;
  readonly model: string;
  readonly modelVersionId: string;
  readonly signatureName: string;
  readonly inputConfig: {
    readonly gcsSource?: { readonly uris: readonly string[] };
    readonly bigquerySource?: { readonly inputUri: string };
  };
  readonly state: JobState;
  readonly phase?: string;
  readonly progress?: Progress;
  readonly error?: ErrorInfo;
  readonly outputInfo?: { readonly gcsOutputDirectory: string; readonly results: string; readonly manifest: string };
  readonly completionStats: {
    readonly successfulCount: number;
    readonly failedCount: number;
    readonly incompleteCount: number;
  };
  readonly redriveOf?: string;
  readonly createTime: string;
  readonly startTime?: string;
  readonly endTime?: string;
}

const ATTEMPTS = 4;
const BACKOFF_MS = 300;
const TIMEOUT_MS = 130_000;
/** Jobs looked through for one whose id begins so. */
const MAX_SEARCHED = 1_000;
const PAGE = 100;

/** The jobs API's client. What failed on the way is asked for again: submissions carry a mark by which a repeated one is known. */
export class JobsClient {
  readonly #target: RemoteTarget;
  #token: Promise<string> | undefined;

  constructor(target: RemoteTarget) {
    this.#target = target;
  }

  async submit(job: Record<string, unknown>, id: string | undefined): Promise<JobResource> {
    const query = new URLSearchParams(id === undefined ? { requestId: randomUUID() } : { batchPredictionJobId: id });
    return (await this.#call('POST', `?${query.toString()}`, job)) as JobResource;
  }

  async get(id: string): Promise<JobResource> {
    return (await this.#call('GET', `/${encodeURIComponent(id)}`)) as JobResource;
  }

  /** The newest jobs, at most so many. */
  async list(limit: number, filter?: string): Promise<readonly JobResource[]> {
    const jobs: JobResource[] = [];
    let pageToken: string | undefined;
    do {
      const query = new URLSearchParams({
        pageSize: String(Math.min(PAGE, limit - jobs.length)),
        ...(filter !== undefined && { filter }),
        ...(pageToken !== undefined && { pageToken }),
      });
      const page = (await this.#call('GET', `?${query.toString()}`)) as {
        batchPredictionJobs?: JobResource[];
        nextPageToken?: string;
      };
      jobs.push(...(page.batchPredictionJobs ?? []));
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined && jobs.length < limit);
    return jobs;
  }

  async cancel(id: string): Promise<void> {
    await this.#call('POST', `/${id}:cancel`, {});
  }

  async redrive(id: string, change: Record<string, unknown>): Promise<JobResource> {
    return (await this.#call('POST', `/${id}:redrive`, change)) as JobResource;
  }

  /** @throws PermanentError NOT_FOUND, or INVALID_ARGUMENT where several jobs start so. */
  async find(id: string): Promise<JobResource> {
    try {
      return await this.get(id);
    } catch (error) {
      if (!(error instanceof PermanentError) || error.status !== 'NOT_FOUND') throw error;
    }
    const matches = (await this.list(MAX_SEARCHED)).filter((job) => idOf(job).startsWith(id));
    const [match] = matches;
    if (match === undefined) throw new PermanentError('NOT_FOUND', `no job ${id}: see \`fanfold jobs list\``);
    if (matches.length > 1)
      throw new PermanentError('INVALID_ARGUMENT', `${id} may be ${matches.map(idOf).join(', ')}: say more of it`);
    return match;
  }

  /** The URIs of inputs: local files are uploaded first, to where no upload event makes a job of them. */
  async upload(inputs: readonly string[]): Promise<readonly string[]> {
    const { project, inputBucket, storageEndpoint } = this.#target;
    const uris: string[] = [];
    for (const input of inputs) {
      if (input.startsWith('gs://')) {
        uris.push(input);
        continue;
      }
      if (inputBucket === undefined)
        throw new UsageError(`input ${input}: FANFOLD_INPUT_BUCKET is not set, to upload it to; or give a gs:// URI`);
      const { createStorage } = await import('../infra/gcp/clients.ts');
      const storage = createStorage({ projectId: project, ...(storageEndpoint !== undefined && { storageEndpoint }) });
      const destination = `submitted-${randomUUID()}-${basename(input)}`;
      process.stderr.write(`uploading ${input} to gs://${inputBucket}/${destination}\n`);
      await storage.bucket(inputBucket).upload(input, { destination, preconditionOpts: { ifGenerationMatch: 0 } });
      uris.push(`gs://${inputBucket}/${destination}`);
    }
    return uris;
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(method, path, body);
      } catch (error) {
        // A redrive makes a job of its own each time: whoever asked looks first whether it is there.
        if (
          attempt === ATTEMPTS ||
          error instanceof PermanentError ||
          error instanceof UsageError ||
          path.endsWith(':redrive')
        )
          throw error;
        await sleep(BACKOFF_MS * 2 ** attempt);
      }
    }
  }

  async #once(method: string, path: string, body: unknown): Promise<unknown> {
    const { target, jobsUrl } = this.#target;
    const authorization = target === 'gcp' ? { authorization: `Bearer ${await this.#idToken(jobsUrl)}` } : {};
    const answer = await fetch(`${jobsUrl}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...authorization },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: unknown) => {
      throw new Error(
        `the jobs API at ${new URL(jobsUrl).origin} cannot be reached: ${String((error as Error).cause ?? error)}`,
        { cause: error },
      );
    });
    const text = await answer.text();
    const json = parse(text);
    if (answer.ok) return json;
    throw toError(answer.status, json);
  }

  #idToken(jobsUrl: string): Promise<string> {
    this.#token ??= import('../infra/gcp/id-token.ts').then(({ fetchIdToken }) =>
      fetchIdToken(new URL(jobsUrl).origin),
    );
    this.#token.catch(() => (this.#token = undefined));
    return this.#token;
  }
}

export function idOf({ name }: Pick<JobResource, 'name'>): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
