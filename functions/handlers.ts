import { PermanentError, toErrorInfo } from '../shared/errors.ts';
import { TOPICS } from '../shared/messages.ts';
import type { Ports } from '../shared/ports.ts';
import { once } from '../shared/once.ts';
import type { Config } from './config.ts';
import { deadLetter } from './dead-letter/dead-letter.ts';
import { finalize } from './finalize/finalize.ts';
import { DONE } from './http/exchange.ts';
import type { HttpAnswer, HttpRequest } from './http/exchange.ts';
import { getLastFailure } from './http/last-failure.ts';
import { StoppingError } from './http/lifecycle.ts';
import type { Lifecycle } from './http/lifecycle.ts';
import { pushHandler } from './http/push.ts';
import { parseUploadEvent } from './http/upload-event.ts';
import { jobsApi } from './jobs/api.ts';
import { UniqueClock } from './jobs/unique-clock.ts';
import { predictHandler } from './predict/predict.ts';
import { JobCache } from './score/job-cache.ts';
import { score } from './score/score.ts';
import { split } from './split/split.ts';
import { sweep } from './sweep/sweep.ts';
import { upload } from './upload/upload.ts';

/** What the functions run on; nothing of it is made before the first request asks for it. */
export interface Composition {
  readonly config: () => Config;
  /** Without a scorer: that is score's alone, and loads the model runtimes. */
  readonly ports: () => Omit<Ports, 'scorer'>;
  readonly scorer: () => Promise<Ports['scorer']>;
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpAnswer>;

export interface Handlers {
  readonly upload: (event: unknown) => Promise<void>;
  readonly split: HttpHandler;
  readonly score: HttpHandler;
  readonly finalize: HttpHandler;
  readonly deadLetter: HttpHandler;
  readonly sweep: HttpHandler;
  readonly jobs: HttpHandler;
  readonly predict: HttpHandler;
}

/** The deployed functions, in the order of the flow: each decodes what calls it and hands it to its handler. */
export function createHandlers({ config, ports, scorer }: Composition, lifecycle: Lifecycle): Handlers {
  const push = { ports, lifecycle };
  const clock = new UniqueClock(() => ports().clock);
  const jobs = once(() => new JobCache(ports().ledger, ports().clock));
  return {
    upload: uploadHandler(config, ports, lifecycle),
    split: pushHandler({ ...push, kinds: TOPICS.splits, handle: (task) => split(ports(), task) }),
    score: pushHandler({
      ...push,
      jobs,
      kinds: TOPICS.shards,
      handle: async (task) => score({ ...ports(), scorer: await scorer(), jobs: jobs(), shardSeverity: 'INFO' }, task),
    }),
    finalize: pushHandler({ ...push, kinds: TOPICS.assembly, handle: (task) => finalize(ports(), task) }),
    deadLetter: pushHandler({
      ...push,
      kinds: [...TOPICS.splits, ...TOPICS.shards, ...TOPICS.assembly],
      handle: async (task) => deadLetter(ports(), task, await getLastFailure(ports().ledger, task)),
    }),
    sweep: async (request) => {
      if (request.method !== 'POST') return { status: 405, headers: { Allow: 'POST' } };
      return guarded(lifecycle, ports, 'sweep', async () => {
        await sweep(ports());
        return DONE;
      });
    },
    jobs: (request) =>
      guarded(lifecycle, ports, 'jobs', () => jobsApi({ config: config(), ports: { ...ports(), clock } }, request)),
    predict: predictHandler({ config, ports, scorer }, lifecycle),
  };
}

/**
 * An event that is none of ours is logged and taken: the framework can only answer it with 500, and Eventarc would deliver it
 * again for a day. What fails is thrown, for exactly that.
 */
function uploadHandler(
  config: Composition['config'],
  ports: Composition['ports'],
  lifecycle: Lifecycle,
): Handlers['upload'] {
  return async (event) => {
    const { buckets, splitBytes } = config();
    const target = {
      outputBucket: buckets.output,
      scratchBucket: buckets.output,
      ...(splitBytes !== undefined && { splitBytes }),
    };
    try {
      await lifecycle.run(async () => upload(ports(), parseUploadEvent(event, buckets.input), target));
    } catch (error) {
      const permanent = error instanceof PermanentError;
      ports().logger.log(
        permanent ? 'ERROR' : 'WARNING',
        `${permanent ? 'refused' : 'upload failed'}: ${toErrorInfo(error).message}`,
        { error },
      );
      if (!permanent) throw error;
    }
  };
}

/** Runs what answers for itself; what it throws is ours to answer for. */
async function guarded(
  lifecycle: Lifecycle,
  ports: Composition['ports'],
  what: string,
  work: () => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  try {
    return await lifecycle.run(work);
  } catch (error) {
    if (error instanceof StoppingError) return errorAnswer(503, 'UNAVAILABLE', error.message);
    ports().logger.log('ERROR', `${what} failed: ${toErrorInfo(error).message}`, { error });
    return errorAnswer(500, 'INTERNAL', 'internal error: see the log');
  }
}

function errorAnswer(code: number, status: string, message: string): HttpAnswer {
  return { status: code, body: { error: { code, status, message, details: [] } } };
}
