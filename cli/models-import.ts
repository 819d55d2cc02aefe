import type { Command } from 'commander';

import { openModelFiles, scanModelFolder, toNewFiles } from '../infra/local/model-folder.ts';
import type { ModelFile } from '../infra/local/model-folder.ts';
import { PermanentError } from '../shared/errors.ts';
import { compareVersions, isVersion, parseModelReference } from '../shared/models/catalog.ts';
import { loadModel } from '../shared/models/load.ts';
import { printable } from '../shared/models/printable.ts';
import type { ModelFiles } from '../shared/models/model.ts';
import type { ModelStore } from '../shared/ports.ts';
import { checkNewVersion, nextVersion, setDefault, setLabels, versionsOf } from '../shared/models/registry.ts';
import { readServingConfig } from '../shared/models/serving-config.ts';
import { UsageError } from './exit.ts';
import { addModelsOptions, openRegistry } from './models-folder.ts';
import type { ModelsOptions } from './models-folder.ts';
import { smokeTest } from './models-smoke-test.ts';
import type { SmokeTest } from './models-smoke-test.ts';
import { examples } from './options.ts';
import { number } from './progress.ts';

interface ImportOptions extends ModelsOptions {
  readonly setDefault?: boolean;
  readonly label?: readonly string[];
  /** False where --no-smoke-test is given. */
  readonly smokeTest: boolean;
}

export function addImportCommand(models: Command): void {
  addModelsOptions(
    models
      .command('import')
      .description('Check a model folder, try it, and make it a version of a model, which never changes from then on.')
      .option('--set-default', "make it the model's default version")
      .option('--label <names...>', 'labels to point at it')
      .option('--no-smoke-test', 'do not try a row of zeros with each signature'),
  )
    .argument('<folder>', 'the folder that holds the model files')
    .argument('<model[@version]>', 'the name it gets; default: the number behind the highest version')
    .addHelpText(
      'after',
      examples(
        'fanfold models import ./exported digits --models ./models',
        'fanfold models import ./exported digits@7 --models gs://my-models --set-default',
        'fanfold models import ./exported digits --label canary --no-smoke-test',
      ),
    )
    .action(async (folder: string, reference: string, options: ImportOptions) => {
      await importModel(folder, reference, options);
    });
}

async function importModel(folder: string, reference: string, options: ImportOptions): Promise<void> {
  const { model, selector } = parseModelReference(reference);
  if (selector !== undefined && !isVersion(selector))
    throw new UsageError(`${reference}: expected a version's number, or none; labels are given by --label`);
  const registry = await openRegistry(options);
  const files = await scanSource(folder);
  const version = selector ?? nextVersion(await versionsOf(registry, model));
  // What cannot be published is found before the model is loaded.
  checkNewVersion(model, version, toNewFiles(files));
  const checked = await check(openModelFiles(folder, files), registry, options.smokeTest);
  await registry.publish(model, version, toNewFiles(files));
  if (options.setDefault === true) await setDefault(registry, model, version);
  if (options.label !== undefined)
    await setLabels(registry, model, new Map(options.label.map((label) => [label, version])));
  tell({ model, version, bytes: files.reduce((sum, { size }) => sum + size, 0), files, ...checked }, options);
}

/** @throws PermanentError FAILED_PRECONDITION where the folder holds versions, or hidden files among the model's. */
async function scanSource(folder: string): Promise<readonly ModelFile[]> {
  const hidden: string[] = [];
  const files = await scanModelFolder(folder, undefined, (name) => hidden.push(name));
  const folders = new Set(files.map(({ name }) => (name.includes('/') ? (name.split('/')[0] ?? '') : '')));
  if ([...folders].every(isVersion)) {
    const listed = [...folders].sort(compareVersions).join(', ');
    throw new PermanentError('FAILED_PRECONDITION', `${folder} holds version folders (${listed}): import one of them`);
  }
  if (hidden.length === 0) return files;
  const listed = hidden.slice(0, 5).join(', ') + (hidden.length > 5 ? ', …' : '');
  throw new PermanentError(
    'FAILED_PRECONDITION',
    `${folder} holds hidden files (${listed}), which are no part of a model: delete them, or import a clean copy`,
  );
}

/** @throws PermanentError where the model cannot be loaded, its serving.json is wrong, or a trial fails. */
async function check(
  files: ModelFiles,
  registry: ModelStore,
  isTried: boolean,
): Promise<{ runtime: string; tests: readonly SmokeTest[] }> {
  const serving = await readServingConfig(files);
  const model = await loadModel(files, { open: (name, version) => registry.open(name, version) });
  try {
    const { signatureName } = serving;
    if (signatureName !== undefined && model.signatures[signatureName] === undefined) {
      const there = Object.keys(model.signatures).join(', ');
      const found = `found signatureName ${signatureName}, expected one of ${there}`;
      throw new PermanentError('FAILED_PRECONDITION', `${files.label}: serving.json: ${found}`);
    }
    const tests = isTried ? await smokeTest(model) : [];
    const failed = tests.find(({ outcome }) => outcome === 'failed');
    if (failed === undefined) return { runtime: model.runtime, tests };
    const what = `signature ${failed.signature} cannot score a row of zeros: ${failed.message ?? ''}`;
    throw new PermanentError(
      'FAILED_PRECONDITION',
      `${files.label}: ${what} (--no-smoke-test imports it all the same)`,
    );
  } finally {
    await model.dispose();
  }
}

interface Imported {
  readonly model: string;
  readonly version: string;
  readonly runtime: string;
  readonly bytes: number;
  readonly files: readonly ModelFile[];
  readonly tests: readonly SmokeTest[];
}

function tell({ model, version, runtime, bytes, files, tests }: Imported, { format }: ImportOptions): void {
  if (format === 'json') {
    const json = { model, version, runtime, fileBytes: bytes, files: files.map(({ name }) => name), smokeTests: tests };
    process.stdout.write(`${JSON.stringify(json, undefined, 2)}\n`);
    return;
  }
  process.stdout.write(`imported ${model}@${version}: ${files.length} files, ${number(bytes)} bytes, on ${runtime}\n`);
  for (const { signature, outcome, message } of tests)
    process.stdout.write(
      `  ${printable(`signature ${signature}: ${outcome}${message === undefined ? '' : `: ${message}`}`)}\n`,
    );
}
