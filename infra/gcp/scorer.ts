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

/** Scores in this process: an instance keeps its models in memory from one request to the next. */
export class InstanceScorer implements Scorer {
  readonly #objects: ObjectStore;
  readonly #models: ModelCache;
  readonly #totals = new ModelTotals();

  constructor(ports: { readonly objects: ObjectStore; readonly models: ModelStore }) {
    this.#objects = ports.objects;
    this.#models = new ModelCache(ports.models);
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
