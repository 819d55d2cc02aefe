import { requestOf } from '../functions/predict/batcher.ts';
import type { Target } from '../functions/predict/batcher.ts';
import { ModelCache } from '../functions/score/model-cache.ts';
import { inspectModel, scoreShard } from '../functions/score/score-shard.ts';
import { openModels } from '../infra/local/model-source.ts';
import { LocalObjectStore } from '../infra/local/object-store.ts';
import { TEMPLATE_DEFAULTS } from '../shared/config.ts';
import { DEFAULT_SIGNATURE } from '../shared/models/model.ts';
import { signatureOf } from '../shared/models/signature-of.ts';
import { readServingConfig } from '../shared/models/serving-config.ts';
import type { ModelArgument } from './model-argument.ts';
import type { InstanceLines } from './predict-instances.ts';

/** Scores instances: @returns their output lines in order, `{"prediction":…}` or `{"error":…}`. */
export type ScoreLines = (instances: InstanceLines) => Promise<Uint8Array>;

/**
 * Scores in this thread: a handful of instances is done before a worker would have started.
 * @throws PermanentError where there is no such model or signature, or it cannot be loaded.
 */
export async function localScorer(argument: ModelArgument, signature: string | undefined): Promise<ScoreLines> {
  const store = openModels(argument.source);
  const { model, version, digest } = await store.resolve(argument.reference);
  const serving = await readServingConfig(await store.open(model, version));
  const ports = { objects: new LocalObjectStore({}), models: new ModelCache(store) };
  const signatureName = signature ?? serving.signatureName ?? DEFAULT_SIGNATURE;
  const pinned = { model, version, digest };
  signatureOf(await inspectModel(ports.models, pinned), signatureName, `model ${model}@${version}`);
  const target: Target = {
    model: pinned,
    signatureName,
    ...(serving.batchSize !== undefined && { batchSize: serving.batchSize }),
  };
  return async ({ bytes, rows }) => {
    const { lines } = await scoreShard(ports, requestOf(target, bytes, rows, TEMPLATE_DEFAULTS.maxRowBytes));
    return lines;
  };
}
