import { PermanentError } from '../../errors.ts';
import { listOf } from '../../formats/row-error.ts';
import type { TensorSpec } from '../../tensor.ts';
import { DEFAULT_SIGNATURE } from '../model.ts';
import type { Model, Signature } from '../model.ts';
import { signatureOf } from '../signature-of.ts';
import { describeType, mergeShapes, rowShapeOf } from '../spec.ts';
import type { RowType } from '../spec.ts';
import { combination } from './combine.ts';
import type { Combination } from './combine.ts';
import { mergeExamples } from './merge-examples.ts';
import { stepsBefore } from './order-steps.ts';
import { INSTANCE_SOURCE, parseReference } from './pipeline-schema.ts';
import type { OutputSpec, PipelineSpec, Reference, StepSpec } from './pipeline-schema.ts';

/** A step with its model. */
export interface LoadedStep {
  readonly spec: StepSpec;
  readonly model: Model;
  /** What its serving.json says. */
  readonly defaultSignature: string | undefined;
}

/** A step, ready to run. */
export interface PlannedStep {
  readonly name: string;
  readonly model: Model;
  readonly signature: Signature;
  readonly sources: readonly { readonly input: string; readonly from: Reference }[];
  /** The steps that must have run. */
  readonly after: ReadonlySet<string>;
}

export interface PlannedOutput {
  readonly name: string;
  readonly from: readonly Reference[];
  /** Undefined: the only source as it is. */
  readonly combine: Combination | undefined;
}

/** A pipeline whose steps fit together. */
export interface PipelinePlan {
  readonly signature: Signature;
  /** Each after those it needs. */
  readonly steps: readonly PlannedStep[];
  readonly outputs: readonly PlannedOutput[];
}

interface Field extends RowType {
  /** Who says so, for messages. */
  readonly by: string;
}

/**
 * Checks that names, dtypes and shapes fit, and infers the pipeline's own inputs from what its steps take of the instance.
 * @param order the steps, each after those it needs.
 * @throws PermanentError INVALID_ARGUMENT naming the step or output.
 */
export function planPipeline(
  spec: PipelineSpec,
  order: readonly StepSpec[],
  loaded: ReadonlyMap<string, LoadedStep>,
): PipelinePlan {
  const fields = new Map<string, Field>();
  for (const [name, type] of Object.entries(spec.instance ?? {})) fields.set(name, { ...type, by: '"instance"' });
  const made = new Map<string, ReadonlyMap<string, RowType>>();
  const steps: PlannedStep[] = [];
  for (const stepSpec of order) {
    const step = loaded.get(stepSpec.name);
    if (step !== undefined) steps.push(planStep(step, fields, made));
  }
  const outputs = Object.entries(spec.outputs).map(([name, output]) => planOutput(name, output, fields, made));
  const examples = mergeExamples(steps);
  const signature: Signature = {
    name: DEFAULT_SIGNATURE,
    inputs: [...fields].map(([name, type]) => specOf(name, type)),
    outputs: outputs.map(({ planned, type }) => specOf(planned.name, type)),
    ...(examples && { examples }),
  };
  return { signature, steps, outputs: outputs.map(({ planned }) => planned) };
}

function planStep(
  { spec, model, defaultSignature }: LoadedStep,
  fields: Map<string, Field>,
  made: Map<string, ReadonlyMap<string, RowType>>,
): PlannedStep {
  const who = `step "${spec.name}"`;
  const signature = chooseSignature(who, model, spec.signature ?? defaultSignature);
  const { inputs = {} } = spec;
  for (const name of Object.keys(inputs)) {
    if (!signature.inputs.some((input) => input.name === name)) {
      throw invalid(
        `${who}: the model has no input "${name}"; it has ${listOf(signature.inputs.map((input) => input.name))}`,
      );
    }
  }
  const sources = signature.inputs.map((input) => {
    const text = Object.hasOwn(inputs, input.name) ? inputs[input.name] : undefined;
    const from = text === undefined ? { step: INSTANCE_SOURCE, name: input.name } : parseReference(text);
    const wanted = { dtype: input.dtype, shape: rowShapeOf(input) };
    if (from.step === INSTANCE_SOURCE) takeField(fields, from.name, wanted, `${who}, input "${input.name}"`);
    else checkSource(`${who}: input "${input.name}"`, from, outputOf(who, from, made), wanted);
    return { input: input.name, from };
  });
  made.set(
    spec.name,
    new Map(signature.outputs.map((output) => [output.name, { dtype: output.dtype, shape: rowShapeOf(output) }])),
  );
  return { name: spec.name, model, signature, sources, after: stepsBefore(spec) };
}

function chooseSignature(who: string, model: Model, wanted: string | undefined): Signature {
  const all = Object.values(model.signatures);
  const name = wanted ?? (all.length === 1 ? all[0]?.name : undefined) ?? DEFAULT_SIGNATURE;
  return signatureOf(model, name, `${who}: the model`, 'INVALID_ARGUMENT');
}

/** What several steps take of one field must agree. */
function takeField(fields: Map<string, Field>, name: string, wanted: RowType, by: string): void {
  const there = fields.get(name);
  const shape = there === undefined ? wanted.shape : mergeShapes(there.shape, wanted.shape);
  if (shape === undefined || (there !== undefined && there.dtype !== wanted.dtype)) {
    const other = there === undefined ? '' : `; ${there.by} takes it as ${describeType(there)}`;
    throw invalid(`${by} takes field "${name}" of the instance as ${describeType(wanted)}${other}`);
  }
  fields.set(name, { dtype: wanted.dtype, shape, by: there?.by ?? by });
}

function planOutput(
  name: string,
  spec: OutputSpec,
  fields: ReadonlyMap<string, Field>,
  made: ReadonlyMap<string, ReadonlyMap<string, RowType>>,
): { planned: PlannedOutput; type: RowType } {
  const who = `output "${name}"`;
  const texts = typeof spec === 'string' ? [spec] : 'mean' in spec ? spec.mean : spec.vote;
  const from = texts.map(parseReference);
  const types = from.map((source) => {
    if (source.step !== INSTANCE_SOURCE) return outputOf(who, source, made);
    const field = fields.get(source.name);
    if (field !== undefined) return field;
    throw invalid(
      `${who}: no step takes field "${source.name}" of the instance: say its type, "instance": {"${source.name}": {"dtype": "string", "shape": []}}`,
    );
  });
  const combine = typeof spec === 'string' ? undefined : combination(spec);
  const [first] = types;
  if (first === undefined) throw invalid(`${who} has no source`);
  return { planned: { name, from, combine }, type: combine === undefined ? first : combine.type(who, types) };
}

function outputOf(who: string, from: Reference, made: ReadonlyMap<string, ReadonlyMap<string, RowType>>): RowType {
  const outputs = made.get(from.step);
  if (outputs === undefined) {
    throw invalid(`${who}: there is no step "${from.step}"; there are ${listOf([...made.keys()])}`);
  }
  const type = outputs.get(from.name);
  if (type !== undefined) return type;
  throw invalid(`${who}: step "${from.step}" has no output "${from.name}"; it has ${listOf([...outputs.keys()])}`);
}

function checkSource(who: string, from: Reference, found: RowType, wanted: RowType): void {
  if (found.dtype === wanted.dtype && mergeShapes(found.shape, wanted.shape) !== undefined) return;
  throw invalid(
    `${who} takes ${describeType(wanted)} a row, and ${from.step}.${from.name} is ${describeType(found)}: preprocess in the step's serving.json can change it`,
  );
}

function specOf(name: string, { dtype, shape }: RowType): TensorSpec {
  return { name, dtype, shape: shape === null ? null : [null, ...shape] };
}

function invalid(message: string): PermanentError {
  return new PermanentError('INVALID_ARGUMENT', message);
}
