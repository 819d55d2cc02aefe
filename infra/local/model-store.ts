import { readdirSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

import { compareUtf8 } from '../../shared/compare-utf8.ts';
import { PermanentError } from '../../shared/errors.ts';
import { chooseVersion, isModelName, isVersion, parseModelReference, summarize } from '../../shared/models/catalog.ts';
import type { ModelFiles } from '../../shared/models/model.ts';
import type {
  CatalogModel,
  ModelConfig,
  ModelRegistry,
  ModelStore,
  ModelSummary,
  ModelVersion,
  NewModelFile,
} from '../../shared/ports.ts';
import { fileError, isMissing } from './files.ts';
import {
  DEFAULT_MODEL_LIMITS,
  digestModelFiles,
  openModelFiles,
  requireFolder,
  scanModelFolder,
} from './model-folder.ts';
import type { ModelFile, ModelLimits } from './model-folder.ts';

/** Where models come from: one folder of models, or one model. */
interface Catalog {
  /** For messages. */
  readonly label: string;
  names(): Promise<readonly string[]>;
  /** Undefined where there is no such model. */
  find(model: string): Promise<CatalogModel | undefined>;
  folder(model: string, version: string): string;
}

class CatalogModelStore implements ModelStore {
  readonly #catalog: Catalog;
  readonly #limits: ModelLimits;
  /** By folder: a digest holds as long as names, sizes and times do. */
  readonly #digests = new Map<string, { readonly seen: string; readonly digest: Promise<string> }>();

  constructor(catalog: Catalog, limits: Partial<ModelLimits>) {
    this.#catalog = catalog;
    this.#limits = { ...DEFAULT_MODEL_LIMITS, ...limits };
  }

  async resolve(reference: string): Promise<ModelVersion> {
    const { model, selector } = parseModelReference(reference);
    const version = chooseVersion(await this.find(model), selector);
    const folder = this.#catalog.folder(model, version);
    const files = await scanModelFolder(folder, this.#limits);
    const byteSize = files.reduce((total, file) => total + file.size, 0);
    return { model, version, digest: await this.#digest(folder, files), byteSize };
  }

  async open(model: string, version: string): Promise<ModelFiles> {
    const found = await this.find(model);
    if (!isVersion(version)) throw noVersion(model, version);
    const folder = this.#catalog.folder(model, chooseVersion(found, version));
    return openModelFiles(`${model}@${version}`, await scanModelFolder(folder, this.#limits));
  }

  async list(): Promise<readonly ModelSummary[]> {
    const found = await Promise.all((await this.#catalog.names()).map((model) => this.#catalog.find(model)));
    return found
      .map((entry) => entry && summarize(entry))
      .filter((summary) => summary !== undefined)
      .sort((a, b) => compareUtf8(a.model, b.model));
  }

  protected async find(model: string): Promise<CatalogModel> {
    const found = isModelName(model) ? await this.#catalog.find(model) : undefined;
    if (found !== undefined) return found;
    const names = [...(await this.#catalog.names())].sort(compareUtf8);
    const there = names.length === 0 ? 'there is none' : `there are ${names.join(', ')}`;
    throw new PermanentError('NOT_FOUND', `no model ${model} in ${this.#catalog.label}: ${there}`);
  }

  #digest(folder: string, files: readonly ModelFile[]): Promise<string> {
    const seen = files.map((file) => `${file.name}\0${file.size}\0${file.mtimeNs}`).join('\0');
    const known = this.#digests.get(folder);
    if (known?.seen === seen) return known.digest;
    const digest = digestModelFiles(files);
    this.#digests.set(folder, { seen, digest });
    digest.catch(() => this.#digests.delete(folder));
    return digest;
  }
}

function noVersion(model: string, version: string): PermanentError {
  return new PermanentError('NOT_FOUND', `model ${model} has no version ${JSON.stringify(version)}`);
}

/** A folder of `<model>/<version>/`, with `<model>/config.json` beside the versions. */
export class LocalModelStore extends CatalogModelStore implements ModelRegistry {
  readonly #root: string;

  constructor(root: string, limits: Partial<ModelLimits> = {}) {
    super(
      {
        label: root,
        names: async () => (await folderNames(root)).filter(isModelName),
        find: (model) => readModel(model, path.join(root, model)),
        folder: (model, version) => path.join(root, model, version),
      },
      limits,
    );
    this.#root = root;
  }

  // What writes is loaded only where something is written.

  async publish(model: string, version: string, files: readonly NewModelFile[]): Promise<void> {
    const { publishVersion } = await import('./model-store-writes.ts');
    await publishVersion(this.#root, model, version, files);
  }

  async configure(model: string, change: (model: CatalogModel) => ModelConfig | undefined): Promise<void> {
    const { configureModel } = await import('./model-store-writes.ts');
    await configureModel(this.#root, () => this.find(model), change);
  }

  async remove(model: string, version: string): Promise<void> {
    await this.find(model);
    const { removeVersion } = await import('./model-store-writes.ts');
    if (!isVersion(version)) throw noVersion(model, version);
    await removeVersion(this.#root, model, version);
  }
}

/** One model, in any folder. Only it is listed, but the models beside it can be opened: a pipeline may name them. */
export class FolderModelStore extends CatalogModelStore {
  /** What `resolve` takes; `model@version` works too. */
  readonly model: string;

  /**
   * @param version the version that the folder itself is; undefined where it holds version folders.
   * @param models the folder that the model is in.
   */
  constructor(model: string, dir: string, version: string | undefined, models: string, limits: Partial<ModelLimits>) {
    const only: CatalogModel | undefined =
      version === undefined ? undefined : { model, versions: [version], config: {} };
    super(
      {
        label: dir,
        names: () => Promise.resolve([model]),
        find: async (name) => (name === model ? (only ?? (await readModel(model, dir))) : neighbour(models, name)),
        folder: (of, name) => {
          if (of !== model) return path.join(models, of, name);
          return only === undefined ? path.join(dir, name) : dir;
        },
      },
      limits,
    );
    this.model = model;
  }
}

/** Files that make the folder they are in a version, whatever its subfolders are called. */
const VERSION_FILES = /^(?:saved_model\.pb|model\.json|pipeline\.json|remote\.json|serving\.json|.*\.onnx)$/;

/**
 * The store for `--model DIR`, where DIR is a base path of numeric version folders, or itself a version folder. The model's name is the
 * base path's; a version folder named by a number is that version, any other is version 1 of a model of its own name.
 * @throws PermanentError NOT_FOUND (no such folder, or nothing in it), INVALID_ARGUMENT (a file).
 */
export function openModelFolder(dir: string, limits: Partial<ModelLimits> = {}): FolderModelStore {
  requireFolder(dir);
  const at = path.resolve(dir);
  const name = path.basename(at);
  const inside = readdirSync(at, { withFileTypes: true }).filter((entry) => !entry.name.startsWith('.'));
  if (inside.length === 0)
    throw new PermanentError('NOT_FOUND', `${dir} is empty: it holds neither model files nor version folders`);
  const isBase =
    inside.some((entry) => isVersion(entry.name) && !entry.isFile()) &&
    !inside.some((entry) => VERSION_FILES.test(entry.name));
  const above = path.dirname(at);
  if (isBase) return new FolderModelStore(modelName(name), at, undefined, above, limits);
  if (isVersion(name))
    return new FolderModelStore(modelName(path.basename(above)), at, name, path.dirname(above), limits);
  return new FolderModelStore(modelName(name), at, '1', above, limits);
}

/** A folder may be called what a model may not. */
function modelName(folder: string): string {
  const name = folder
    .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 128);
  return isModelName(name) ? name : 'model';
}

/** A folder beside the model, where it is a model too. */
async function neighbour(models: string, name: string): Promise<CatalogModel | undefined> {
  const found = await readModel(name, path.join(models, name));
  return found === undefined || found.versions.length === 0 ? undefined : found;
}

async function readModel(model: string, folder: string): Promise<CatalogModel | undefined> {
  const found = await stat(folder).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw fileError(error, folder);
  });
  if (found?.isDirectory() !== true) return undefined;
  const versions = (await folderNames(folder)).filter(isVersion);
  return { model, versions, config: await readConfig(path.join(folder, 'config.json')) };
}

async function readConfig(file: string): Promise<ModelConfig> {
  try {
    const content = await readFile(file);
    // Loaded only where there is a configuration: most models have none, and every worker would wait for it.
    const { parseModelConfig } = await import('../../shared/models/model-config.ts');
    return parseModelConfig(content, file);
  } catch (error) {
    if (isMissing(error)) return {};
    throw fileError(error, file);
  }
}

/** The folders in a folder, and links to folders; none where it does not exist. */
async function folderNames(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const names: string[] = [];
    for (const entry of entries) {
      if (entry.isDirectory()) names.push(entry.name);
      else if (entry.isSymbolicLink()) {
        const target = await stat(path.join(folder, entry.name)).catch(() => undefined);
        if (target?.isDirectory() === true) names.push(entry.name);
      }
    }
    return names;
  } catch (error) {
    if (isMissing(error)) return [];
    throw fileError(error, folder);
  }
}
