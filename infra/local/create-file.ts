import type { link as hardLink } from 'node:fs/promises';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { errorCode, fileError, syncFolder, temporaryPath } from './files.ts';

/** Folders that a delete tidied away between `mkdir` and `open` are made again. */
const MAX_FOLDER_ATTEMPTS = 10;
/** How long an empty file may be the claim of a writer that has not renamed its own over it yet. */
const MAX_CLAIM_LOOKS = 40;
const CLAIM_LOOK_MS = 25;
/** A file system without hard links answers so. */
const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

export interface CreateFileOptions {
  /** Whether content and name have reached the disk when the call returns. */
  readonly durable: boolean;
  readonly link: typeof hardLink;
  /** For messages. */
  readonly what: string;
}

/**
 * Writes a file with `fill`, if its name is free: it appears whole, once. It is written under a hidden name in the same folder and
 * linked to its final one, which fails where that exists.
 * @returns what `fill` returned; `created: false` where the name was taken meanwhile.
 */
export async function createFile<T>(
  file: string,
  options: CreateFileOptions,
  fill: (handle: FileHandle) => Promise<T>,
): Promise<{ readonly created: boolean; readonly value: T }> {
  const folder = path.dirname(file);
  const { handle, temporary } = await openTemporary(folder, options.what);
  try {
    let value: T;
    try {
      value = await fill(handle);
      if (options.durable) await handle.sync();
    } finally {
      await handle.close();
    }
    const created = await claim(temporary, file, options);
    if (created && options.durable) await syncFolder(folder);
    return { created, value };
  } finally {
    await rm(temporary, { force: true });
  }
}

async function openTemporary(folder: string, what: string): Promise<{ handle: FileHandle; temporary: string }> {
  for (let attempt = 1; ; attempt++) {
    const temporary = temporaryPath(folder);
    try {
      await mkdir(folder, { recursive: true });
      return { handle: await open(temporary, 'wx'), temporary };
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || attempt === MAX_FOLDER_ATTEMPTS) throw fileError(error, what);
    }
  }
}

/** Gives the file its final name. @returns false where that is taken. */
async function claim(temporary: string, file: string, { link, what }: CreateFileOptions): Promise<boolean> {
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    if (!NO_HARD_LINKS.has(errorCode(error) ?? '')) throw fileError(error, what);
  }
  // Without hard links: an empty file claims the name, and the full one replaces it.
  try {
    await (await open(file, 'wx')).close();
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw fileError(error, what);
    await untilWritten(temporary, file, what);
    return false;
  }
  await rename(temporary, file);
  return true;
}

/** Whoever claimed the name with an empty file replaces it at once; if it stays empty, its writer was killed in between. */
async function untilWritten(temporary: string, file: string, what: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const [there, ours] = await Promise.all([stat(file), stat(temporary)]);
    if (there.size > 0 || ours.size === 0) return;
    if (attempt === MAX_CLAIM_LOOKS) {
      throw new Error(`${what} is empty: its writer was killed, or is at it; delete it if that stays so`);
    }
    await setTimeout(CLAIM_LOOK_MS);
  }
}
