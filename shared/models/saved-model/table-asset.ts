import { siblingFile } from '../file-path.ts';
import type { ModelFiles } from '../model.ts';

const FOLDER = 'assets';

/**
 * The name, among the model's files, of an asset as the SavedModel names it (`AssetFile.filename`).
 * @param path `vocabulary.txt`; nothing in it may lead out of `assets/`.
 * @throws PermanentError INVALID_ARGUMENT where it does, FAILED_PRECONDITION where there is no such file.
 */
export function assetFile(files: ModelFiles, path: string): string {
  return siblingFile(files, `saved_model.pb`, `${FOLDER}/${path}`);
}
