import type * as tfc from '@tensorflow/tfjs-core';
import { PermanentError } from '../../errors.ts';
import { LOOP } from './graph-loop.ts';
import type { Plan } from './graph-plan.ts';
import { intAttr } from './graph-node.ts';
import { numberInput, tensorInput, tensorsOf, type Kernel, type StepRun, type Value } from './run-value.ts';
import { DT } from './graph-def.ts';

/** Control flow. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/functional_ops.cc and control_flow_ops.cc */

/** Elements of each value that a failed Assert tells, where it does not say. */
const SUMMARIZE = 3;

/** Rounds of one loop. What is made of sequences takes some thousands; a loop without end would never give its thread back. */
const MAX_ROUNDS = 250_000;

/** Which row of a batch keeps a loop going, nobody knows. */
export class EndlessLoopError extends Error {
  override readonly name = 'EndlessLoopError';

  constructor(node: string) {
    super(`the loop ${node} has not ended after ${MAX_ROUNDS.toLocaleString('en')} rounds`);
  }
}

const branch: Kernel = (run) => {
  const [then, otherwise] = run.step.plans;
  return run.run((isTrue(run, 0) ? then : otherwise) as Plan, run.inputs.slice(1));
};

const chooseBranch: Kernel = (run) => {
  const { plans } = run.step;
  const index = numberInput(run, 0);
  // Out of range means the last branch.
  const plan = plans[index >= 0 && index < plans.length ? index : plans.length - 1] as Plan;
  return run.run(plan, run.inputs.slice(1));
};

/** All of its values change with each round. */
const loopFunctions: Kernel = (run) => loop(run, run.inputs.length);

/** Constants of the frame stand after the values. */
const loopFrame: Kernel = async (run) => loop(run, run.step.outputs.length);

async function loop(run: StepRun, variables: number): Promise<readonly Value[]> {
  const [condition, body] = run.step.plans as [Plan, Plan];
  const constants = run.inputs.slice(variables);
  let values: readonly Value[] = run.inputs.slice(0, variables);
  const given = new Set(run.inputs.flatMap(tensorsOf));
  for (let round = 0; ; round++) {
    if (round === MAX_ROUNDS) throw new EndlessLoopError(run.step.name);
    const args = [...values, ...constants];
    const next = await inScope(run, async () => {
      const [goesOn] = await run.run(condition, args);
      return tensorsOf(goesOn)[0]?.dataSync()[0] ? run.run(body, args) : undefined;
    });
    if (next === undefined) return values;
    disposeOf(values, next, given);
    values = next;
  }
}

/** What a round makes and does not hand on is disposed of with it. */
async function inScope(
  { tf }: StepRun,
  work: () => Promise<readonly Value[] | undefined>,
): Promise<readonly Value[] | undefined> {
  tf.engine().startScope();
  let kept: tfc.Tensor[] = [];
  try {
    const values = await work();
    kept = values?.flatMap(tensorsOf) ?? [];
    return values;
  } finally {
    tf.engine().endScope(kept);
  }
}

/** Disposes of the round before, but for what came from outside, goes on, or is a weight. Lists share their elements: they stay. */
function disposeOf(before: readonly Value[], after: readonly Value[], given: ReadonlySet<tfc.Tensor>): void {
  const used = new Set(after.flatMap(tensorsOf));
  for (const value of before) {
    const [tensor] = tensorsOf(value);
    if (tensor === undefined || tensor !== value) continue;
    if (!used.has(tensor) && !given.has(tensor) && !tensor.kept && !tensor.isDisposed) tensor.dispose();
  }
}

const switchTo: Kernel = (run) => (isTrue(run, 1) ? [undefined, run.inputs[0]] : [run.inputs[0], undefined]);

const merge: Kernel = ({ tf, inputs }) => {
  const index = inputs.findIndex((value) => value !== undefined);
  return index < 0 ? [] : [inputs[index], tf.scalar(index, 'int32')];
};

/** @throws PermanentError INVALID_ARGUMENT in TensorFlow's words. */
const assert: Kernel = (run) => {
  if (isTrue(run, 0)) return [];
  const summarize = intAttr(run.step.attrs, 'summarize', SUMMARIZE);
  const told = run.inputs.slice(1).map((_, i) => {
    const tensor = tensorInput(run, i + 1);
    const ids = Array.from(tensor.dataSync<'int32'>().subarray(0, summarize < 0 ? undefined : summarize));
    const values = run.step.inputTypes[i + 1] === DT.STRING ? run.strings.elements(ids) : ids;
    return tensor.rank === 0
      ? String(values[0])
      : `[${values.map(String).join(' ')}${tensor.size > values.length ? '...' : ''}]`;
  });
  throw new PermanentError('INVALID_ARGUMENT', `assertion failed: [${told.join('] [')}]`);
};

/** TensorFlow takes any tensor for a condition: a number that is not 0, a string that is not empty. */
function isTrue(run: StepRun, n: number): boolean {
  const tensor = tensorInput(run, n);
  return tensor.rank === 0
    ? tensor.dataSync()[0] !== 0 && tensor.dataSync()[0] !== undefined && Boolean(tensor.dataSync()[0])
    : tensor.size > 0;
}

export const CONTROL_KERNELS: Readonly<Record<string, Kernel>> = {
  If: branch,
  StatelessIf: branch,
  Case: chooseBranch,
  StatelessCase: chooseBranch,
  While: loopFunctions,
  StatelessWhile: loopFunctions,
  [LOOP]: loopFrame,
  Switch: switchTo,
  RefSwitch: switchTo,
  Merge: merge,
  RefMerge: merge,
  Assert: assert,
};
