import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { PermanentError } from '../../shared/errors.ts';
import { parseModelConfig, writeModelConfig } from '../../shared/models/model-config.ts';
import { alreadyExists, checkNewVersion } from '../../shared/models/registry.ts';
import type { CatalogModel, ModelConfig, NewModelFile } from '../../shared/ports.ts';
import { errorCode, fileError, isMissing, syncFolder, temporaryPath, writeAll } from './files.ts';
import { acquireLock } from './lock.ts';
import { TEMPORARY_PREFIX } from './object-path.ts';

/** A version is immutable: not even by accident. */
const READ_ONLY = 0o444;
/** What a killed import left is deleted by the first one after this time. */
const LEFTOVER_MS = 24 * 3600 * 1000;
/** Looks of 250 ms each (lock.ts) and pauses between, for a configuration that others change too. */
const MAX_LOOKS = 40;
const PAUSE_MS = 10;

/** Writes the files under a hidden name beside the versions, and renames that to the version's: it appears whole. */
export async function publishVersion(
  root: string,
  model: string,
  version: string,
  files: readonly NewModelFile[],
): Promise<void> {
  checkNewVersion(model, version, files);
  const folder = path.join(root, model);
  const target = path.join(folder, version);
  const temporary = temporaryPath(folder);
  try {
    await mkdir(folder, { recursive: true });
    await sweepLeftovers(folder);
    if (await exists(target)) throw alreadyExists(model, version);
    const folders = new Set([temporary]);
    for (const file of files) {
      const at = path.join(temporary, file.name);
      await mkdir(path.dirname(at), { recursive: true });
      folders.add(path.dirname(at));
      await writeNewFile(at, file);
    }
    for (const written of folders) await syncFolder(written);
    await rename(temporary, target);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Another import of the same version was first: a folder that holds something is not renamed over.
    if (errorCode(error) === 'ENOTEMPTY' || errorCode(error) === 'EEXIST') throw alreadyExists(model, version);
    throw fileError(error, target);
  }
}

async function writeNewFile(at: string, { name, size, content }: NewModelFile): Promise<void> {
  await using handle = await open(at, 'wx');
  let written = 0;
  for await (const chunk of content()) {
    written += chunk.length;
    if (written > size) break;
    await writeAll(handle, chunk);
  }
  if (written !== size) throw changed(name, size, written);
  await handle.sync();
  await chmod(at, READ_ONLY);
}

function changed(name: string, size: number, written: number): PermanentError {
  const found = written > size ? 'more' : `${written}`;
  return new PermanentError('ABORTED', `${name}: found ${found} bytes, expected ${size}: it changed while it was read`);
}

async function sweepLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(TEMPORARY_PREFIX)) continue;
    const at = path.join(folder, name);
    const found = await stat(at).catch(() => undefined); // gone meanwhile
    if (found !== undefined && found.mtimeMs < Date.now() - LEFTOVER_MS) await rm(at, { recursive: true, force: true });
  }
}

/**
 * Replaces config.json where it still says what `change` was told; else asks again.
 * @param find the model as it is now.
 */
export async function configureModel(
  root: string,
  find: () => Promise<CatalogModel>,
  change: (model: CatalogModel) => ModelConfig | undefined,
): Promise<void> {
  for (let look = 1; ; look++) {
    const entry = await find();
    const next = change(entry);
    if (next === undefined) return;
    const file = path.join(root, entry.model, 'config.json');
    try {
      if (replaceConfig(root, file, entry.config, next)) return;
    } catch (error) {
      throw fileError(error, file);
    }
    if (look === MAX_LOOKS) throw new Error(`${file} is changed by others all the time`);
    await setTimeout(PAUSE_MS * Math.random());
  }
}

/**
 * Without a pause in between, so that this process itself is never in its own way; the lock keeps others out.
 * @returns false where the file says something else by now, or another process is at it.
 */
function replaceConfig(root: string, file: string, known: ModelConfig, next: ModelConfig): boolean {
  const lock = acquireLock(path.join(root, '.fanfold-registry.lock'));
  if (lock === undefined) return false;
  try {
    if (writeModelConfig(readConfig(file)) !== writeModelConfig(known)) return false;
    const text = writeModelConfig(next);
    if (text === undefined) {
      rmSync(file, { force: true });
      return true;
    }
    const temporary = temporaryPath(path.dirname(file));
    try {
      writeFileSync(temporary, text, { flag: 'wx', flush: true });
      renameSync(temporary, file);
    } finally {
      rmSync(temporary, { force: true });
    }
    return true;
  } finally {
    lock.release();
  }
}

function readConfig(file: string): ModelConfig {
  try {
    return parseModelConfig(readFileSync(file), file);
  } catch (error) {
    if (isMissing(error)) return {};
    throw error;
  }
}

/** Hides the folder by one rename, then deletes it. A link to a version goes, what it leads to stays. */
export async function removeVersion(root: string, model: string, version: string): Promise<void> {
  const folder = path.join(root, model);
  const target = path.join(folder, version);
  const temporary = temporaryPath(folder);
  try {
    await rename(target, temporary);
  } catch (error) {
    if (isMissing(error)) throw new PermanentError('NOT_FOUND', `model ${model} has no version ${version} in ${root}`);
    throw fileError(error, target);
  }
  await rm(temporary, { recursive: true, force: true });
  // With its last version the model is gone, unless somebody keeps something else there.
  await rmdir(folder).catch(() => undefined);
}

async function exists(at: string): Promise<boolean> {
  return stat(at).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );
}
