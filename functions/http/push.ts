import { MAX_ATTEMPTS } from '../../shared/config.ts';
import { PermanentError, toErrorInfo } from '../../shared/errors.ts';
import type { Message } from '../../shared/messages.ts';
import { ModelLostError } from '../../shared/models/model-lost-error.ts';
import type { Ports } from '../../shared/ports.ts';
import { checkTask, RefusedTask } from './check-task.ts';
import { parsePush, parseTask } from './envelope.ts';
import type { Push } from './envelope.ts';
import { DONE } from './exchange.ts';
import type { HttpAnswer, HttpRequest } from './exchange.ts';
import { recordLastFailure } from './last-failure.ts';
import { StoppingError } from './lifecycle.ts';
import type { Lifecycle } from './lifecycle.ts';

/** A task is some hundreds of bytes, and an object's name at most 1 KiB: a longer message is none of ours. */
const MAX_PUSH_BYTES = 64 * 1024;

export interface PushOptions<K extends Message['kind']> {
  /** What the topic carries. */
  readonly kinds: readonly K[];
  readonly ports: () => Pick<Ports, 'ledger' | 'logger'>;
  /** Where jobs are looked up, if not in the ledger itself. */
  readonly jobs?: () => Pick<Ports['ledger'], 'getJob'>;
  readonly lifecycle: Lifecycle;
  readonly handle: (task: Extract<Message, { kind: K }>) => Promise<void>;
}

/**
 * Answers a subscription's pushes. Pub/Sub takes 2xx as acknowledged and delivers anything else again:
 *
 * - done, or failed for good (the handlers end the job themselves) → 204
 * - failed this time → 500; this instance is stopping → 503: another delivery, perhaps to another instance
 * - what can never be a task is refused (400, 413), see `refuse`
 * - not POST → 405
 */
export function pushHandler<K extends Message['kind']>(
  options: PushOptions<K>,
): (request: HttpRequest) => Promise<HttpAnswer> {
  return async (request) => {
    if (request.method !== 'POST') return { status: 405, headers: { Allow: 'POST' } };
    let push: Push | undefined;
    try {
      push = parsePush(request.body);
      if (sizeOf(request) > MAX_PUSH_BYTES) return refuse(options, push, 413, `a message of ${sizeOf(request)} bytes`);
      const task = parseTask(push, options.kinds);
      return await attempt(options, push, task);
    } catch (error) {
      if (error instanceof PermanentError)
        return refuse(options, push, sizeOf(request) > MAX_PUSH_BYTES ? 413 : 400, error.message);
      throw error;
    }
  };
}

async function attempt<K extends Message['kind']>(
  options: PushOptions<K>,
  push: Push,
  task: Extract<Message, { kind: K }>,
): Promise<HttpAnswer> {
  const { ports, jobs = () => ports().ledger, lifecycle, handle } = options;
  try {
    await lifecycle.run(async () => {
      await checkTask(ports().ledger, jobs(), task);
      await handle(task);
    });
    return DONE;
  } catch (error) {
    if (error instanceof StoppingError) return { status: 503, body: { error: error.message } };
    if (error instanceof RefusedTask) throw error;
    await noteFailure(options, push, task, error);
    if (!(error instanceof ModelLostError)) return { status: 500, body: { error: toErrorInfo(error).message } };
    // Every later call of that model would fail too. The platform starts a fresh process in this one's place.
    lifecycle.stop('the model runtime broke', 1);
    return { status: 503, body: { error: error.message } };
  }
}

/** The last attempt's failure is what the dead letter will tell; any may be the last where nobody says which it is. */
async function noteFailure<K extends Message['kind']>(
  { ports }: PushOptions<K>,
  push: Push,
  task: Message,
  error: unknown,
): Promise<void> {
  const { attempt, messageId } = push;
  const last = attempt === undefined || attempt >= MAX_ATTEMPTS;
  const { kind, ...coordinates } = task;
  const info = toErrorInfo(error);
  ports().logger.log(last ? 'ERROR' : 'WARNING', `${kind} failed: ${info.message}`, {
    ...coordinates,
    kind,
    attempt,
    messageId,
    error,
  });
  if (!last) return;
  try {
    await recordLastFailure(ports().ledger, task, info);
  } catch (failure) {
    ports().logger.log('WARNING', `the failure could not be recorded: ${toErrorInfo(failure).message}`, {
      ...coordinates,
    });
  }
}

/**
 * Refuses what no attempt can make a task. A subscription that counts attempts has a dead-letter policy: a 4xx there is delivered a few more
 * times, then it lies among the dead letters, for somebody to see. Where nothing counts (the dead letters themselves, a subscription made
 * without a policy) Pub/Sub would deliver a 4xx again until the message expires: there it is logged as an error, and acknowledged.
 * A body that is no push at all did not come from Pub/Sub: nobody repeats it.
 */
function refuse<K extends Message['kind']>(
  { ports }: Pick<PushOptions<K>, 'ports'>,
  push: Push | undefined,
  status: number,
  message: string,
): HttpAnswer {
  ports().logger.log('ERROR', `refused: ${message}`, {
    messageId: push?.messageId,
    subscription: push?.subscription,
    attempt: push?.attempt,
  });
  if (push !== undefined && push.attempt === undefined) return DONE;
  return { status, body: { error: message } };
}

function sizeOf({ rawBody }: HttpRequest): number {
  return rawBody?.length ?? 0;
}
