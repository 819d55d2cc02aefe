import { PermanentError } from '../errors.ts';
import type { ModelFiles } from './model.ts';

/**
 * A path that a model file gives for another of its files, as one of the version's names.
 * @param source the file that says so, for the message.
 * @throws PermanentError INVALID_ARGUMENT where it leaves the folder, FAILED_PRECONDITION where there is no such file.
 */
export function siblingFile(files: ModelFiles, source: string, path: unknown): string {
  if (typeof path !== 'string' || path === '') {
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `${files.label}: ${source} names a file by ${JSON.stringify(path)}; expected a path`,
    );
  }
  const segments = path.split('/').filter((segment, index) => !(segment === '.' && index === 0));
  const leaves =
    /[\\\0]/.test(path) ||
    /^[a-z][a-z0-9+.-]*:/i.test(path) ||
    segments.some((s) => s === '' || s === '..' || s === '.');
  if (leaves) {
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `${files.label}: ${source} names the file ${JSON.stringify(path)}; expected a relative path inside the model's folder`,
    );
  }
  const name = segments.join('/');
  if (!files.names.includes(name)) {
    throw new PermanentError(
      'FAILED_PRECONDITION',
      `${files.label}: ${source} needs the file ${name}, which is not there`,
    );
  }
  return name;
}
