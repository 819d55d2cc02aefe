import { z } from 'zod';

import { PermanentError } from './errors.ts';

/**
 * The tasks that travel through queues. A message names bytes and never carries them: a range of an object's pinned generation is a few
 * hundred bytes however large the shard.
 */

const index = z.int().min(0).max(0xff_ff_ff);
const offset = z.int().min(0);
const jobId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
const objectRef = z.strictObject({
  bucket: z.string().min(1).max(222),
  name: z.string().min(1).max(1024),
  generation: z.string().min(1).max(64),
});

/** Cut one split into shards. `start` is where its first record begins, where only the split before could know that. */
const splitTask = z.strictObject({ kind: z.literal('split'), job: jobId, split: index, start: offset.optional() });

/** Score one shard. */
const scoreTask = z.strictObject({
  kind: z.literal('score'),
  job: jobId,
  split: index,
  shard: index,
  object: objectRef,
  start: offset,
  end: offset,
  rows: z.int().min(0),
  oversize: z.boolean(),
});

/** Assemble one split's results into its part. */
const assembleTask = z.strictObject({ kind: z.literal('assemble'), job: jobId, split: index });

/** Compose the parts, write the manifest, close the job. */
const commitTask = z.strictObject({ kind: z.literal('commit'), job: jobId });

const message = z.discriminatedUnion('kind', [splitTask, scoreTask, assembleTask, commitTask]);

export type SplitTask = z.infer<typeof splitTask>;
export type ScoreTask = z.infer<typeof scoreTask>;
export type AssembleTask = z.infer<typeof assembleTask>;
export type CommitTask = z.infer<typeof commitTask>;
export type Message = z.infer<typeof message>;

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

/** @throws PermanentError INVALID_ARGUMENT naming the field where the value is no task. */
export function parseMessage(value: unknown): Message {
  const parsed = message.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new PermanentError('INVALID_ARGUMENT', `not a task: ${z.prettifyError(parsed.error)}`);
}
