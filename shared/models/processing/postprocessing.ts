import { listOf } from '../../formats/row-error.ts';
import type { Tensor, Tensors, TensorSpec } from '../../tensor.ts';
import type { ModelFiles, Signature } from '../model.ts';
import { rowShapeOf } from '../spec.ts';
import { buildOutputStep } from './output-steps.ts';
import { readLines } from './read-lines.ts';
import type { OutputStepSpec } from './schema.ts';
import { Misfit, within } from './value.ts';
import type { Failures } from './value.ts';

/** Postprocessing of one signature: from the model's outputs to those that callers get. */
export interface Postprocessing {
  readonly outputs: readonly TensorSpec[];
  run(outputs: Tensors, failures: Failures): Tensors;
}

type Change = (values: Map<string, Tensor>, failures: Failures) => void;

/**
 * @throws Misfit naming the step of serving.json, and as `readLines`.
 */
export async function compilePostprocessing(
  files: ModelFiles,
  signature: Signature,
  steps: readonly OutputStepSpec[],
): Promise<Postprocessing> {
  const specs = new Map(signature.outputs.map((spec) => [spec.name, spec]));
  const changes: Change[] = [];
  for (const [index, step] of steps.entries()) {
    changes.push(await within(`postprocess.${index} (${step.op})`, () => compileStep(files, specs, step)));
  }
  if (specs.size === 0) throw new Misfit('no output is left', ['postprocess']);
  return {
    outputs: [...specs.values()],
    run: (outputs, failures) => {
      const values = new Map(Object.entries(outputs));
      for (const change of changes) change(values, failures);
      return Object.fromEntries([...specs.keys()].map((name) => [name, valueAt(values, name)]));
    },
  };
}

/** What a step reads of the outputs that the model itself makes: those that no earlier step has made. */
export function outputsNeeded(steps: readonly OutputStepSpec[]): ReadonlySet<string> {
  const needed = new Set<string>();
  const made = new Set<string>();
  for (const step of steps) {
    for (const name of step.op === 'drop' ? step.outputs : [step.output]) if (!made.has(name)) needed.add(name);
    for (const name of madeBy(step)) made.add(name);
  }
  return needed;
}

function madeBy(step: OutputStepSpec): readonly string[] {
  if (step.op === 'drop') return [];
  if (step.op === 'topK') return [step.values, step.indices].filter((name) => name !== undefined);
  return [step.as ?? step.output];
}

async function compileStep(files: ModelFiles, specs: Map<string, TensorSpec>, step: OutputStepSpec): Promise<Change> {
  switch (step.op) {
    case 'drop': {
      for (const name of step.outputs) {
        requireOutput(specs, name);
        specs.delete(name);
      }
      return (values) => {
        for (const name of step.outputs) values.delete(name);
      };
    }
    case 'rename': {
      const spec = requireOutput(specs, step.output);
      requireFree(specs, step.as, step.output);
      replace(specs, step.output, new Map([[step.as, { ...spec, name: step.as }]]), true);
      return (values) => {
        replace(values, step.output, new Map([[step.as, valueAt(values, step.output)]]), true);
      };
    }
    default: {
      const spec = requireOutput(specs, step.output);
      const labels = step.op === 'labels' ? (step.values ?? (await readLines(files, step.file ?? ''))) : [];
      const ready = buildOutputStep(step, labels);
      const types = ready.outputTypes({ dtype: spec.dtype, shape: rowShapeOf(spec) });
      for (const name of types.keys()) requireFree(specs, name, step.output);
      const made = [...types].map(([name, { dtype, shape }]): [string, TensorSpec] => {
        if (shape === null) return [name, { name, dtype, shape }];
        return [name, { name, dtype, shape: spec.shape?.length === 0 ? [] : [spec.shape?.[0] ?? null, ...shape] }];
      });
      replace(specs, step.output, new Map(made), false);
      return (values, failures) => {
        replace(values, step.output, ready.run(valueAt(values, step.output), failures), false);
      };
    }
  }
}

function requireOutput(specs: ReadonlyMap<string, TensorSpec>, name: string): TensorSpec {
  const spec = specs.get(name);
  if (spec === undefined) throw new Misfit(`there is no output "${name}" here; there are ${listOf([...specs.keys()])}`);
  return spec;
}

function requireFree(specs: ReadonlyMap<string, unknown>, name: string, replaced: string): void {
  if (name !== replaced && specs.has(name))
    throw new Misfit(`there is an output "${name}" already: choose another name`);
}

/** What is made goes to the place of its output where it has its name (or `away` says that the output goes), else to the end. */
function replace<T>(map: Map<string, T>, output: string, made: ReadonlyMap<string, T>, away: boolean): void {
  const entries = [...map];
  map.clear();
  for (const [name, value] of entries) {
    if (name !== output) map.set(name, value);
    else if (away) for (const [other, changed] of made) map.set(other, changed);
    else map.set(name, made.get(name) ?? value);
  }
  for (const [name, value] of made) if (!map.has(name)) map.set(name, value);
}

function valueAt(values: ReadonlyMap<string, Tensor>, name: string): Tensor {
  const tensor = values.get(name);
  if (tensor === undefined) throw new Error(`the model returned no output "${name}"`);
  return tensor;
}
