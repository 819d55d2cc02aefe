import type { Command } from 'commander';

import { openModels } from '../infra/local/model-source.ts';
import { LocalModelStore } from '../infra/local/model-store.ts';
import { isVersion, parseModelReference } from '../shared/models/catalog.ts';
import type { ModelRegistry, ModelStore } from '../shared/ports.ts';
import { UsageError } from './exit.ts';
import { modelArgument } from './model-argument.ts';
import { formatOption } from './options.ts';
import { modelsPlace, modelsStateOption } from './state-folder.ts';

/** What all of `fanfold models` takes. */
export interface ModelsOptions {
  readonly models?: string;
  readonly state?: string;
  readonly format: 'table' | 'json';
}

export function addModelsOptions(command: Command): Command {
  return command
    .option('--models <dir|gs://bucket>', 'the folder or bucket of models; default: models/')
    .addOption(modelsStateOption())
    .addOption(formatOption());
}

/** @throws UsageError where a bucket's URI has a path. */
export async function openRegistry(options: ModelsOptions): Promise<ModelRegistry> {
  const place = modelsPlace(options);
  if (!place.startsWith('gs://')) return new LocalModelStore(place);
  const [, bucket] = /^gs:\/\/([^/]+)\/?$/.exec(place) ?? [];
  if (bucket === undefined) throw new UsageError(`--models ${place}: expected a folder, or gs://BUCKET without a path`);
  const { createStorage } = await import('../infra/gcp/clients.ts');
  const { GoogleModelStore } = await import('../infra/gcp/model-store.ts');
  const { GOOGLE_CLOUD_PROJECT: project, FANFOLD_STORAGE_ENDPOINT: endpoint } = process.env;
  // Objects are asked for by their bucket; the project is only for what belongs to no bucket.
  const storage = createStorage({
    projectId: project ?? 'unset',
    ...(endpoint !== undefined && { storageEndpoint: endpoint }),
  });
  return new GoogleModelStore(storage, bucket);
}

/** The model that an argument means: a folder, or a name in the folder or bucket of models. */
export async function openArgument(
  argument: string,
  options: ModelsOptions,
): Promise<{ readonly store: ModelStore; readonly reference: string }> {
  const place = modelsPlace(options);
  if (place.startsWith('gs://') && !/^[./~]/.test(argument))
    return { store: await openRegistry(options), reference: argument };
  const { source, reference } = await modelArgument(argument, place);
  return { store: openModels(source), reference };
}

/** `model@3`. @throws UsageError where it is anything else. */
export function parseVersionArgument(argument: string): { readonly model: string; readonly version: string } {
  const { model, selector } = parseModelReference(argument);
  if (selector !== undefined && isVersion(selector)) return { model, version: selector };
  throw new UsageError(`${argument}: expected model@version, with the version's number`);
}
