import { move, transferableSymbol, valueSymbol, workerData } from 'piscina';

import { ModelCache } from '../../functions/score/model-cache.ts';
import { inspectModel, scoreShard } from '../../functions/score/score-shard.ts';
import { PermanentError } from '../../shared/errors.ts';
import type { Status } from '../../shared/errors.ts';
import type { JobPlan } from '../../shared/job.ts';
import { ModelLostError } from '../../shared/models/model-lost-error.ts';
import type { ModelDescription, ScoredShard, ScoreRequest } from '../../shared/ports.ts';
import { openModels } from './model-source.ts';
import type { ModelSource } from './model-source.ts';
import { LocalObjectStore } from './object-store.ts';
import type { LocalBuckets } from './object-store.ts';

/** What the pool asks of a worker thread. */
export type Question =
  | { readonly kind: 'score'; readonly request: ScoreRequest }
  | { readonly kind: 'inspect'; readonly model: JobPlan['model'] };

export type Answer =
  | { readonly kind: 'done'; readonly value: ScoredShard | ModelDescription }
  | { readonly kind: 'refused'; readonly status: Status; readonly message: string };

const { buckets, models } = workerData as { buckets: LocalBuckets; models: ModelSource };
const ports = { objects: new LocalObjectStore(buckets), models: new ModelCache(openModels(models)) };

/** One question at a time: the thread is the unit of parallelism. */
export async function answer(question: Question): Promise<Answer> {
  try {
    if (question.kind === 'inspect') return { kind: 'done', value: await inspectModel(ports.models, question.model) };
    const scored = await scoreShard(ports, question.request);
    return transferring({ kind: 'done', value: scored }, scored.lines);
  } catch (error) {
    if (error instanceof PermanentError) return { kind: 'refused', status: error.status, message: error.message };
    // A runtime that broke down cannot be loaded again in the same thread: this one ends, and the pool starts another.
    if (error instanceof ModelLostError) setImmediate(() => process.exit(1));
    throw error;
  }
}

/** The answer, its lines handed over to the main thread instead of copied. */
function transferring(answer: Answer, lines: Uint8Array): Answer {
  return move({ [transferableSymbol]: [lines.buffer], [valueSymbol]: answer }) as unknown as Answer;
}
