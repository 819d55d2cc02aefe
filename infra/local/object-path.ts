import path from 'node:path';

import { PermanentError } from '../../shared/errors.ts';

/** Files being written: hidden from every listing. Behind it stand the writer's process id and something unique. */
export const TEMPORARY_PREFIX = '.fanfold-tmp-';

/** Cloud Storage's limit. */
const MAX_NAME_BYTES = 1024;

/**
 * The file that an object is, below its bucket's folder.
 * @throws PermanentError INVALID_ARGUMENT where the name could leave the folder or no file can have it.
 */
export function objectPath(root: string, name: string): string {
  const problem = nameProblem(name);
  if (problem !== undefined)
    throw new PermanentError('INVALID_ARGUMENT', `object name ${JSON.stringify(name)} ${problem}`);
  return path.join(root, ...name.split('/'));
}

function nameProblem(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (!name.isWellFormed()) return 'is not well-formed Unicode';
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `is over ${MAX_NAME_BYTES} bytes`;
  if (name.includes('\0')) return 'holds a NUL';
  if (path.sep !== '/' && name.includes(path.sep)) return `holds a ${path.sep}`;
  for (const segment of name.split('/')) {
    if (segment === '' || segment === '.' || segment === '..') return `has the segment ${JSON.stringify(segment)}`;
    if (segment.startsWith(TEMPORARY_PREFIX)) return `has a segment that starts with ${TEMPORARY_PREFIX}`;
  }
  return undefined;
}
