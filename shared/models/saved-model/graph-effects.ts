import type { NodeDef } from './graph-def.ts';
import { controlInputs, dataInputs, type Graph } from './graph.ts';
import { functionAttr, functionsAttr, type OpNode, type Ref, type Scope } from './graph-node.ts';

/** What runs with an answer beyond its data: the operations that control inputs and functions' effects ask for. */

/** Operations that change what the next call of the graph sees. */
const WRITES =
  /^(Resource)?(Assign(Add|Sub)?(Variable)?(Op)?|AssignVariableXlaConcatND|Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update)|CountUpTo|StridedSliceAssign|(Sparse)?Apply\w+)$|^Assign(Add|Sub)?VariableOp$|^LookupTable(Insert|Remove|Import)(V2)?$|^(Queue|Stack|Barrier|Accumulator|Map|OrderedMap)(En|De)?(queue|Push|Pop|Insert|Stage|Unstage|Apply)\w*$|^(Mutable|Temporary)Variable$/;
/** Functions that control flow may run. */
const FUNCTION_ATTRS = ['then_branch', 'else_branch', 'cond', 'body'];

export interface Effects {
  /** Operations that write state, in the order of finding. */
  readonly writes: readonly OpNode[];
  /** Asserts, and control flow whose functions hold one, that stand outside of functions of control flow. */
  readonly checks: readonly OpNode[];
}

/**
 * Everything that TensorFlow would run for these outputs, control inputs and functions' effects included.
 * @param isFed whether the caller gives all of the node: then nothing before it runs.
 */
export function findEffects(graph: Graph, roots: readonly Ref[], isFed: (node: OpNode) => boolean): Effects {
  const writes: OpNode[] = [];
  const checks: OpNode[] = [];
  const seen = new Map<Scope, Set<NodeDef>>();
  const pending: { scope: Scope; def: NodeDef }[] = roots.map(({ node }) => ({ scope: node.scope, def: node.def }));
  // A root inside a function runs with everything that the calls around it do.
  for (const { node } of roots) {
    for (let { call } = node.scope; call !== undefined; call = call.scope.call) pending.push(call);
  }
  const push = (scope: Scope, name: string): void => {
    const def = scope.nodes.get(name.split(':')[0] ?? '');
    if (def !== undefined) pending.push({ scope, def });
  };
  const pushBody = (body: Scope): void => {
    for (const name of [...(body.fn?.ret.values() ?? []), ...(body.fn?.controlRet.values() ?? [])]) push(body, name);
  };
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { scope, def } = next;
    const seenHere = seen.get(scope) ?? new Set();
    seen.set(scope, seenHere);
    if (seenHere.has(def)) continue;
    seenHere.add(def);
    const fn = graph.callee(def);
    if (fn !== undefined) pushBody(graph.enter(scope, def, fn));
    else {
      const node = graph.node(scope, def);
      if (isFed(node)) continue;
      if (WRITES.test(def.op)) writes.push(node);
      const bodies = controlFlowFunctions(def).map((name) => graph.body(name));
      bodies.forEach(pushBody);
      if (def.op === 'Assert' || bodies.some((body) => holdsAssert(graph, body))) {
        if (outermost(scope).fn === undefined) checks.push(node);
      }
    }
    for (const input of [...dataInputs(def), ...controlInputs(def)]) push(scope, input);
  }
  return { writes, checks };
}

/** The functions that this node runs as it decides: branches, conditions, bodies. */
export function controlFlowFunctions(def: NodeDef): readonly string[] {
  const named = FUNCTION_ATTRS.map((attr) => functionAttr(def.attrs, attr)).filter((name) => name !== undefined);
  return [...named, ...functionsAttr(def.attrs, 'branches')];
}

/** Asserts that a body runs, but for those in functions that it calls. */
export function assertsOf(graph: Graph, body: Scope): readonly OpNode[] {
  return [...body.nodes.values()].filter((def) => def.op === 'Assert').map((def) => graph.node(body, def));
}

function holdsAssert(graph: Graph, body: Scope): boolean {
  return assertsOf(graph, body).length > 0;
}

function outermost(scope: Scope): Scope {
  let outer = scope;
  while (outer.call !== undefined) outer = outer.call.scope;
  return outer;
}
