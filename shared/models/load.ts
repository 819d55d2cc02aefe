import { PermanentError } from '../errors.ts';
import { checkSignatures, toLoadError } from './load-error.ts';
import type { Model, ModelFiles } from './model.ts';
import type { Nesting, OpenModel } from './pipeline/load-pipeline.ts';
import { readServingConfig, SERVING_CONFIG } from './serving-config.ts';
import type { TfjsOptions } from './tfjs-backend.ts';

type Runtime = 'onnx' | 'saved-model' | 'tfjs' | 'remote' | 'pipeline';

/** How a model is loaded. */
export interface LoadOptions extends TfjsOptions {
  /** Opens the registry's model versions that a pipeline names; without it, it can have only models of its own folder. */
  readonly open?: OpenModel;
}

/** Files at the top of a version's folder, by the runtime that they are for. */
const RUNTIMES: ReadonlyMap<string, Runtime> = new Map([
  ['saved_model.pb', 'saved-model'],
  ['model.json', 'tfjs'],
  ['remote.json', 'remote'],
  ['pipeline.json', 'pipeline'],
]);
const EXPECTED = 'saved_model.pb, model.json (TensorFlow.js), one *.onnx file, pipeline.json or remote.json';
/** Names listed in a message about a folder. */
const NAMED_FILES = 8;

/**
 * Loads the model that the folder holds; which runtime is for it, the files' names say. Only that runtime is imported. What its serving.json declares of pre- and
 * postprocessing is part of it: its signatures are those that callers see.
 * @throws PermanentError FAILED_PRECONDITION (no model, or several), UNIMPLEMENTED (an operation that its
 * runtime lacks), INVALID_ARGUMENT (the files do not make a model).
 */
export async function loadModel(files: ModelFiles, options: LoadOptions = {}): Promise<Model> {
  let name = 'the model';
  try {
    name = detect(files).name;
    const model = await loadWith(files, options, undefined);
    try {
      checkSignatures(files, model);
      return model;
    } catch (error) {
      await model.dispose();
      throw error;
    }
  } catch (error) {
    throw toLoadError(files, name, error);
  }
}

/** @param within the pipelines that the model is a step of. */
async function loadWith(files: ModelFiles, options: LoadOptions, within: Nesting | undefined): Promise<Model> {
  const detected = detect(files);
  if (!files.names.includes(SERVING_CONFIG)) return loadRuntime(files, detected, options, within);
  const config = await readServingConfig(files);
  const model = await loadRuntime(files, detected, options, within);
  const { signatureName } = config;
  if (signatureName !== undefined && !(signatureName in { ...model.refused, ...model.signatures })) {
    await model.dispose();
    const found = `found signatureName ${signatureName}, expected one of ${Object.keys(model.signatures).join(', ')}`;
    throw new PermanentError('FAILED_PRECONDITION', `${files.label}: ${SERVING_CONFIG}: ${found}`);
  }
  if (config.preprocess === undefined && config.postprocess === undefined && config.signatures === undefined)
    return model;
  const { processModel } = await import('./processing/processed-model.ts');
  return processModel(model, files, config);
}

async function loadRuntime(
  files: ModelFiles,
  { runtime, name }: { readonly runtime: Runtime; readonly name: string },
  options: LoadOptions,
  within: Nesting | undefined,
): Promise<Model> {
  switch (runtime) {
    case 'onnx': {
      const { loadOnnxModel } = await import('./onnx.ts');
      return loadOnnxModel(files, name);
    }
    case 'tfjs': {
      const { loadTfjsModel } = await import('./tfjs.ts');
      return loadTfjsModel(files, options);
    }
    case 'saved-model': {
      const { loadSavedModel } = await import('./saved-model/load-saved-model.ts');
      return loadSavedModel(files, options);
    }
    case 'remote': {
      const { loadRemoteModel } = await import('./remote/load-remote.ts');
      return loadRemoteModel(files);
    }
    case 'pipeline': {
      const { loadPipeline } = await import('./pipeline/load-pipeline.ts');
      const load = (step: ModelFiles, inner: Nesting): Promise<Model> => loadWith(step, options, inner);
      return loadPipeline(files, { open: options.open, load }, within);
    }
  }
}

function detect(files: ModelFiles): { runtime: Runtime; name: string } {
  const candidates = files.names.filter(
    (name) => RUNTIMES.has(name) || (!name.includes('/') && name.endsWith('.onnx')),
  );
  const [name, ...others] = candidates;
  if (name === undefined) {
    const found = files.names.filter((file) => file !== SERVING_CONFIG);
    const listed = found.slice(0, NAMED_FILES).join(', ') + (found.length > NAMED_FILES ? ', …' : '');
    const what = found.length === 0 ? 'the folder is empty' : `found ${listed}`;
    throw new PermanentError('FAILED_PRECONDITION', `${files.label} holds no model: ${what}; expected ${EXPECTED}`);
  }
  if (others.length > 0) {
    const listed = candidates.toSorted().join(', ');
    throw new PermanentError(
      'FAILED_PRECONDITION',
      `${files.label} holds several models: ${listed}; expected ${EXPECTED}`,
    );
  }
  return { runtime: RUNTIMES.get(name) ?? 'onnx', name };
}
