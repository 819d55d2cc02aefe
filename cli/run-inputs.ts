import { existsSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

import { glob, isDynamicPattern } from 'tinyglobby';

import { PermanentError } from '../shared/errors.ts';
import { UsageError } from './exit.ts';

/**
 * The input files, absolute, in the order given; a glob's matches in order of their names.
 * @throws UsageError where a file is named twice or a glob matches nothing; PermanentError where a path is no readable file.
 */
export async function findInputs(patterns: readonly string[]): Promise<readonly string[]> {
  const files = (await Promise.all(patterns.map(expand))).flat();
  const seen = new Map<string, string>();
  for (const file of files) {
    const real = realpathSync(file);
    const twin = seen.get(real);
    if (twin !== undefined) {
      throw new UsageError(
        `input ${file} is named twice${twin === file ? '' : ` (as ${twin})`}: its rows would come out twice`,
      );
    }
    seen.set(real, file);
  }
  return files;
}

async function expand(pattern: string): Promise<string[]> {
  if (!existsSync(pattern) && isDynamicPattern(pattern)) {
    const matches = await glob(pattern, { absolute: true, onlyFiles: true, expandDirectories: false });
    if (matches.length === 0) throw new UsageError(`input ${pattern}: the pattern matches no file`);
    return matches.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }
  const stat = statSync(pattern, { throwIfNoEntry: false });
  if (stat === undefined) throw new PermanentError('NOT_FOUND', `input ${pattern}: no such file`);
  if (stat.isDirectory()) {
    throw new PermanentError(
      'INVALID_ARGUMENT',
      `input ${pattern} is a folder: name its files, for example "${pattern}/*.jsonl"`,
    );
  }
  if (!stat.isFile())
    throw new PermanentError('INVALID_ARGUMENT', `input ${pattern} is no regular file: write it to a file first`);
  return [resolve(pattern)];
}
