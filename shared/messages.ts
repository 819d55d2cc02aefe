import type { Message } from './message-schema.ts';

export type { AssembleTask, CommitTask, Message, ScoreTask, SplitTask } from './message-schema.ts';

/**
 * The tasks that travel through queues. A message names bytes and never carries them: a range of an object's pinned generation is a few
 * hundred bytes however large the shard.
 */

/** The topics, and the kinds of messages that each carries. */
export const TOPICS = {
  splits: ['split'],
  shards: ['score'],
  assembly: ['assemble', 'commit'],
} as const satisfies Record<string, readonly Message['kind'][]>;

export type Topic = keyof typeof TOPICS;

export function topicOf(task: Message): Topic {
  switch (task.kind) {
    case 'split':
      return 'splits';
    case 'score':
      return 'shards';
    case 'assemble':
    case 'commit':
      return 'assembly';
    default:
      return task satisfies never;
  }
}
