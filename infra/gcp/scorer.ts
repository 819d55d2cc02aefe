import { ModelCache } from '../../functions/score/model-cache.ts';
import { inspectModel, scoreShard } from '../../functions/score/score-shard.ts';
import type { JobPlan } from '../../shared/job.ts';
import type {
  ModelDescription,
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

  constructor(ports: { readonly objects: ObjectStore; readonly models: ModelStore }) {
    this.#objects = ports.objects;
    this.#models = new ModelCache(ports.models);
  }

  score(request: ScoreRequest): Promise<ScoredShard> {
    return scoreShard({ objects: this.#objects, models: this.#models }, request);
  }

  inspect(model: JobPlan['model']): Promise<ModelDescription> {
    return inspectModel(this.#models, model);
  }
}
