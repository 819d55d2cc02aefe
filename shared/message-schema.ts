import { z } from 'zod';

import { PermanentError } from './errors.ts';

/** What a message must be to be believed: it crosses a boundary. */

const index = z.int().min(0).max(0xff_ff_ff);
const offset = z.int().min(0);
const jobId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
const objectRef = z.strictObject({
  bucket: z.string().min(1).max(4096),
  name: z.string().min(1).max(4096),
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

/** @throws PermanentError INVALID_ARGUMENT naming the field where the value is no task. */
export function parseMessage(value: unknown): Message {
  const parsed = message.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new PermanentError('INVALID_ARGUMENT', `not a task: ${z.prettifyError(parsed.error)}`);
}
