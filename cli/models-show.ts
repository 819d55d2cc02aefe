import type { Command } from 'commander';

import { compareUtf8 } from '../shared/compare-utf8.ts';
import { loadModel } from '../shared/models/load.ts';
import { signatureOf } from '../shared/models/signature-of.ts';
import type { FeatureSpec, Model, Signature } from '../shared/models/model.ts';
import { tensorFlowName } from '../shared/models/dtype-names.ts';
import { printable } from '../shared/models/printable.ts';
import { readServingConfig } from '../shared/models/serving-config.ts';
import type { TensorSpec } from '../shared/tensor.ts';
import { addModelsOptions, openArgument } from './models-folder.ts';
import type { ModelsOptions } from './models-folder.ts';
import { examples } from './options.ts';
import { number } from './progress.ts';

interface ShowOptions extends ModelsOptions {
  readonly signature?: string;
}

/** File names listed for people; --format json lists all. */
const LISTED_FILES = 8;

export function addShowCommand(models: Command): void {
  addModelsOptions(
    models
      .command('show')
      .description("Show a model's signatures as saved_model_cli does: inputs and outputs with their types and shapes.")
      .option('--signature <name>', 'only this signature'),
  )
    .argument('<dir|name[@version]>', 'a model folder, or a name in the folder of models')
    .addHelpText(
      'after',
      examples(
        'fanfold models show examples/models/digits',
        'fanfold models show digits@2 --models ./models --format json',
        'fanfold models show digits --models gs://my-models --signature serving_default',
      ),
    )
    .action(async (model: string, options: ShowOptions) => {
      await show(model, options);
    });
}

async function show(argument: string, options: ShowOptions): Promise<void> {
  const { store, reference } = await openArgument(argument, options);
  const version = await store.resolve(reference);
  const files = await store.open(version.model, version.version);
  const serving = await readServingConfig(files);
  const model = await loadModel(files, {
    open: (name, number) => store.open(name, number),
  });
  try {
    const signatures = chosen(model, options.signature, `${version.model}@${version.version}`);
    const { runtime, byteSize, refused = {} } = model;
    if (options.format === 'json') {
      const { model: name, version: number, digest, byteSize: fileBytes } = version;
      const all = { model: name, version: number, digest, runtime, byteSize, fileBytes, files: files.names };
      const json = {
        ...all,
        serving,
        signatures: Object.fromEntries(signatures.map((one) => [one.name, one])),
        refused,
      };
      process.stdout.write(`${JSON.stringify(json, undefined, 2)}\n`);
      return;
    }
    const more = files.names.length > LISTED_FILES ? ', …' : '';
    const lines = [
      `${version.model}@${version.version} on ${runtime}, ${number(byteSize)} bytes of weights`,
      `files: ${files.names.slice(0, LISTED_FILES).join(', ')}${more} (${files.names.length} of ${number(version.byteSize)} bytes)`,
      ...(Object.keys(serving).length > 0 ? [`serving.json: ${JSON.stringify(serving)}`] : []),
    ];
    print(lines);
    for (const signature of sorted(signatures)) print(['', ...describe(signature)]);
    for (const [name, reason] of Object.entries(refused))
      print(['', `signature_def['${name}'] cannot be run here: ${reason}`]);
  } finally {
    await model.dispose();
  }
}

/** Names in them come out of files. */
function print(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${printable(line)}\n`).join(''));
}

/** @throws as `signatureOf`. */
function chosen(model: Model, name: string | undefined, label: string): readonly Signature[] {
  return name === undefined ? Object.values(model.signatures) : [signatureOf(model, name, label)];
}

/** Source of the form: `saved_model_cli show --all`, https://github.com/tensorflow/tensorflow/blob/master/tensorflow/python/tools/saved_model_cli.py */
function describe({ name, inputs, outputs, method, examples: fed }: Signature): string[] {
  const lines = [
    `signature_def['${name}']:`,
    '  The given SavedModel SignatureDef contains the following input(s):',
    ...sorted(inputs).flatMap((spec) => describeTensor('inputs', spec)),
    '  The given SavedModel SignatureDef contains the following output(s):',
    ...sorted(outputs).flatMap((spec) => describeTensor('outputs', spec)),
    ...(method === undefined ? [] : [`  Method name is: ${method}`]),
  ];
  if (fed !== undefined) {
    const known = fed.features === undefined ? ', of features that nobody tells' : ' of the following feature(s):';
    lines.push(`  Its input ${fed.input} takes serialized tf.Examples${known}`);
    lines.push(...(fed.features ?? []).flatMap(describeFeature));
  }
  return lines;
}

/** As there, by name; --format json keeps the model's own order. */
function sorted<T extends { readonly name: string }>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => compareUtf8(a.name, b.name));
}

function describeTensor(kind: string, { name, dtype, shape }: TensorSpec): string[] {
  return [
    `    ${kind}['${name}'] tensor_info:`,
    `        dtype: ${tensorFlowName(dtype)}`,
    `        shape: ${shapeText(shape)}`,
  ];
}

function describeFeature({ name, dtype, shape, optional }: FeatureSpec): string[] {
  const size = shape === null ? 'any number of values' : shapeText(shape);
  const lines = [`    features['${name}']:`, `        dtype: ${tensorFlowName(dtype)}`, `        shape: ${size}`];
  return optional && shape !== null ? [...lines, '        may be missing'] : lines;
}

function shapeText(shape: TensorSpec['shape']): string {
  return shape === null ? 'unknown_rank' : `(${shape.map((size) => size ?? -1).join(', ')})`;
}
