import { isAlias } from './graph-alias.ts';
import type { NodeDef } from './graph-def.ts';
import { dataInputs, type Graph } from './graph.ts';
import type { OpNode, Ref, Scope } from './graph-node.ts';

/**
 * TF1's loops: a frame of Enter, Merge, LoopCond, Switch, NextIteration and Exit nodes, the only legal cycle of a graph. A loop is taken for what
 * `While` is: values, a condition over them and a body that makes the next ones.
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/control_flow_ops.cc
 */
export interface Loop {
  /** The loop as one operation; its outputs are the values after the last round, in the order of `variables`. */
  readonly node: OpNode;
  readonly variables: readonly LoopVariable[];
  /** What Enter nodes bring in that stays the same. */
  readonly constants: readonly OpNode[];
  readonly condition: Ref;
}

export interface LoopVariable {
  readonly merge: OpNode;
  readonly initial: Ref;
  readonly next: Ref;
}

export const LOOP = '_Loop';

const EXIT = /^(Ref)?Exit$/;
const SWITCH = /^(Ref)?Switch$/;
const MERGE = /^(Ref)?Merge$/;
const ENTER = /^(Ref)?Enter$/;
const NEXT = /^(Ref)?NextIteration$/;

export class Loops {
  readonly #graph: Graph;
  readonly #byCondition = new Map<OpNode, Loop>();
  readonly #byNode = new Map<OpNode, Loop>();
  readonly #open = new Set<OpNode>();
  readonly #switches = new Map<Scope, Map<string, NodeDef[]>>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  isExit(node: OpNode): boolean {
    return EXIT.test(node.op);
  }

  /** The loop that a pseudo-operation stands for. */
  of(node: OpNode): Loop {
    return this.#byNode.get(node) ?? this.#graph.fail(`${node.name} is no loop`);
  }

  /** An Exit as an output of its loop. */
  exit(node: OpNode): Ref {
    const enter = this.#past(this.#graph.input(node, 0));
    if (!SWITCH.test(enter.node.op))
      return this.#graph.fail(`${node.name} leaves no loop: its input is ${enter.node.op}`);
    const condition = this.#past(this.#graph.input(enter.node, 1)).node;
    const merge = this.#past(this.#graph.input(enter.node, 0)).node;
    const loop = this.#loop(condition, node);
    const index = loop.variables.findIndex((variable) => variable.merge === merge);
    if (index < 0) return this.#graph.fail(`${node.name} leaves a loop that its value is not in`);
    return { node: loop.node, index };
  }

  /** The Switches that hand this variable to the loop's body. */
  switchesOf(loop: Loop, place: number): readonly OpNode[] {
    const condition = [...this.#byCondition].find(([, known]) => known === loop)?.[0];
    const merge = loop.variables[place]?.merge;
    if (condition === undefined) return [];
    return this.#switchesOf(condition).filter((node) => this.#past(this.#graph.input(node, 0)).node === merge);
  }

  #loop(condition: OpNode, exit: OpNode): Loop {
    const known = this.#byCondition.get(condition);
    if (known !== undefined) return known;
    if (condition.op !== 'LoopCond') return this.#graph.fail(`${exit.name} leaves a loop without a condition`);
    if (this.#open.has(condition)) return this.#graph.fail(`the loop of ${condition.name} is inside itself`);
    this.#open.add(condition);
    const variables: LoopVariable[] = [];
    const constants: OpNode[] = [];
    const seen = new Set<OpNode>();
    const first = this.#graph.input(condition, 0);
    const pending = [first.node, ...this.#switchesOf(condition)];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (seen.has(node)) continue;
      seen.add(node);
      if (ENTER.test(node.op)) constants.push(node);
      else if (this.isExit(node)) pending.push(...this.#before(this.exit(node).node));
      else {
        const variable = MERGE.test(node.op) ? this.#variable(node) : undefined;
        if (variable === undefined) pending.push(...this.#graph.inputs(node).map((input) => input.node));
        else {
          variables.push(variable);
          pending.push(variable.next.node);
        }
      }
    }
    const node: OpNode = { ...condition, name: `${condition.name}/loop`, op: LOOP, id: this.#graph.nextId() };
    const loop = { node, variables, constants, condition: first };
    this.#byCondition.set(condition, loop);
    this.#byNode.set(node, loop);
    this.#open.delete(condition);
    return loop;
  }

  /** What stands before an inner loop. */
  #before(node: OpNode): readonly OpNode[] {
    const { variables, constants } = this.of(node);
    return [
      ...variables.map(({ initial }) => initial.node),
      ...constants.map((enter) => this.#graph.input(enter, 0).node),
    ];
  }

  /** A Merge of what enters the loop and what the round before made; undefined for one of branches. */
  #variable(merge: OpNode): LoopVariable | undefined {
    const inputs = this.#graph.inputs(merge).map((input) => this.#past(input).node);
    const enter = inputs.find((node) => ENTER.test(node.op));
    const next = inputs.find((node) => NEXT.test(node.op));
    if (enter === undefined || next === undefined) return undefined;
    return { merge, initial: this.#graph.input(enter, 0), next: this.#graph.input(next, 0) };
  }

  /** The frame's Switches: each holds a variable, even one that nobody in the loop reads. */
  #switchesOf(condition: OpNode): OpNode[] {
    const { scope } = condition;
    let byInput = this.#switches.get(scope);
    if (byInput === undefined) {
      byInput = new Map();
      for (const def of scope.nodes.values()) {
        if (!SWITCH.test(def.op)) continue;
        const predicate = (dataInputs(def)[1] ?? '').split(':')[0] ?? '';
        byInput.set(predicate, [...(byInput.get(predicate) ?? []), def]);
      }
      this.#switches.set(scope, byInput);
    }
    return (byInput.get(condition.def.name) ?? []).map((def) => this.#graph.node(scope, def));
  }

  #past(ref: Ref): Ref {
    let at = ref;
    for (let steps = 0; isAlias(at.node) && steps < 1000; steps++) at = this.#graph.input(at.node, at.index);
    return at;
  }
}
