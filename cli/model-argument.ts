import { statSync } from 'node:fs';
import { resolve } from 'node:path';

import type { ModelSource } from '../infra/local/model-source.ts';
import { openModels } from '../infra/local/model-source.ts';
import { PermanentError } from '../shared/errors.ts';

/** A model on the command line: a folder, or a name (with @version or @label) in the folder of models. */
export interface ModelArgument {
  readonly source: ModelSource;
  readonly reference: string;
}

/** @throws PermanentError NOT_FOUND, saying where it was looked for. */
export async function modelArgument(argument: string, modelsFolder: string): Promise<ModelArgument> {
  const folder = resolve(argument);
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) {
    const source: ModelSource = { kind: 'folder', folder };
    const [model] = await openModels(source).list();
    if (model === undefined) throw new PermanentError('FAILED_PRECONDITION', `${argument} holds no model`);
    return { source, reference: model.model };
  }
  const root = resolve(modelsFolder);
  if (found !== undefined || argument.includes('/')) {
    const what = found === undefined ? 'no such folder' : 'a file: a model is a folder (or a name in --models)';
    throw new PermanentError('NOT_FOUND', `model ${argument}: ${what}`);
  }
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new PermanentError(
      'NOT_FOUND',
      `model ${argument}: no folder of that name here, and no folder of models at ${root} (--models)`,
    );
  }
  return { source: { kind: 'root', folder: root }, reference: argument };
}
