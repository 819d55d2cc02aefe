import { PermanentError } from '../errors.ts';
import type { Model, ModelFiles } from './model.ts';
import { SERVING_CONFIG } from './serving-config.ts';
import type { TfjsOptions } from './tfjs-backend.ts';

type Runtime = 'onnx' | 'tfjs';

/** Files that say which runtime a model is for, though none here runs it. */
const NOT_IMPLEMENTED: ReadonlyMap<string, string> = new Map([
  ['saved_model.pb', 'a TensorFlow SavedModel'],
  ['pipeline.json', 'a pipeline of models'],
  ['remote.json', 'a remote model'],
]);
const EXPECTED = 'model.json (TensorFlow.js) or one *.onnx file';
/** Names listed in a message about a folder. */
const NAMED_FILES = 8;

/**
 * Loads the model that the folder holds; which runtime is for it, the files' names say. Only that runtime is imported.
 * @throws PermanentError FAILED_PRECONDITION (no model, or several), UNIMPLEMENTED (a model that no runtime here runs, or an
 * operation that its runtime lacks), INVALID_ARGUMENT (the files do not make a model).
 */
export async function loadModel(files: ModelFiles, options: TfjsOptions = {}): Promise<Model> {
  const { runtime, name } = detect(files);
  switch (runtime) {
    case 'onnx': {
      const { loadOnnxModel } = await import('./onnx.ts');
      return loadOnnxModel(files, name);
    }
    case 'tfjs': {
      const { loadTfjsModel } = await import('./tfjs.ts');
      return loadTfjsModel(files, options);
    }
  }
}

function detect(files: ModelFiles): { runtime: Runtime; name: string } {
  const candidates = files.names.filter(
    (name) => name === 'model.json' || NOT_IMPLEMENTED.has(name) || (!name.includes('/') && name.endsWith('.onnx')),
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
  const what = NOT_IMPLEMENTED.get(name);
  if (what !== undefined) {
    throw new PermanentError(
      'UNIMPLEMENTED',
      `${files.label} holds ${name}, ${what}: not supported; expected ${EXPECTED}`,
    );
  }
  return { runtime: name === 'model.json' ? 'tfjs' : 'onnx', name };
}
