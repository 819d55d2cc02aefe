import type { Command } from 'commander';

import { isVersion, parseModelReference } from '../shared/models/catalog.ts';
import { deleteVersion, setDefault, setLabels } from '../shared/models/registry.ts';
import { UsageError } from './exit.ts';
import { addModelsOptions, openRegistry, parseVersionArgument } from './models-folder.ts';
import type { ModelsOptions } from './models-folder.ts';
import { addImportCommand } from './models-import.ts';
import { addShowCommand } from './models-show.ts';
import { examples } from './options.ts';
import { table } from './table.ts';

export function addModelsCommand(program: Command, _exit: (code: number) => void): void {
  const models = program
    .command('models')
    .description('Look at models and keep them: versions, the default, labels.')
    .addHelpText('after', examples('fanfold models list', 'fanfold models import ./exported digits --set-default'));
  addModelsOptions(models.command('list').description('List the models, their versions and the default.'))
    .addHelpText(
      'after',
      examples('fanfold models list --models examples/models', 'fanfold models list --models gs://my-models'),
    )
    .action(async (options: ModelsOptions) => {
      await list(options);
    });
  addShowCommand(models);
  addImportCommand(models);
  addModelsOptions(
    models
      .command('set-default')
      .description("Make a version the model's default: what jobs take that name none. Jobs under way keep theirs."),
  )
    .argument('<model@version>', 'a version of a model')
    .addHelpText('after', examples('fanfold models set-default digits@3 --models ./models'))
    .action(async (argument: string, options: ModelsOptions) => {
      const { model, version } = parseVersionArgument(argument);
      await setDefault(await openRegistry(options), model, version);
      tell(options, `the default version of ${model} is ${version}`, { model, defaultVersion: version });
    });
  addModelsOptions(
    models.command('label').description('Point labels at versions (LABEL=VERSION), or take labels away (LABEL=-).'),
  )
    .argument('<model>', 'a model')
    .argument('<label=version...>', 'labels; a version, or - for none')
    .addHelpText(
      'after',
      examples('fanfold models label digits canary=3 stable=2', 'fanfold models label digits canary=-'),
    )
    .action(async (model: string, assignments: readonly string[], options: ModelsOptions) => {
      await label(model, assignments, options);
    });
  addModelsOptions(
    models
      .command('delete')
      .description('Delete a version. A job that pinned it and is not done yet fails.')
      .option('--force', 'also the default version, or one with labels: those words go with it'),
  )
    .argument('<model@version>', 'a version of a model')
    .addHelpText('after', examples('fanfold models delete digits@1', 'fanfold models delete digits@3 --force'))
    .action(async (argument: string, options: ModelsOptions & { readonly force?: boolean }) => {
      const { model, version } = parseVersionArgument(argument);
      await deleteVersion(await openRegistry(options), model, version, { force: options.force === true });
      tell(options, `deleted ${model}@${version}`, { model, version, deleted: true });
    });
}

async function list(options: ModelsOptions): Promise<void> {
  const summaries = await (await openRegistry(options)).list();
  const rows = summaries.map(({ model, versions, defaultVersion, labels }) => [
    model,
    defaultVersion,
    versions.join(', '),
    Object.entries(labels)
      .map(([name, version]) => `${name}=${version}`)
      .join(', '),
  ]);
  tell(options, table(['MODEL', 'DEFAULT', 'VERSIONS', 'LABELS'], rows).trimEnd(), summaries);
}

async function label(model: string, assignments: readonly string[], options: ModelsOptions): Promise<void> {
  if (parseModelReference(model).selector !== undefined)
    throw new UsageError(`${model}: expected a model without a version: the labels name the versions`);
  const labels = new Map<string, string | undefined>();
  for (const assignment of assignments) {
    const [name = '', version = '', ...rest] = assignment.split('=');
    if (name === '' || rest.length > 0 || (version !== '-' && !isVersion(version)))
      throw new UsageError(`${assignment}: expected LABEL=VERSION, or LABEL=- to take the label away`);
    if (labels.has(name)) throw new UsageError(`${assignment}: the label ${name} is given twice`);
    labels.set(name, version === '-' ? undefined : version);
  }
  await setLabels(await openRegistry(options), model, labels);
  const told = [...labels].map(([name, version]) =>
    version === undefined ? `${model} has no label ${name} any more` : `${model}@${name} is ${model}@${version}`,
  );
  tell(options, told.join('\n'), { model, labels: Object.fromEntries([...labels].map(([k, v]) => [k, v ?? null])) });
}

function tell({ format }: ModelsOptions, text: string, json: unknown): void {
  process.stdout.write(`${format === 'json' ? JSON.stringify(json, undefined, 2) : text}\n`);
}
