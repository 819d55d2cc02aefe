import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { describe, it } from 'vitest';
import { PermanentError } from '../../../shared/errors.ts';
import type { ModelFiles } from '../../../shared/models/model.ts';
import type { Tensor } from '../../../shared/tensor.ts';

/** Model folders for tests: in memory, on disk, and the fixtures that are no part of the project. */

export function memoryFiles(
  content: Readonly<Record<string, Uint8Array | string | object>>,
  label = 'm@1',
): ModelFiles {
  const bytes = new Map(
    Object.entries(content).map(([name, value]) => {
      if (value instanceof Uint8Array) return [name, value] as const;
      return [name, new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))] as const;
    }),
  );
  return {
    label,
    names: [...bytes.keys()],
    read: (name) => {
      const found = bytes.get(name);
      return found
        ? Promise.resolve(found)
        : Promise.reject(new PermanentError('NOT_FOUND', `${label} holds no ${name}`));
    },
  };
}

export async function folderFiles(folder: string): Promise<ModelFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'));
  return { label: folder, names, read: async (name) => new Uint8Array(await readFile(join(folder, name))) };
}

/** Where real models with known outputs lie. */
export const FIXTURES = process.env['FANFOLD_FIXTURES'] ?? join(import.meta.dirname, '../../../../shared/fixtures');

/** A suite over the fixtures: skipped, saying so, where they are not; failing where they are required. */
export function describeFixtures(name: string, suite: () => void): void {
  if (existsSync(FIXTURES)) describe(name, suite);
  else if (process.env['FANFOLD_REQUIRE_FIXTURES'] === '1') {
    it(name, () => {
      throw new Error(`the fixtures are required and not at ${FIXTURES}`);
    });
  } else describe.skip(`${name} [skipped: no fixtures at ${FIXTURES}]`, suite);
}

export function float32(shape: readonly number[], values: readonly number[] | Float32Array): Tensor {
  return { dtype: 'float32', shape, data: Float32Array.from(values) };
}
