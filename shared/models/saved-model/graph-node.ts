import type { AttrValue, FunctionDef, NodeDef } from './graph-def.ts';
import { valueType } from './graph-def.ts';

/** Where nodes stand: the main graph, or a function's body, once for each call of it. */
export interface Scope {
  /** Of the calls that lead here: `StatefulPartitionedCall/model`; empty for the main graph. */
  readonly path: string;
  readonly nodes: ReadonlyMap<string, NodeDef>;
  readonly fn: FunctionDef | undefined;
  /** Undefined for the main graph, and for a body that control flow runs. */
  readonly call: { readonly scope: Scope; readonly def: NodeDef } | undefined;
  readonly depth: number;
  readonly calls: Map<NodeDef, Scope>;
  readonly made: Map<string, OpNode>;
}

/** An operation where it stands: calls of functions are gone, and inputs lead through them. */
export interface OpNode {
  /** From 0, in the order of making: two nodes of a graph never share it. */
  readonly id: number;
  /** The path of calls and the node's name in its graph or function. */
  readonly name: string;
  readonly op: string;
  readonly attrs: ReadonlyMap<string, AttrValue>;
  readonly def: NodeDef;
  readonly scope: Scope;
}

/** One output of an operation. */
export interface Ref {
  readonly node: OpNode;
  readonly index: number;
}

/** Stands for a function's argument in its body. */
export const ARG = '_Arg';

/** Of one operation. */
export const MAX_OUTPUTS = 65_536;

/** The same for two refs to the same output. */
export function refKey({ node, index }: Ref): number {
  return node.id * MAX_OUTPUTS + index;
}

/** A tensor's name: `dense/kernel`, `split:1`. */
export function refName({ node, index }: Ref): string {
  return index === 0 ? node.name : `${node.name}:${index}`;
}

const utf8 = new TextDecoder();

type Attrs = ReadonlyMap<string, AttrValue>;

export function textAttr(attrs: Attrs, name: string, absent = ''): string {
  const attr = attrs.get(name);
  return attr?.kind === 's' ? utf8.decode(attr.value) : absent;
}

export function intAttr(attrs: Attrs, name: string, absent: number): number {
  const attr = attrs.get(name);
  return attr?.kind === 'i' ? Number(attr.value) : absent;
}

export function boolAttr(attrs: Attrs, name: string, absent = false): boolean {
  const attr = attrs.get(name);
  return attr?.kind === 'b' ? attr.value : absent;
}

/** A DataType, of a reference its value's; undefined where the node does not tell. */
export function typeAttr(attrs: Attrs, name: string): number | undefined {
  const attr = attrs.get(name);
  return attr?.kind === 'type' ? valueType(attr.value) : undefined;
}

export function typesAttr(attrs: Attrs, name: string): readonly number[] {
  const attr = attrs.get(name);
  return attr?.kind === 'list' ? attr.value.type.map(valueType) : [];
}

/** The name of the function that the attribute holds. */
export function functionAttr(attrs: Attrs, name: string): string | undefined {
  const attr = attrs.get(name);
  return attr?.kind === 'func' ? attr.value.name : undefined;
}

export function functionsAttr(attrs: Attrs, name: string): readonly string[] {
  const attr = attrs.get(name);
  return attr?.kind === 'list' ? attr.value.func.map((call) => call.name) : [];
}
