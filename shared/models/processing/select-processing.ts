import { listOf } from '../../formats/row-error.ts';
import type { Model, Signature } from '../model.ts';
import { outputsNeeded } from './postprocessing.ts';
import type { FeedSpec, OutputStepSpec, Processing, SignatureProcessing } from './schema.ts';
import { Misfit } from './value.ts';

/** What is declared for a signature: its own section, else what the top level says of its inputs and outputs. */
export function processingOf(processing: Processing, signature: Signature): SignatureProcessing | undefined {
  const { preprocess = {}, postprocess = [], signatures = {} } = processing;
  if (Object.hasOwn(signatures, signature.name)) return signatures[signature.name];
  const feeds = Object.entries(preprocess).filter(([name]) => signature.inputs.some((input) => input.name === name));
  const after = postprocess.length > 0 && hasOutputs(signature, postprocess);
  if (feeds.length === 0 && !after) return undefined;
  return { preprocess: Object.fromEntries(feeds), postprocess: after ? postprocess : [] };
}

/** Checks that every name is of something that the model has. @throws Misfit */
export function checkNames(model: Model, { preprocess = {}, postprocess = [], signatures = {} }: Processing): void {
  const all = Object.values(model.signatures);
  for (const [name, own] of Object.entries(signatures)) {
    if (!Object.hasOwn(model.signatures, name)) {
      throw new Misfit(`the model has no signature "${name}"; it has ${listOf(Object.keys(model.signatures))}`, [
        'signatures',
      ]);
    }
    checkInputs(
      all.filter((signature) => signature.name === name),
      own.preprocess ?? {},
      ['signatures', name, 'preprocess'],
    );
  }
  const others = all.filter(({ name }) => !Object.hasOwn(signatures, name));
  checkInputs(others, preprocess, ['preprocess']);
  if (postprocess.length > 0 && !others.some((signature) => hasOutputs(signature, postprocess))) {
    const wanted = listOf([...outputsNeeded(postprocess)]);
    const found = others.map(({ name, outputs }) => `${name} has ${listOf(outputs.map((output) => output.name))}`);
    throw new Misfit(`no signature has the outputs ${wanted}: ${found.join('; ')}`, ['postprocess']);
  }
}

function hasOutputs(signature: Signature, steps: readonly OutputStepSpec[]): boolean {
  return outputsNeeded(steps).isSubsetOf(new Set(signature.outputs.map(({ name }) => name)));
}

function checkInputs(
  signatures: readonly Signature[],
  feeds: Readonly<Record<string, FeedSpec>>,
  path: readonly string[],
): void {
  const inputs = new Set(signatures.flatMap((signature) => signature.inputs.map(({ name }) => name)));
  for (const name of Object.keys(feeds)) {
    if (!inputs.has(name)) throw new Misfit(`the model has no input "${name}"; it has ${listOf([...inputs])}`, path);
  }
}
