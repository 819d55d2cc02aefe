import { PermanentError } from '../errors.ts';
import type { CatalogModel, ModelConfig, ModelRegistry, NewModelFile } from '../ports.ts';
import { compareVersions, defaultVersion, isLabel, isModelName, isVersion } from './catalog.ts';

/** What every model registry decides alike: what may become a version, a default, a label, and what may go. */

/** A version of more is a mistake: a data set. */
const MAX_FILES = 10_000;
const MAX_NAME_BYTES = 800;

/** The number behind the highest one; 1 where there is none. */
export function nextVersion(versions: readonly string[]): string {
  const highest = [...versions].sort(compareVersions).at(-1);
  return highest === undefined ? '1' : String(BigInt(highest) + 1n);
}

/** @throws PermanentError INVALID_ARGUMENT naming what may not be so in a new version. */
export function checkNewVersion(model: string, version: string, files: readonly NewModelFile[]): void {
  const refuse = (what: string): never => {
    throw new PermanentError('INVALID_ARGUMENT', what);
  };
  if (!isModelName(model)) {
    const expected = 'letters, digits, and (not first) . and -, at most 128';
    refuse(`${JSON.stringify(model)} is no model name: expected _, ${expected}`);
  }
  if (!isVersion(version) || String(BigInt(version)) !== version)
    refuse(`${JSON.stringify(version)} is no version: expected a number of at most 18 digits, without leading zeros`);
  if (files.length === 0) refuse(`${model}@${version} would hold no file`);
  if (files.length > MAX_FILES)
    refuse(`${model}@${version} would hold ${files.length} files, expected at most ${MAX_FILES}`);
  const names = new Set<string>();
  for (const { name } of files) {
    const segments = name.split('/');
    if (segments.some((segment) => segment === '' || segment.startsWith('.')) || /[\\\p{Cc}]/u.test(name))
      refuse(`${model}@${version}: ${JSON.stringify(name)} is no name of a model file: hidden, or not a relative path`);
    if (Buffer.byteLength(name) > MAX_NAME_BYTES)
      refuse(`${model}@${version}: the name ${name.slice(0, 40)}… has more than ${MAX_NAME_BYTES} bytes`);
    if (names.has(name)) refuse(`${model}@${version}: two files are named ${name}`);
    names.add(name);
  }
}

export function alreadyExists(model: string, version: string, what = 'is there already'): PermanentError {
  const remedy = 'a version never changes: import it under another number, or delete this one first';
  return new PermanentError('ALREADY_EXISTS', `${model}@${version} ${what}; ${remedy}`);
}

/**
 * Makes a version the model's default.
 * @throws PermanentError NOT_FOUND
 */
export async function setDefault(registry: ModelRegistry, model: string, version: string): Promise<void> {
  await registry.configure(model, (entry) => {
    requireVersion(entry, version);
    return { ...entry.config, defaultVersion: version };
  });
}

/**
 * Points labels at versions, or takes them away.
 * @param labels by name; undefined takes the label away.
 * @throws PermanentError NOT_FOUND (no such version, or no such label to take away), INVALID_ARGUMENT (no name of a label).
 */
export async function setLabels(
  registry: ModelRegistry,
  model: string,
  labels: ReadonlyMap<string, string | undefined>,
): Promise<void> {
  await registry.configure(model, (entry) => {
    const next = new Map(Object.entries(entry.config.labels ?? {}));
    for (const [label, version] of labels) {
      if (!isLabel(label)) {
        const expected = 'a letter, then letters, digits, _, . and -, at most 63';
        throw new PermanentError('INVALID_ARGUMENT', `${JSON.stringify(label)} is no label: expected ${expected}`);
      }
      if (version === undefined) {
        if (!next.delete(label)) throw new PermanentError('NOT_FOUND', `model ${model} has no label ${label}`);
      } else {
        requireVersion(entry, version);
        next.set(label, version);
      }
    }
    return { ...entry.config, labels: Object.fromEntries(next) };
  });
}

/**
 * Deletes a version. Jobs that pinned it and still run will fail.
 * @param force also where it is the default or labelled: those words go with it.
 * @throws PermanentError NOT_FOUND; FAILED_PRECONDITION saying what still means it.
 */
export async function deleteVersion(
  registry: ModelRegistry,
  model: string,
  version: string,
  { force }: { readonly force: boolean },
): Promise<void> {
  await registry.configure(model, (entry) => configWithout(entry, version, force));
  await registry.remove(model, version);
}

/** @returns undefined where the configuration may stay as it is. */
function configWithout(entry: CatalogModel, version: string, force: boolean): ModelConfig | undefined {
  const { model, versions, config } = entry;
  const isLast = versions.every((other) => other === version);
  const labels = Object.entries(config.labels ?? {});
  const naming = labels.filter(([, to]) => to === version).map(([label]) => label);
  const isDefault = defaultVersion(entry) === version;
  if ((isDefault || naming.length > 0) && !isLast && !force) {
    const what = [...(isDefault ? ['the default version'] : []), ...naming.map((label) => `labelled ${label}`)].join(
      ', ',
    );
    const remedy = 'point those elsewhere first (fanfold models set-default, fanfold models label), or give --force';
    throw new PermanentError('FAILED_PRECONDITION', `${model}@${version} is ${what}: ${remedy}`);
  }
  if (config.defaultVersion !== version && naming.length === 0) return undefined;
  return {
    ...(config.defaultVersion !== version && { defaultVersion: config.defaultVersion }),
    labels: Object.fromEntries(labels.filter(([, to]) => to !== version)),
  };
}

function requireVersion({ model, versions }: CatalogModel, version: string): void {
  if (versions.includes(version)) return;
  const there = versions.length === 0 ? 'it has none' : `there are ${[...versions].sort(compareVersions).join(', ')}`;
  throw new PermanentError('NOT_FOUND', `model ${model} has no version ${version}: ${there}`);
}

/** The versions of a model, in any order; none where there is no such model. */
export async function versionsOf(registry: ModelRegistry, model: string): Promise<readonly string[]> {
  let versions: readonly string[] = [];
  try {
    await registry.configure(model, (entry) => {
      ({ versions } = entry);
      return undefined;
    });
  } catch (error) {
    if (!(error instanceof PermanentError) || error.status !== 'NOT_FOUND') throw error;
  }
  return versions;
}
