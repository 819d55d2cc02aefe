import { statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

import { compareUtf8 } from '../../shared/compare-utf8.ts';
import { PermanentError } from '../../shared/errors.ts';
import { digestFiles } from '../../shared/models/catalog.ts';
import type { ModelFiles } from '../../shared/models/model.ts';
import type { NewModelFile } from '../../shared/ports.ts';
import { fileError, isMissing, readRange } from './files.ts';

/** A model folder of more is a mistake: somebody's home, or a data set. */
export interface ModelLimits {
  readonly maxFiles: number;
  readonly maxBytes: number;
}

export const DEFAULT_MODEL_LIMITS: ModelLimits = { maxFiles: 10_000, maxBytes: 8 * 2 ** 30 };

/** A file of a version folder. */
export interface ModelFile {
  /** Relative to the version folder, with `/` between segments. */
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly mtimeNs: bigint;
}

/**
 * The files below a version folder, in order of their names. Links are followed as long as they stay inside.
 * @param hidden called with the name of each hidden file or folder; it is not entered, and none of the version's.
 * @throws PermanentError NOT_FOUND (no such folder, or nothing in it), INVALID_ARGUMENT (a file), FAILED_PRECONDITION (a link that leads
 * out), RESOURCE_EXHAUSTED (over the limits).
 */
export async function scanModelFolder(
  folder: string,
  limits: ModelLimits = DEFAULT_MODEL_LIMITS,
  hidden: (name: string) => void = () => undefined,
): Promise<readonly ModelFile[]> {
  requireFolder(folder);
  const root = await realpath(folder);
  const files: ModelFile[] = [];
  let bytes = 0;

  async function enter(at: string, base: string, above: readonly string[]): Promise<void> {
    for (const entry of await readdir(at, { withFileTypes: true })) {
      const name = base + entry.name;
      if (entry.name.startsWith('.')) {
        hidden(name);
        continue;
      }
      const target = entry.isSymbolicLink()
        ? await followLink(path.join(at, entry.name), root, name)
        : path.join(at, entry.name);
      const found = await stat(target, { bigint: true });
      if (found.isDirectory()) {
        if (above.includes(target))
          throw new PermanentError('FAILED_PRECONDITION', `${folder}/${name} links to a folder that holds it`);
        await enter(target, `${name}/`, [...above, target]);
      } else if (found.isFile()) {
        files.push({ name, path: target, size: Number(found.size), mtimeNs: found.mtimeNs });
        bytes += Number(found.size);
        if (files.length > limits.maxFiles) {
          throw new PermanentError(
            'RESOURCE_EXHAUSTED',
            `${folder} holds more than ${limits.maxFiles} files: is it a model version?`,
          );
        }
        if (bytes > limits.maxBytes) {
          throw new PermanentError(
            'RESOURCE_EXHAUSTED',
            `${folder} holds more than ${limits.maxBytes} bytes: is it a model version?`,
          );
        }
      }
    }
  }

  try {
    await enter(root, '', [root]);
  } catch (error) {
    throw fileError(error, folder);
  }
  if (files.length === 0) throw new PermanentError('NOT_FOUND', `${folder} holds no model files`);
  return files.sort((a, b) => compareUtf8(a.name, b.name));
}

async function followLink(link: string, root: string, name: string): Promise<string> {
  const target = await realpath(link).catch((error: unknown) => {
    throw new PermanentError('FAILED_PRECONDITION', `${root}/${name} is a broken link`, { cause: error });
  });
  if (target === root || target.startsWith(root + path.sep)) return target;
  throw new PermanentError(
    'FAILED_PRECONDITION',
    `${root}/${name} links out of the model's folder, to ${target}: put the file itself there`,
  );
}

/** @throws PermanentError NOT_FOUND, INVALID_ARGUMENT */
export function requireFolder(folder: string): void {
  const found = statFolder(folder);
  if (!found.isDirectory())
    throw new PermanentError('INVALID_ARGUMENT', `${folder} is a file: give the folder that holds the model`);
}

function statFolder(folder: string): Stats {
  try {
    return statSync(folder);
  } catch (error) {
    if (isMissing(error)) throw new PermanentError('NOT_FOUND', `no folder ${folder}`, { cause: error });
    throw fileError(error, folder);
  }
}

/** Reads the version's files; what is added to the folder later is not there. */
export function openModelFiles(label: string, files: readonly ModelFile[]): ModelFiles {
  const byName = new Map(files.map((file) => [file.name, file]));
  return {
    label,
    names: Object.freeze(files.map((file) => file.name)),
    read: async (name) => {
      const file = byName.get(name);
      if (file === undefined) throw new PermanentError('NOT_FOUND', `${label} holds no file ${name}`);
      return readModelFile(file);
    },
  };
}

/** In pieces: one read of Node takes 2 GiB at most. */
async function readModelFile(file: ModelFile): Promise<Uint8Array> {
  const content = new Uint8Array(file.size);
  let at = 0;
  for await (const chunk of contentOf(file)) {
    content.set(chunk, at);
    at += chunk.length;
  }
  return content.subarray(0, at);
}

async function* contentOf(file: ModelFile): AsyncGenerator<Uint8Array> {
  try {
    await using handle = await open(file.path, 'r');
    yield* readRange(handle, 0, file.size);
  } catch (error) {
    throw fileError(error, file.path);
  }
}

export function digestModelFiles(files: readonly ModelFile[]): Promise<string> {
  return digestFiles(toNewFiles(files));
}

/** As a registry takes them. */
export function toNewFiles(files: readonly ModelFile[]): NewModelFile[] {
  return files.map((file) => ({ name: file.name, size: file.size, content: () => contentOf(file) }));
}
