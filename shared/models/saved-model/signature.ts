import { PermanentError } from '../../errors.ts';
import type { DType, TensorSpec } from '../../tensor.ts';
import type { Signature } from '../model.ts';
import { isAlias } from './graph-alias.ts';
import { DT, dataTypeName, valueType, type SignatureDef, type TensorInfo } from './graph-def.ts';
import { findEffects } from './graph-effects.ts';
import type { Graph } from './graph.ts';
import { refKey, typeAttr, type OpNode, type Ref } from './graph-node.ts';
import { plansOf, type Plan } from './graph-plan.ts';
import type { Planner } from './graph-planner.ts';
import { outputType } from './graph-op-defs.ts';
import { findExamples } from './signature-examples.ts';
import { toDType } from './signature-type.ts';

/** Integers beyond what is computed with: as floats they are only rounded. */
const WIDE: ReadonlySet<DType> = new Set<DType>(['int64', 'uint64', 'uint32']);

/** A signature that runs. */
export interface RunnableSignature {
  readonly signature: Signature;
  /** Its arguments are the inputs, in their order, and then once more as floats; its outputs those that are computed. */
  readonly plan: Plan;
  /** For each output: its place among the plan's, or the input that it is. */
  readonly outputs: readonly OutputFrom[];
  /** Names of the inputs that the plan reads; another's values may be what they like. */
  readonly used: ReadonlySet<string>;
  /** Names of integer inputs that it reads as floats. */
  readonly usedAsFloat: ReadonlySet<string>;
}

type OutputFrom =
  { readonly kind: 'computed'; readonly place: number } | { readonly kind: 'input'; readonly name: string };

interface Entry {
  readonly spec: TensorSpec;
  readonly type: number;
  readonly ref: Ref;
}

/**
 * A signature as a plan to run.
 * @throws PermanentError UNIMPLEMENTED where it needs what we lack, INVALID_ARGUMENT where the graph is none.
 */
export function planSignature(graph: Graph, planner: Planner, name: string, def: SignatureDef): RunnableSignature {
  const inputs = [...def.inputs].map(([key, info]) => toEntry(graph, 'input', key, info));
  const outputs = [...def.outputs].map(([key, info]) => toEntry(graph, 'output', key, info));
  const fed = new Map(inputs.map(({ ref, spec }) => [refKey(ref), spec.name]));
  const effects = findEffects(
    graph,
    outputs.map(({ ref }) => ref),
    (node) => fed.has(refKey({ node, index: 0 })),
  );
  const roots: Ref[] = [];
  const from = outputs.map(({ ref, spec }): OutputFrom => {
    const input = fedBy(graph, ref, fed);
    const same = inputs.find((entry) => entry.spec.name === input)?.spec.dtype === spec.dtype;
    return input !== undefined && same
      ? { kind: 'input', name: input }
      : { kind: 'computed', place: roots.push(ref) - 1 };
  });
  const args = inputs.map(({ ref, type, spec }, place) => ({
    refs: [ref],
    dtype: type,
    ...(WIDE.has(spec.dtype) && { asFloat: inputs.length + place }),
  }));
  const floats = inputs.map(() => ({ refs: [], dtype: DT.FLOAT }));
  const plan = planWith(effects.writes, () => planner.plan(roots, [...args, ...floats], effects.checks));
  refuseWrites(effects.writes.filter((write) => isFelt(graph, planner, plan, write)));
  const isRead = (place: number): boolean => (plan.args[place] ?? []).length > 0;
  const names = (from: number): Set<string> =>
    new Set(inputs.filter((_, place) => isRead(from + place)).map(({ spec }) => spec.name));
  const examples = findExamples(graph, plan, inputs);
  const signature: Signature = {
    name,
    inputs: inputs.map(({ spec }) => spec),
    outputs: outputs.map(({ spec }) => spec),
    ...(def.methodName !== '' && { method: def.methodName }),
    ...(examples !== undefined && { examples }),
  };
  return { signature, plan, outputs: from, used: names(0), usedAsFloat: names(inputs.length) };
}

function toEntry(graph: Graph, side: 'input' | 'output', name: string, info: TensorInfo): Entry {
  if (info.name === '') {
    const what = info.sparse === undefined ? 'a composite tensor' : 'a sparse tensor';
    throw new PermanentError('UNIMPLEMENTED', `the ${side} ${JSON.stringify(name)} is ${what}, which is not supported`);
  }
  const ref = graph.resolve(graph.top, info.name);
  const type = actualType(ref, info.dtype);
  const dtype = toDType(type);
  if (dtype === undefined) {
    const message = `the ${side} ${JSON.stringify(name)} is ${dataTypeName(type)}, which is not supported`;
    throw new PermanentError('UNIMPLEMENTED', message);
  }
  const shape = info.shape?.map((size) => (size < 0 ? null : size)) ?? null;
  return { spec: { name, dtype, shape }, type, ref };
}

/** What the graph says; signatures have been seen that say another. */
function actualType({ node, index }: Ref, declared: number): number {
  const found = /^Placeholder/.test(node.op) ? typeAttr(node.attrs, 'dtype') : outputType(node.op, node.attrs, index);
  return found !== undefined && toDType(found) !== undefined ? found : valueType(declared);
}

/** The input that the output is, untouched. */
function fedBy(graph: Graph, ref: Ref, fed: ReadonlyMap<number, string>): string | undefined {
  let at = ref;
  for (const seen = new Set<number>(); !seen.has(refKey(at));) {
    const input = fed.get(refKey(at));
    if (input !== undefined) return input;
    if (!isAlias(at.node)) return undefined;
    seen.add(refKey(at));
    at = graph.input(at.node, at.index);
  }
  return undefined;
}

/** What writes state is told first, as what reads it is mostly lacking too. */
function planWith(writes: readonly OpNode[], plan: () => Plan): Plan {
  try {
    return plan();
  } catch (error) {
    refuseWrites(writes);
    throw error;
  }
}

/** Whether the outputs may be made of what the operation writes. Layers that augment images count their calls, and read that in training only. */
function isFelt(graph: Graph, planner: Planner, plan: Plan, write: OpNode): boolean {
  const variable = planner.state.variableOf(graph.input(write, 0));
  if (variable === undefined) return true;
  return [...plansOf(plan)].some(({ sources }) => sources.some(({ node }) => node.name === variable.name));
}

function refuseWrites(writes: readonly OpNode[]): void {
  const [first] = writes;
  if (first === undefined) return;
  const what = `the operation ${first.op} (node ${JSON.stringify(first.name)})`;
  throw new PermanentError('UNIMPLEMENTED', `${what} keeps state from batch to batch; not supported`);
}
