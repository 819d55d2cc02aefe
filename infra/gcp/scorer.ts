import { ModelCache } from '../../functions/score/model-cache.ts';
import { inspectModel, scoreShard } from '../../functions/score/score-shard.ts';
import type { JobPlan } from '../../shared/job.ts';
import { ModelTotals } from '../../shared/model-totals.ts';
import type {
  ModelDescription,
  ModelMetrics,
  ModelStore,
  ObjectStore,
  ScoredShard,
  Scorer,
  ScoreRequest,
} from '../../shared/ports.ts';

/** The share of an instance's memory that models may keep: each stands in the runtime too, and the rest is for batches. */
const MODELS_SHARE = 1 / 4;

/** What Cloud Run gives the instance; on a machine that bounds nothing, more than there is. */
const MEMORY_BYTES = process.constrainedMemory() || Infinity;

/** Scores in this process: an instance keeps its models in memory from one request to the next. */
export class InstanceScorer implements Scorer {
  readonly #objects: ObjectStore;
  readonly #models: ModelCache;
  readonly #totals = new ModelTotals();

  constructor(ports: { readonly objects: ObjectStore; readonly models: ModelStore }) {
    this.#objects = ports.objects;
    this.#models = new ModelCache(ports.models, MODELS_SHARE * MEMORY_BYTES);
  }

  async score(request: ScoreRequest): Promise<ScoredShard> {
    const scored = await scoreShard({ objects: this.#objects, models: this.#models }, request);
    this.#totals.add(request.model, scored.metrics);
    return scored;
  }

  inspect(model: JobPlan['model']): Promise<ModelDescription> {
    return inspectModel(this.#models, model);
  }

  totals(): readonly ModelMetrics[] {
    return this.#totals.list();
  }
}
