import { messageOf, PermanentError } from '../../errors.ts';
import type { ErrorInfo } from '../../errors.ts';
import { batchDimension, padRows, toRows } from '../../tensor-rows.ts';
import type { Tensor, Tensors } from '../../tensor.ts';
import { ModelLostError } from '../model-lost-error.ts';
import type { Model, Signature } from '../model.ts';
import { scoreInChunks } from '../row-chunks.ts';
import { RowFailures } from '../row-failures.ts';
import { INSTANCE_SOURCE } from './pipeline-schema.ts';
import type { PipelinePlan, PlannedOutput, PlannedStep } from './plan-pipeline.ts';

/** Several models as one: every batch goes once through all steps, those that do not need each other at the same time. */
export class PipelineModel implements Model {
  readonly runtime: string;
  readonly byteSize: number;
  readonly signatures: Readonly<Record<string, Signature>>;
  readonly #plan: PipelinePlan;
  readonly #models: ReadonlySet<Model>;

  constructor(plan: PipelinePlan) {
    this.#plan = plan;
    this.#models = new Set(plan.steps.map(({ model }) => model));
    this.signatures = { [plan.signature.name]: plan.signature };
    this.runtime = `pipeline (${[...new Set(plan.steps.map(({ model }) => model.runtime))].join(', ')})`;
    this.byteSize = [...this.#models].reduce((sum, { byteSize }) => sum + byteSize, 0);
  }

  async predict(signature: string, inputs: Tensors): Promise<Tensors> {
    if (signature !== this.#plan.signature.name) {
      throw new PermanentError(
        'INVALID_ARGUMENT',
        `the pipeline has no signature ${signature}; it has ${this.#plan.signature.name}`,
      );
    }
    const rows = Object.values(inputs)[0]?.shape[0] ?? 1;
    const done = new Map<string, Promise<Tensors>>([[INSTANCE_SOURCE, Promise.resolve(inputs)]]);
    for (const step of this.#plan.steps) done.set(step.name, runStep(step, done, rows));
    throwFailures(await Promise.allSettled(done.values()));
    const values = new Map<string, Tensors>();
    for (const [name, outputs] of done) values.set(name, await outputs);
    return Object.fromEntries(this.#plan.outputs.map((output) => [output.name, makeOutput(output, values)]));
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#models].map((model) => model.dispose()));
  }
}

async function runStep(step: PlannedStep, done: ReadonlyMap<string, Promise<Tensors>>, rows: number): Promise<Tensors> {
  const values = new Map<string, Tensors>();
  for (const name of [INSTANCE_SOURCE, ...step.after]) values.set(name, (await done.get(name)) ?? {});
  const inputs = Object.fromEntries(step.sources.map(({ input, from }) => [input, valueOf(values, from)]));
  try {
    return await scoreStep(step, inputs, rows);
  } catch (error) {
    throw inStep(step.name, error, rows);
  }
}

/** Gives the model its batches: as many rows as it takes, the last ones filled up. */
async function scoreStep({ model, signature }: PlannedStep, inputs: Tensors, rows: number): Promise<Tensors> {
  const fixed = batchDimension(signature);
  return scoreInChunks(inputs, rows, fixed ?? rows, async (chunk, count) => {
    const padded = fixed === undefined ? chunk : padRows(signature, chunk, count, fixed);
    return toRows(await model.predict(signature.name, padded), count, fixed ?? count);
  });
}

function makeOutput({ name, from, combine }: PlannedOutput, values: ReadonlyMap<string, Tensors>): Tensor {
  const tensors = from.map((source) => valueOf(values, source));
  const [first] = tensors;
  if (combine === undefined && first !== undefined) return first;
  try {
    return (combine as NonNullable<typeof combine>).run(tensors);
  } catch (error) {
    throw new Error(`output "${name}": ${messageOf(error)}`, { cause: error });
  }
}

function valueOf(
  values: ReadonlyMap<string, Tensors>,
  { step, name }: { readonly step: string; readonly name: string },
): Tensor {
  const tensor = values.get(step)?.[name];
  if (tensor === undefined) throw new Error(`${step}.${name} is missing`);
  return tensor;
}

/** What all steps failed of, together where each knows its rows. A step that waited for another has that one's error. */
function throwFailures(steps: readonly PromiseSettledResult<unknown>[]): void {
  const failures = new Map<number, ErrorInfo>();
  for (const step of steps) {
    if (step.status === 'fulfilled') continue;
    const { reason } = step as { readonly reason: unknown };
    if (!(reason instanceof RowFailures)) throw reason;
    for (const [row, info] of reason.failures) if (!failures.has(row)) failures.set(row, info);
  }
  if (failures.size > 0) throw new RowFailures(failures);
}

/** The error with its step's name; what a step has scored beside its failed rows is not the pipeline's. */
function inStep(name: string, error: unknown, rows: number): unknown {
  const message = `step "${name}": ${messageOf(error)}`;
  if (error instanceof RowFailures) {
    const own = [...error.failures].filter(([row]) => row < rows);
    return new RowFailures(
      new Map(own.map(([row, info]) => [row, { ...info, message: `step "${name}": ${info.message}` }])),
    );
  }
  if (error instanceof ModelLostError) return new ModelLostError(message, { cause: error });
  if (error instanceof PermanentError) return new PermanentError(error.status, message, { cause: error });
  return new Error(message, { cause: error });
}
