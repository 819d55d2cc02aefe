import { PermanentError } from '../../errors.ts';
import type { AttrValue, FunctionDef, GraphDef, NodeDef } from './graph-def.ts';
import { ARG, functionAttr, type OpNode, type Ref, type Scope } from './graph-node.ts';
import { flatOutput } from './graph-op-defs.ts';

const CALLS = new Set(['PartitionedCall', 'StatefulPartitionedCall', 'TPUPartitionedCall', 'RemoteCall']);
/** Nested calls; Keras models nest a layer's few times each. */
const MAX_DEPTH = 128;
/** Nodes in all expansions together: the largest models have some ten thousand, a hostile library doubles with every level. */
const MAX_NODES = 400_000;
/** Calls and arguments between an input and the operation behind it. */
const MAX_STEPS = 100_000;

/**
 * The main graph with its functions' calls followed, as far as somebody asks: nothing is expanded that no signature needs.
 * Every method throws PermanentError INVALID_ARGUMENT, with the node's name, where the graph is none: a dangling input, a function that calls
 * itself, more nodes than any model has.
 */
export class Graph {
  readonly label: string;
  readonly top: Scope;
  readonly #functions: ReadonlyMap<string, FunctionDef>;
  readonly #nodesOf = new Map<FunctionDef, ReadonlyMap<string, NodeDef>>();
  readonly #bodies = new Map<string, Scope>();
  readonly #inputs = new Map<OpNode, readonly Ref[]>();
  #count = 0;

  /** @param label for messages: the model's. */
  constructor(label: string, def: GraphDef) {
    this.label = label;
    this.#functions = new Map(def.functions.map((fn) => [fn.name, fn]));
    this.top = this.#scope('', this.#index(def.nodes, 'the graph'), undefined, undefined, 0);
  }

  /** The function that the node calls; undefined for an operation. */
  callee(def: NodeDef): FunctionDef | undefined {
    const name = CALLS.has(def.op) ? functionAttr(def.attrs, 'f') : def.op;
    const fn = this.#functions.get(name ?? '');
    if (fn === undefined && CALLS.has(def.op))
      this.fail(`the node ${def.name} calls the function ${name ?? ''}, which is not there`);
    return fn;
  }

  /** A function's body as control flow runs it: once for all who do. */
  body(name: string): Scope {
    const known = this.#bodies.get(name);
    if (known !== undefined) return known;
    const fn = this.#functions.get(name);
    if (fn === undefined) return this.fail(`control flow runs the function ${name}, which is not there`);
    const scope = this.#scope(name, this.#nodes(fn), fn, undefined, 0);
    this.#bodies.set(name, scope);
    return scope;
  }

  /** The body of the function that this node calls. */
  enter(scope: Scope, def: NodeDef, fn: FunctionDef): Scope {
    const known = scope.calls.get(def);
    if (known !== undefined) return known;
    for (let outer: Scope | undefined = scope; outer !== undefined; outer = outer.call?.scope) {
      if (outer.fn === fn) this.fail(`the function ${fn.name} calls itself, by ${def.name}`);
    }
    if (scope.depth >= MAX_DEPTH) this.fail(`calls nest deeper than ${MAX_DEPTH} at ${def.name}`);
    const path = scope.path === '' ? def.name : `${scope.path}/${def.name}`;
    const inner = this.#scope(path, this.#nodes(fn), fn, { scope, def }, scope.depth + 1);
    scope.calls.set(def, inner);
    return inner;
  }

  /** The arguments of a body that control flow runs. */
  args(body: Scope): readonly Ref[] {
    return (body.fn?.inputs ?? []).map((arg) => ({ node: this.#argument(body, arg.name), index: 0 }));
  }

  /** What a body returns. */
  returns(body: Scope): readonly Ref[] {
    return (body.fn?.outputs ?? []).map((output) => this.resolve(body, body.fn?.ret.get(output.name) ?? ''));
  }

  /** The operation behind a tensor's name in this scope: `node`, `node:1`, in a function also `node:output:0` and an argument's name. */
  resolve(from: Scope, name: string): Ref {
    let scope = from;
    let text = name;
    for (let step = 0; step < MAX_STEPS; step++) {
      const { node, output, index } = parse(text);
      const arg = scope.nodes.has(node) ? -1 : (scope.fn?.inputs.findIndex((input) => input.name === node) ?? -1);
      if (arg >= 0) {
        if (scope.call === undefined) return { node: this.#argument(scope, node), index: 0 };
        const { scope: outer, def } = scope.call;
        text = dataInputs(def)[arg] ?? this.fail(`the call ${def.name} gives no argument ${node}`);
        scope = outer;
        continue;
      }
      const def =
        scope.nodes.get(node) ??
        this.fail(`${where(scope)} has no node ${JSON.stringify(node)}, which is an input there`);
      const fn = this.callee(def);
      if (fn === undefined) return { node: this.node(scope, def), index: flatOutput(def, output, index) };
      const place =
        output === undefined || CALLS.has(def.op) ? index : fn.outputs.findIndex((out) => out.name === output);
      const ret = fn.ret.get(fn.outputs[place]?.name ?? '');
      text = ret ?? this.fail(`the function ${fn.name} returns no output ${place}, which ${text} asks for`);
      scope = this.enter(scope, def, fn);
    }
    return this.fail(`calls go in circles at ${name}`);
  }

  /** The node's data inputs; control inputs are not among them. */
  inputs(node: OpNode): readonly Ref[] {
    const known = this.#inputs.get(node);
    if (known !== undefined) return known;
    const inputs = dataInputs(node.def).map((name) => this.resolve(node.scope, name));
    this.#inputs.set(node, inputs);
    return inputs;
  }

  /** The n-th input. */
  input(node: OpNode, n: number): Ref {
    return this.inputs(node)[n] ?? this.fail(`the node ${node.name} (${node.op}) has no input ${n}`);
  }

  node(scope: Scope, def: NodeDef): OpNode {
    const known = scope.made.get(def.name);
    if (known !== undefined) return known;
    const name = scope.path === '' ? def.name : `${scope.path}/${def.name}`;
    const node = { id: this.nextId(), name, op: def.op, attrs: withCallAttrs(scope, def), def, scope };
    scope.made.set(def.name, node);
    return node;
  }

  fail(what: string): never {
    throw new PermanentError('INVALID_ARGUMENT', `${this.label}: saved_model.pb: ${what}`);
  }

  #argument(scope: Scope, name: string): OpNode {
    const key = `^${name}`;
    const known = scope.made.get(key);
    if (known !== undefined) return known;
    const def: NodeDef = { name, op: ARG, inputs: [], attrs: new Map() };
    const node = { id: this.nextId(), name: `${scope.path}/${name}`, op: ARG, attrs: def.attrs, def, scope };
    scope.made.set(key, node);
    return node;
  }

  /** An operation that is made up: another one's, on other inputs. */
  derived(from: OpNode, attrs: OpNode['attrs'], inputs: readonly Ref[]): OpNode {
    const node = { ...from, id: this.nextId(), attrs };
    this.#inputs.set(node, inputs);
    return node;
  }

  /** For an operation that is made up. */
  nextId(): number {
    if (this.#count >= MAX_NODES) this.fail(`its functions expand to more than ${MAX_NODES} nodes`);
    return this.#count++;
  }

  #scope(path: string, nodes: Scope['nodes'], fn: Scope['fn'], call: Scope['call'], depth: number): Scope {
    this.nextId();
    return { path, nodes, fn, call, depth, calls: new Map(), made: new Map() };
  }

  #nodes(fn: FunctionDef): ReadonlyMap<string, NodeDef> {
    const known = this.#nodesOf.get(fn) ?? this.#index(fn.nodes, `the function ${fn.name}`);
    this.#nodesOf.set(fn, known);
    return known;
  }

  #index(nodes: readonly NodeDef[], what: string): ReadonlyMap<string, NodeDef> {
    const index = new Map(nodes.map((def) => [def.name, def]));
    if (index.size < nodes.length) this.fail(`${what} has two nodes of the same name`);
    return index;
  }
}

/** Names of the tensors that the node takes; what begins with `^` is only an order. */
export function dataInputs(def: NodeDef): readonly string[] {
  return def.inputs.some(isControl) ? def.inputs.filter((input) => !isControl(input)) : def.inputs;
}

/** Names of the nodes that run before this one. */
export function controlInputs(def: NodeDef): readonly string[] {
  return def.inputs.filter(isControl).map((input) => input.slice(1));
}

function isControl(input: string): boolean {
  return input.startsWith('^');
}

function parse(text: string): { node: string; output: string | undefined; index: number } {
  const [node = '', second, third] = text.split(':');
  if (third !== undefined) return { node, output: second, index: Number(third) };
  if (second === undefined) return { node, output: undefined, index: 0 };
  return /^\d+$/.test(second) ? { node, output: undefined, index: Number(second) } : { node, output: second, index: 0 };
}

/** A function over types says `T` where its call says which. */
function withCallAttrs(scope: Scope, def: NodeDef): ReadonlyMap<string, AttrValue> {
  const call = scope.call?.def;
  if (call === undefined || ![...def.attrs.values()].some((attr) => attr.kind === 'placeholder')) return def.attrs;
  const given = (attr: AttrValue): AttrValue =>
    attr.kind === 'placeholder' ? (callAttrs(call).get(attr.value) ?? { kind: 'none' }) : attr;
  return new Map([...def.attrs].map(([name, attr]) => [name, given(attr)]));
}

function callAttrs(call: NodeDef): ReadonlyMap<string, AttrValue> {
  const f = CALLS.has(call.op) ? call.attrs.get('f') : undefined;
  return f?.kind === 'func' ? f.value.attrs : call.attrs;
}

function where({ path, fn }: Scope): string {
  return fn === undefined ? 'the graph' : `the function ${fn.name} (called by ${path})`;
}
