import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

import { compareUtf8 } from '../../shared/compare-utf8.ts';
import { errorCode, fileError, isMissing } from './files.ts';
import { TEMPORARY_PREFIX } from './object-path.ts';

/** A regular file, or a link to one. */
export interface ListedFile {
  /** Relative to the root, with `/` between segments. */
  readonly name: string;
  readonly found: BigIntStats;
}

/**
 * The files below the root whose names start with the prefix, in order of their names by UTF-8 bytes. Depth first, holding the names of
 * one folder a level. A link to a folder is not entered: it could lead back.
 * @param base the folder to begin in: the prefix up to its last slash.
 */
export async function* listFiles(root: string, base: string, prefix: string): AsyncGenerator<ListedFile> {
  const entries = await readdir(path.join(root, base), { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw fileError(error, path.join(root, base));
  });
  // A folder sorts by the names inside it, which go on with a slash.
  const names = entries
    .filter((entry) => !entry.name.startsWith(TEMPORARY_PREFIX))
    .map((entry) => base + entry.name + (entry.isDirectory() ? '/' : ''))
    .filter((name) => name.startsWith(prefix))
    .sort(compareUtf8);
  for (const name of names) {
    if (name.endsWith('/')) {
      yield* listFiles(root, name, prefix);
    } else {
      const found = await statFile(path.join(root, name));
      if (found !== undefined) yield { name, found };
    }
  }
}

/** Undefined for what is no object: a link to a folder or to nothing, a device, a file deleted meanwhile. */
async function statFile(file: string): Promise<BigIntStats | undefined> {
  try {
    const found = await stat(file, { bigint: true });
    return found.isFile() ? found : undefined;
  } catch (error) {
    if (isMissing(error) || errorCode(error) === 'ELOOP') return undefined;
    throw fileError(error, file);
  }
}
