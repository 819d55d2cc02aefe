import type { AttrList, AttrValue, NodeDef } from './graph-def.ts';
import { intAttr, MAX_OUTPUTS, typeAttr, typesAttr } from './graph-node.ts';
import table from './graph-op-defs.json' with { type: 'json' };

/**
 * TensorFlow's definitions of the operations that run here: what their outputs are, and the attributes that exporters leave out.
 * Source: `TF_GetAllOpList` of TensorFlow 2.21, which is https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core/ops.
 */

/** An output is `name:type`, the type a DataType, an attribute, or `*` and an attribute with a list of types; with `#attribute` it is as many. */
interface OpDef {
  readonly outputs: readonly string[];
  readonly defaults?: Readonly<Record<string, Default>>;
}
interface Default {
  readonly s?: string;
  readonly i?: number;
  readonly f?: number | string;
  readonly b?: boolean;
  readonly type?: number;
  readonly shape?: readonly number[] | null;
  readonly list?: { readonly i?: readonly number[]; readonly f?: readonly number[]; readonly type?: readonly number[] };
}

const OP_DEFS = new Map<string, OpDef>(Object.entries(table as unknown as Record<string, OpDef>));

type Attrs = ReadonlyMap<string, AttrValue>;

interface Output {
  readonly name: string;
  readonly dtypes: readonly (number | undefined)[];
}

/** What an operation's output has as dtype: a DataType, undefined where the node and its definition do not tell. */
export function outputType(op: string, attrs: Attrs, index: number): number | undefined {
  return dtypesOf(op, attrs)[index];
}

/** An output's place among all, of `node:output:0` in a function's body. */
export function flatOutput(def: NodeDef, output: string | undefined, index: number): number {
  if (output === undefined) return index;
  let start = 0;
  for (const { name, dtypes } of outputsOf(def.op, def.attrs)) {
    if (name === output) return start + index;
    start += dtypes.length;
  }
  // Of an operation that we do not know: it is refused where it is needed.
  return index;
}

/** How many outputs it has; 1 where nobody tells. */
export function outputCount(op: string, attrs: Attrs): number {
  return OP_DEFS.has(op) ? dtypesOf(op, attrs).length : 1;
}

/** The node's attributes and those that it has by default. */
export function allAttrs(op: string, attrs: Attrs): Attrs {
  const defaults = Object.entries(OP_DEFS.get(op)?.defaults ?? {}).filter(([name]) => !attrs.has(name));
  return defaults.length === 0
    ? attrs
    : new Map([...attrs, ...defaults.map(([name, value]) => [name, toAttr(value)] as const)]);
}

/** By a node's attributes: each of its outputs is asked for, and there may be thousands. */
const known = new WeakMap<Attrs, { readonly op: string; readonly dtypes: readonly (number | undefined)[] }>();

function dtypesOf(op: string, attrs: Attrs): readonly (number | undefined)[] {
  const found = known.get(attrs);
  if (found?.op === op) return found.dtypes;
  const dtypes = outputsOf(op, attrs).flatMap((output) => output.dtypes);
  known.set(attrs, { op, dtypes });
  return dtypes;
}

function outputsOf(op: string, given: Attrs): readonly Output[] {
  const attrs = allAttrs(op, given);
  return (OP_DEFS.get(op)?.outputs ?? []).map((text) => {
    const [, name = '', type = '', count] = /^(\w+):([*\w]+)(?:#(\w+))?$/.exec(text) ?? [];
    if (type.startsWith('*')) return { name, dtypes: typesAttr(attrs, type.slice(1)) };
    const dtype = /^\d+$/.test(type) ? Number(type) : typeAttr(attrs, type);
    const many = count === undefined ? 1 : Math.min(Math.max(intAttr(attrs, count, 0), 0), MAX_OUTPUTS);
    return { name, dtypes: Array.from({ length: many }, () => dtype) };
  });
}

const NO_VALUES: AttrList = { s: [], i: [], f: [], b: [], type: [], shape: [], tensor: [], func: [] };

function toAttr(value: Default): AttrValue {
  if (value.s !== undefined) return { kind: 's', value: new TextEncoder().encode(value.s) };
  if (value.i !== undefined) return { kind: 'i', value: BigInt(value.i) };
  if (value.f !== undefined) return { kind: 'f', value: Number(value.f) };
  if (value.b !== undefined) return { kind: 'b', value: value.b };
  if (value.type !== undefined) return { kind: 'type', value: value.type };
  if (value.shape !== undefined) return { kind: 'shape', value: value.shape };
  const { i = [], f = [], type = [] } = value.list ?? {};
  return { kind: 'list', value: { ...NO_VALUES, i: i.map(BigInt), f, type } };
}
