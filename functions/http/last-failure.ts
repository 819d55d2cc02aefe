import type { ErrorInfo } from '../../shared/errors.ts';
import type { Message } from '../../shared/messages.ts';
import type { Ledger } from '../../shared/ports.ts';

/** The index that stands for "the whole of it" in a failure's coordinates: no split or shard has it (message-schema.ts ends there). */
const WHOLE = 0xff_ff_ff;

/**
 * Pub/Sub does not say why it gave a message up: so the last attempt's error is kept where the dead letter is handled, under the task's
 * coordinates. A split that could not be cut never gets as far as being assembled: one place serves both.
 */
function coordinatesOf(task: Message): readonly [split: number, shard: number] {
  switch (task.kind) {
    case 'score':
      return [task.split, task.shard];
    case 'split':
    case 'assemble':
      return [task.split, WHOLE];
    case 'commit':
      return [WHOLE, WHOLE];
    default:
      return task satisfies never;
  }
}

export async function recordLastFailure(
  ledger: Pick<Ledger, 'recordFailure'>,
  task: Message,
  error: ErrorInfo,
): Promise<void> {
  const [split, shard] = coordinatesOf(task);
  await ledger.recordFailure(task.job, split, shard, error);
}

export async function getLastFailure(
  ledger: Pick<Ledger, 'getFailure'>,
  task: Message,
): Promise<ErrorInfo | undefined> {
  const [split, shard] = coordinatesOf(task);
  return ledger.getFailure(task.job, split, shard);
}
