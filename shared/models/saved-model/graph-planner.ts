import { PermanentError } from '../../errors.ts';
import { isAlias } from './graph-alias.ts';
import { DT } from './graph-def.ts';
import { assertsOf, controlFlowFunctions } from './graph-effects.ts';
import { LOOP, Loops } from './graph-loop.ts';
import type { Graph } from './graph.ts';
import { ARG, refKey, refName, typeAttr, type OpNode, type Ref } from './graph-node.ts';
import { allAttrs, outputCount, outputType } from './graph-op-defs.ts';
import type { Plan, PlannedNode, Source, Step } from './graph-plan.ts';
import { toStages } from './graph-stages.ts';
import type { State } from './graph-state.ts';
import { computedType, isPlain } from './graph-support.ts';

/** Of a VarHandleOp output 0 is the handle; what it holds is this one. */
const VALUE = 1;
const HANDLES = 'VarHandleOp';
/** They commute with a cast. */
const RESHAPES = new Set(['ExpandDims', 'Reshape', 'Slice', 'Squeeze', 'StridedSlice', 'Tile', 'Transpose']);
const FLOAT = { kind: 'type', value: DT.FLOAT } as const;

/** An argument of a body: what it is in the graph, of which there may be several names. */
export interface Argument {
  readonly refs: readonly Ref[];
  readonly dtype: number | undefined;
  /** Another argument, the same values as floats: where the graph casts this one to floats, it takes that one. */
  readonly asFloat?: number;
}

/** Plans bodies; each function of control flow once. */
export class Planner {
  readonly #graph: Graph;
  readonly #state: State;
  readonly #isStep: (op: string) => boolean;
  readonly #loops: Loops;
  readonly #functions = new Map<string, Plan>();
  readonly #open = new Set<string>();

  /** @param isStep whether we have an operation of this name. */
  constructor(graph: Graph, state: State, isStep: (op: string) => boolean) {
    this.#graph = graph;
    this.#state = state;
    this.#isStep = isStep;
    this.#loops = new Loops(graph);
  }

  /**
   * @param roots what the body returns.
   * @param checks operations that must run though nobody reads what they make.
   * @throws PermanentError UNIMPLEMENTED naming the operation and node that cannot run, INVALID_ARGUMENT where the graph is none.
   */
  plan(roots: readonly Ref[], args: readonly Argument[], checks: readonly OpNode[] = []): Plan {
    return new BodyPlanner(this, args).plan(roots, checks);
  }

  /** The plans of the functions that a node of control flow runs. */
  functionPlan(name: string): Plan {
    const known = this.#functions.get(name);
    if (known !== undefined) return known;
    if (this.#open.has(name)) return this.#graph.fail(`the function ${name} runs itself, by control flow`);
    this.#open.add(name);
    try {
      const plan = this.#planFunction(name);
      this.#functions.set(name, plan);
      return plan;
    } finally {
      this.#open.delete(name);
    }
  }

  #planFunction(name: string): Plan {
    const body = this.#graph.body(name);
    const args = this.#graph.args(body).map((ref, i) => ({ refs: [ref], dtype: body.fn?.inputs[i]?.type }));
    return this.plan(this.#graph.returns(body), args, assertsOf(this.#graph, body));
  }

  get graph(): Graph {
    return this.#graph;
  }

  get state(): State {
    return this.#state;
  }

  get loops(): Loops {
    return this.#loops;
  }

  isStep(op: string): boolean {
    return this.#isStep(op);
  }
}

class BodyPlanner {
  readonly #planner: Planner;
  readonly #graph: Graph;
  readonly #args: readonly Argument[];
  readonly #feeds = new Map<number, number>();
  readonly #floats = new Map<number, Ref>();
  readonly #floatArguments: { readonly ref: Ref; readonly place: number }[] = [];
  readonly #slots = new Map<number, number>();
  readonly #types: (number | undefined)[] = [];
  readonly #sources: Source[] = [];
  readonly #order: { node: OpNode; planned: PlannedNode | Step }[] = [];
  readonly #done = new Set<OpNode>();

  constructor(planner: Planner, args: readonly Argument[]) {
    this.#planner = planner;
    this.#graph = planner.graph;
    this.#args = args;
    args.forEach(({ refs }, place) => {
      for (const ref of refs) this.#feeds.set(refKey(ref), place);
    });
  }

  plan(roots: readonly Ref[], checks: readonly OpNode[]): Plan {
    const outputs = roots.map((ref) => this.#canonical(ref));
    this.#visit(outputs);
    for (const check of checks) this.#visitCheck(check);
    // Slots of outputs first exist here where they are arguments that nothing else reads.
    const slots = outputs.map((ref) => this.#slot(ref));
    const nodes = this.#order.map(({ planned }) => planned);
    const stages = toStages(nodes, slots, (node) =>
      isPlain(node.op, [...node.inputTypes, ...node.outputTypes], node.attrs),
    );
    const args = this.#args.map(({ refs }, place) =>
      [...refs, ...this.#floatArguments.filter((float) => float.place === place).map(({ ref }) => ref)]
        .map((ref) => this.#slots.get(refKey(ref)))
        .filter((slot) => slot !== undefined),
    );
    return { slots: this.#types.length, args, sources: this.#sources, stages, outputs: slots };
  }

  /** A check that cannot run here is left out: it would only tell what is wrong with the data. */
  #visitCheck(check: OpNode): void {
    const order = this.#order.length;
    const done = [...this.#done];
    try {
      this.#visit([{ node: check, index: 0 }]);
    } catch (error) {
      if (!(error instanceof PermanentError) || error.status !== 'UNIMPLEMENTED') throw error;
      this.#order.length = order;
      this.#done.clear();
      for (const node of done) this.#done.add(node);
    }
  }

  /** Nodes after what they need, without recursion: graphs are deep. */
  #visit(roots: readonly Ref[]): void {
    const open = new Set<OpNode>();
    const stack = roots.filter((ref) => !this.#feeds.has(refKey(ref))).map(({ node }) => node);
    for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
      if (this.#done.has(node) || this.#isGiven(node)) {
        stack.pop();
        continue;
      }
      const inputs = this.#inputs(node);
      if (!open.has(node)) {
        open.add(node);
        for (const { node: before, index } of inputs) {
          if (this.#feeds.has(refKey({ node: before, index })) || this.#done.has(before) || this.#isGiven(before))
            continue;
          if (open.has(before)) this.#graph.fail(`the graph goes in a circle at ${before.name} (${before.op})`);
          stack.push(before);
        }
        continue;
      }
      stack.pop();
      open.delete(node);
      this.#done.add(node);
      this.#order.push({ node, planned: this.#planned(node, inputs) });
    }
  }

  #planned(node: OpNode, inputs: readonly Ref[]): PlannedNode | Step {
    const attrs = allAttrs(node.op, node.attrs);
    const inputSlots = inputs.map((ref) => this.#slot(ref));
    const inputTypes = inputs.map((ref) => this.#type(ref));
    const count = node.op === LOOP ? this.#planner.loops.of(node).variables.length : outputCount(node.op, node.attrs);
    const outputTypes = Array.from({ length: count }, (_, index) => this.#type({ node, index }));
    const outputs = outputTypes.map((_, index) => this.#slot({ node, index }));
    const planned = {
      name: node.name,
      op: node.op,
      node,
      attrs,
      inputs: inputSlots,
      inputTypes,
      outputs,
      outputTypes,
    };
    if (node.op === LOOP) return { ...planned, plans: this.#loopPlans(node), unread: [] };
    if (isPlain(node.op, [...inputTypes, ...outputTypes], attrs)) return planned;
    if (!this.#planner.isStep(node.op)) throw this.#refusal(node, [...inputTypes, ...outputTypes].includes(DT.STRING));
    const plans = controlFlowFunctions(node.def).map((name) => this.#planner.functionPlan(name));
    return { ...planned, plans, unread: [] };
  }

  #loopPlans(node: OpNode): Plan[] {
    const { graph, loops } = this.#planner;
    const loop = loops.of(node);
    const variables = loop.variables.map(({ merge, initial }, place) => ({
      refs: [
        { node: merge, index: 0 },
        ...loops.switchesOf(loop, place).map((switched) => ({ node: switched, index: 1 })),
      ],
      dtype: this.#type(this.#canonical(initial)),
    }));
    const constants = loop.constants.map((enter) => ({
      refs: [{ node: enter, index: 0 }],
      dtype: this.#type(this.#canonical(graph.input(enter, 0))),
    }));
    const args = [...variables, ...constants];
    return [
      this.#planner.plan([loop.condition], args),
      this.#planner.plan(
        loop.variables.map(({ next }) => next),
        args,
      ),
    ];
  }

  #inputs(node: OpNode): readonly Ref[] {
    if (node.op === LOOP) {
      const { variables, constants } = this.#planner.loops.of(node);
      const refs = [
        ...variables.map(({ initial }) => initial),
        ...constants.map((enter) => this.#graph.input(enter, 0)),
      ];
      return refs.map((ref) => this.#canonical(ref));
    }
    return this.#graph.inputs(node).map((ref) => this.#canonical(ref));
  }

  /** Past what only hands on: identities, reads of variables, exits of loops. */
  #canonical(ref: Ref): Ref {
    const { state, loops } = this.#planner;
    let at = ref;
    for (const seen = new Set<number>(); !this.#feeds.has(refKey(at));) {
      const { node } = at;
      if (seen.has(refKey(at))) return this.#graph.fail(`the graph goes in a circle at ${node.name} (${node.op})`);
      seen.add(refKey(at));
      if (isAlias(node)) at = this.#graph.input(node, at.index);
      else if (node.op === 'Cast') return this.#castOf(at) ?? at;
      else if (loops.isExit(node)) at = loops.exit(node);
      else if (node.op === 'ReadVariableOp') {
        const variable = state.variableOf(this.#graph.input(node, 0));
        if (variable === undefined) return at;
        at = { node: variable, index: VALUE };
      } else if (state.isVariable(node) && (at.index === VALUE || node.op !== HANDLES)) {
        const variable = state.variable(node);
        if (variable?.kind !== 'computed') return { node, index: VALUE };
        at = variable.value;
      } else return at;
    }
    return at;
  }

  /** What a cast to floats of an argument is, reshaped on the way or not: the other argument, which has it so. */
  #castOf({ node }: Ref): Ref | undefined {
    const to = typeAttr(node.attrs, 'DstT');
    if (to === undefined || computedType(to) !== 'float32') return undefined;
    return this.#asFloat(this.#canonical(this.#graph.input(node, 0)));
  }

  #asFloat(ref: Ref): Ref | undefined {
    const known = this.#floats.get(refKey(ref));
    if (known !== undefined) return known;
    const place = this.#feeds.get(refKey(ref));
    const made = place === undefined ? this.#reshapedFloat(ref) : this.#floatArgument(ref, this.#args[place]?.asFloat);
    if (made !== undefined) this.#floats.set(refKey(ref), made);
    return made;
  }

  #reshapedFloat({ node }: Ref): Ref | undefined {
    if (!RESHAPES.has(node.op)) return undefined;
    const [values, ...others] = this.#graph.inputs(node);
    const inner = values && this.#asFloat(this.#canonical(values));
    if (inner === undefined) return undefined;
    return { node: this.#graph.derived(node, new Map([...node.attrs, ['T', FLOAT]]), [inner, ...others]), index: 0 };
  }

  #floatArgument({ node }: Ref, place: number | undefined): Ref | undefined {
    if (place === undefined) return undefined;
    const ref = { node: this.#graph.derived(node, node.attrs, []), index: 0 };
    this.#feeds.set(refKey(ref), place);
    this.#floatArguments.push({ ref, place });
    return ref;
  }

  /** Not computed: it is there from the start. */
  #isGiven(node: OpNode): boolean {
    return (
      node.op === 'Const' ||
      this.#planner.state.isVariable(node) ||
      this.#planner.state.isTable(node) ||
      node.op === ARG
    );
  }

  #slot(ref: Ref): number {
    const key = refKey(ref);
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const slot = this.#types.length;
    this.#types.push(this.#type(ref));
    this.#slots.set(key, slot);
    if (!this.#feeds.has(key) && this.#isGiven(ref.node)) this.#sources.push(this.#source(ref, slot));
    return slot;
  }

  #source({ node, index }: Ref, slot: number): Source {
    const { state } = this.#planner;
    if (node.op === 'Const') return { kind: 'constant', slot, node };
    if (node.op === ARG) return this.#graph.fail(`${node.name} is an argument that nobody gives`);
    if (state.isTable(node)) return { kind: 'table', slot, node };
    const variable = state.variable(node);
    if (variable?.kind !== 'restored') {
      const why =
        variable === undefined ? 'nothing restores it' : 'its initial value is computed, and a function asks for it';
      throw new PermanentError('UNIMPLEMENTED', `the variable ${node.name} (${node.op}) has no value: ${why}`);
    }
    const { key, slice } = variable;
    return { kind: index === VALUE ? 'variable' : 'handle', slot, node, key, slice };
  }

  #type(ref: Ref): number | undefined {
    const { node, index } = ref;
    const fed = this.#feeds.get(refKey(ref));
    if (fed !== undefined) return this.#args[fed]?.dtype;
    if (node.op === LOOP) {
      const initial = this.#planner.loops.of(node).variables[index]?.initial;
      return initial === undefined ? undefined : this.#type(this.#canonical(initial));
    }
    if (this.#planner.state.isTable(node)) return DT.RESOURCE;
    if (this.#planner.state.isVariable(node)) return index === VALUE ? typeAttr(node.attrs, 'dtype') : DT.RESOURCE;
    return outputType(node.op, node.attrs, index);
  }

  #refusal(node: OpNode, hasStrings: boolean): PermanentError {
    const what = `the operation ${node.op} (node ${JSON.stringify(node.name)})`;
    if (/^Placeholder/.test(node.op)) {
      return new PermanentError(
        'UNIMPLEMENTED',
        `the placeholder ${JSON.stringify(refName({ node, index: 0 }))} is needed and no input of the signature`,
      );
    }
    return new PermanentError('UNIMPLEMENTED', `${what} is not supported${hasStrings ? ' for strings' : ''}`);
  }
}
