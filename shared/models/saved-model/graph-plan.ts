import type { AttrValue } from './graph-def.ts';
import type { OpNode } from './graph-node.ts';

/** A body — a signature's graph, a function of control flow, a loop's — as it runs: values in slots, and the order of work on them. */
export interface Plan {
  /** How many values there are. */
  readonly slots: number;
  /** The slots of the arguments, each by its place; several where one argument is known by several names; none where nobody reads it. */
  readonly args: readonly (readonly number[])[];
  readonly sources: readonly Source[];
  readonly stages: readonly Stage[];
  readonly outputs: readonly number[];
}

/** A value that is there before anything runs. */
export type Source =
  | { readonly kind: 'constant'; readonly slot: number; readonly node: OpNode }
  | {
      readonly kind: 'variable';
      readonly slot: number;
      readonly node: OpNode;
      readonly key: string;
      readonly slice: string;
    }
  /** The variable itself, as loops and branches get it. */
  | {
      readonly kind: 'handle';
      readonly slot: number;
      readonly node: OpNode;
      readonly key: string;
      readonly slice: string;
    }
  | { readonly kind: 'table'; readonly slot: number; readonly node: OpNode };

/** First the segment, then the steps in their order. */
export interface Stage {
  readonly segment: Segment | undefined;
  readonly steps: readonly Step[];
}

/** Operations that TensorFlow.js's graph executor runs in one go. */
export interface Segment {
  readonly nodes: readonly PlannedNode[];
  /** Slots that it reads and does not make. */
  readonly feeds: readonly number[];
  /** Slots that somebody else reads. */
  readonly results: readonly number[];
}

/** An operation that runs by itself: one of ours, or control flow. */
export interface Step extends PlannedNode {
  /** Of control flow: its branches, or its condition and its body. */
  readonly plans: readonly Plan[];
  /** Places of the outputs that nobody reads. */
  readonly unread: readonly number[];
}

export interface PlannedNode {
  readonly name: string;
  readonly op: string;
  readonly node: OpNode;
  /** With the defaults that exporters leave out. */
  readonly attrs: ReadonlyMap<string, AttrValue>;
  readonly inputs: readonly number[];
  readonly inputTypes: readonly (number | undefined)[];
  readonly outputs: readonly number[];
  readonly outputTypes: readonly (number | undefined)[];
}

/** The plan and all plans that its control flow runs. */
export function plansOf(plan: Plan): ReadonlySet<Plan> {
  const all = new Set<Plan>();
  const pending = [plan];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (all.has(next)) continue;
    all.add(next);
    for (const { steps } of next.stages) for (const step of steps) pending.push(...step.plans);
  }
  return all;
}
