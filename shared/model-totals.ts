import { addMetrics } from './metrics.ts';
import type { InferenceMetrics } from './metrics.ts';
import type { ModelMetrics } from './ports.ts';

/** Adds up what was measured, by model version. */
export class ModelTotals {
  readonly #totals = new Map<string, ModelMetrics>();

  add({ model, version }: Pick<ModelMetrics, 'model' | 'version'>, metrics: InferenceMetrics | undefined): void {
    if (metrics === undefined) return;
    const key = `${model}@${version}`;
    const before = this.#totals.get(key);
    const sum = before === undefined ? metrics : addMetrics(before.metrics, metrics);
    this.#totals.set(key, { model, version, metrics: sum });
  }

  list(): readonly ModelMetrics[] {
    return [...this.#totals.values()];
  }
}
