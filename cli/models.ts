import type { Command } from 'commander';

import { openModels } from '../infra/local/model-source.ts';
import { loadModel } from '../shared/models/load.ts';
import type { Signature } from '../shared/models/model.ts';
import type { TensorSpec } from '../shared/tensor.ts';
import { modelArgument } from './model-argument.ts';
import { examples, formatOption } from './options.ts';
import { number } from './progress.ts';
import { stateFolder, stateOption } from './state-folder.ts';
import { table } from './table.ts';

interface ModelsOptions {
  readonly models?: string;
  readonly state: string;
  readonly format: 'table' | 'json';
}

export function addModelsCommand(program: Command, _exit: (code: number) => void): void {
  const models = program
    .command('models')
    .description('Look at models: those of a folder of models, or any model folder.');
  const shared = (command: Command): Command =>
    command
      .option('--models <dir>', 'the folder of models; default: models/ in the state folder')
      .addOption(stateOption())
      .addOption(formatOption());
  shared(models.command('list').description('List the models, their versions and the default.'))
    .addHelpText('after', examples('fanfold models list --models examples/models'))
    .action(async (options: ModelsOptions) => {
      await list(options);
    });
  shared(
    models.command('show').description("Show a model's signatures: inputs and outputs with their types and shapes."),
  )
    .argument('<dir|name[@version]>', 'a model folder, or a name in the folder of models')
    .addHelpText(
      'after',
      examples(
        'fanfold models show examples/models/digits',
        'fanfold models show digits@2 --models ./models --format json',
      ),
    )
    .action(async (model: string, options: ModelsOptions) => {
      await show(model, options);
    });
}

function modelsFolder({ models, state }: ModelsOptions): string {
  return models ?? process.env['FANFOLD_MODELS'] ?? stateFolder(state).models;
}

async function list(options: ModelsOptions): Promise<void> {
  const summaries = await openModels({ kind: 'root', folder: modelsFolder(options) }).list();
  if (options.format === 'json') {
    print(`${JSON.stringify(summaries, undefined, 2)}\n`);
    return;
  }
  const rows = summaries.map(({ model, versions, defaultVersion, labels }) => [
    model,
    defaultVersion,
    versions.join(', '),
    Object.entries(labels)
      .map(([label, version]) => `${label}=${version}`)
      .join(', '),
  ]);
  print(table(['MODEL', 'DEFAULT', 'VERSIONS', 'LABELS'], rows));
}

async function show(argument: string, options: ModelsOptions): Promise<void> {
  const { source, reference } = await modelArgument(argument, modelsFolder(options));
  const store = openModels(source);
  const { model: name, version, digest } = await store.resolve(reference);
  const model = await loadModel(await store.open(name, version));
  try {
    const { runtime, byteSize, signatures } = model;
    if (options.format === 'json') {
      print(`${JSON.stringify({ model: name, version, digest, runtime, byteSize, signatures }, undefined, 2)}\n`);
      return;
    }
    print(`${name}@${version} on ${runtime}, ${number(byteSize)} bytes\n`);
    for (const signature of Object.values(signatures)) print(`\n${describe(signature)}`);
  } finally {
    await model.dispose();
  }
}

/** As saved_model_cli shows a signature. */
function describe({ name, inputs, outputs, method }: Signature): string {
  const tensors = (kind: string, specs: readonly TensorSpec[]): string =>
    specs.map((spec) => `  ${kind}['${spec.name}'] dtype: ${spec.dtype}  shape: ${shapeOf(spec)}\n`).join('');
  const called = method === undefined ? '' : `  method: ${method}\n`;
  return `signature_def['${name}']:\n${tensors('inputs', inputs)}${tensors('outputs', outputs)}${called}`;
}

function shapeOf({ shape }: TensorSpec): string {
  return shape === null ? 'unknown rank' : `(${shape.map((size) => size ?? -1).join(', ')})`;
}

function print(text: string): void {
  process.stdout.write(text);
}
