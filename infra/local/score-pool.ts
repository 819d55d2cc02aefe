import { Piscina } from 'piscina';

import { PermanentError } from '../../shared/errors.ts';
import type { JobPlan } from '../../shared/job.ts';
import { ModelTotals } from '../../shared/model-totals.ts';
import type { ModelDescription, ModelMetrics, ScoredShard, Scorer, ScoreRequest } from '../../shared/ports.ts';
import type { ModelSource } from './model-source.ts';
import type { LocalBuckets } from './object-store.ts';
import type { Answer, Question } from './score-worker.ts';

export interface ScorePoolOptions {
  readonly buckets: LocalBuckets;
  readonly models: ModelSource;
  readonly workers: number;
}

/**
 * Scores shards in worker threads, each with its own model session. A worker reads its range itself; only the encoded rows come back,
 * transferred, not copied. A worker that dies takes down the shard it was at and is replaced: the shard is retried.
 */
export class ScorePool implements Scorer {
  readonly #pool: Piscina<Question, Answer>;
  readonly #totals = new ModelTotals();
  #loading: Promise<unknown> = Promise.resolve();

  constructor({ buckets, models, workers }: ScorePoolOptions) {
    this.#pool = new Piscina({
      filename: new URL('./score-thread.js', import.meta.url).href,
      minThreads: workers,
      maxThreads: workers,
      idleTimeout: Number.POSITIVE_INFINITY,
      workerData: { buckets, models },
      // A worker that waits in Atomics.wait runs nothing else: not even its own end.
      atomics: 'disabled',
      recordTiming: false,
    });
  }

  async score(request: ScoreRequest): Promise<ScoredShard> {
    const scored = unwrap(await this.#pool.run({ kind: 'score', request })) as ScoredShard;
    this.#totals.add(request.model, scored.metrics);
    return scored;
  }

  totals(): readonly ModelMetrics[] {
    return this.#totals.list();
  }

  /** Asks every worker, and believes the first to answer: so each has the model loaded when its first shard comes. */
  async inspect(model: JobPlan['model']): Promise<ModelDescription> {
    const answers = Array.from({ length: this.#pool.options.maxThreads }, () =>
      this.#pool.run({ kind: 'inspect', model }),
    );
    // A later one's failure shows when it scores.
    this.#loading = Promise.allSettled([this.#loading, ...answers]);
    return unwrap(await Promise.race(answers)) as ModelDescription;
  }

  async close(): Promise<void> {
    // A thread that is ended while a runtime's native library starts in it takes the whole process down with it.
    await this.#loading;
    await this.#pool.destroy();
  }
}

/** An error's class does not survive the way between threads: it travels as data. */
function unwrap(answer: Answer): ScoredShard | ModelDescription {
  if (answer.kind === 'refused') throw new PermanentError(answer.status, answer.message);
  return answer.value;
}
