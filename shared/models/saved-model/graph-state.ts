import { oneLine, PermanentError } from '../../errors.ts';
import type { ModelFiles } from '../model.ts';
import type { Bundle } from './bundle.ts';
import type { Constants } from './graph-constants.ts';
import { DT, type FunctionDef, type NodeDef } from './graph-def.ts';
import { findEffects } from './graph-effects.ts';
import type { Graph } from './graph.ts';
import { intAttr, textAttr, typeAttr, type OpNode, type Ref, type Scope } from './graph-node.ts';
import { keyOf, LookupTable, tableFromTensors, type TableValue } from './table.ts';
import type { TfTensor } from './tensor-bytes.ts';
import { tableFromTextFile } from './table-file.ts';

/** Variables and tables: what the restore function, the saver and the initializers make of them when TensorFlow loads the model. */

const VARIABLES = new Set(['VarHandleOp', 'VariableV2', 'Variable']);
const TABLES = /^(Mutable|MutableDense|Immutable)?HashTable(V2)?$/;
const ASSIGNS = new Set(['Assign', 'AssignVariableOp']);
const TABLE_INITS = /^(InitializeTable|LookupTableImport|InitializeTableFromTextFile)(V2)?$/;

/** Functions that call each other, one inside the other. */
const MAX_NESTED = 1_000;

/** What a variable holds when the graph starts. */
export type Variable =
  | { readonly kind: 'restored'; readonly key: string; readonly slice: string }
  /** Computed by the initializer: no checkpoint has it. */
  | { readonly kind: 'computed'; readonly value: Ref };

export class State {
  readonly #graph: Graph;
  readonly #constants: Constants;
  readonly #files: ModelFiles;
  readonly #bundle: Bundle | undefined;
  readonly #variables = new Map<OpNode, Variable>();
  readonly #named = new Map<string, Variable>();
  /** Variables whose value another one began with. */
  readonly #copies = new Map<OpNode, OpNode>();
  readonly #tableInits = new Map<OpNode, OpNode>();
  readonly #namedTableInits = new Map<string, OpNode>();
  readonly #effectful = new Map<FunctionDef, boolean>();

  /** @param initializers names of the operations that TensorFlow runs once, at loading. */
  constructor(
    graph: Graph,
    files: ModelFiles,
    bundle: Bundle | undefined,
    constants: Constants,
    initializers: readonly string[],
  ) {
    this.#graph = graph;
    this.#files = files;
    this.#bundle = bundle;
    this.#constants = constants;
    this.#scan(graph.top);
    this.#findComputed(initializers);
  }

  /** Whether the ref, past identities, is a variable (or its handle), and which. */
  variableOf(ref: Ref): OpNode | undefined {
    const { node } = this.#constants.source(ref);
    return VARIABLES.has(node.op) ? node : undefined;
  }

  /** @returns undefined where nothing restores or initializes it. */
  variable(node: OpNode): Variable | undefined {
    const name = sharedName(node);
    const known = this.#variables.get(node) ?? this.#named.get(name);
    if (known !== undefined) return known;
    const copy = this.#copies.get(node);
    if (copy !== undefined) return this.#variables.get(copy);
    return this.#bundle?.has(name) === true ? { kind: 'restored', key: name, slice: '' } : undefined;
  }

  /** What the checkpoint holds of a variable. */
  async restore({ key, slice }: { readonly key: string; readonly slice: string }): Promise<TfTensor> {
    if (this.#bundle === undefined) return this.#graph.fail(`the variable ${key} is in variables/, which is not there`);
    return this.#bundle.restore(key, slice);
  }

  isVariable(node: OpNode): boolean {
    return VARIABLES.has(node.op);
  }

  isTable(node: OpNode): boolean {
    return TABLES.test(node.op);
  }

  /** @throws PermanentError where nothing initializes it, or with what cannot be read. */
  async table(node: OpNode): Promise<LookupTable> {
    const init = this.#tableInits.get(node) ?? this.#namedTableInits.get(sharedName(node));
    if (init === undefined) return this.#graph.fail(`nothing initializes the table ${node.name} (${node.op})`);
    const input = (n: number): Ref => this.#graph.input(init, n);
    const where = `${this.#graph.label}: the table ${node.name}`;
    try {
      if (!init.op.startsWith('InitializeTableFromTextFile')) {
        const table = tableFromTensors(await this.#constants.value(input(1)), await this.#constants.value(input(2)));
        return node.op.startsWith('MutableDense') ? await this.#withoutMarks(node, table) : table;
      }
      const file = this.#constants.asset(input(1));
      if (file === undefined) throw new RangeError('its file is not among the assets');
      const { attrs } = init;
      return tableFromTextFile(await this.#files.read(file), {
        keyIndex: intAttr(attrs, 'key_index', 0),
        valueIndex: intAttr(attrs, 'value_index', 0),
        keyType: typeAttr(node.attrs, 'key_dtype') ?? DT.STRING,
        valueType: typeAttr(node.attrs, 'value_dtype') ?? DT.INT64,
        delimiter: textAttr(attrs, 'delimiter', '\t'),
        vocabSize: intAttr(attrs, 'vocab_size', -1),
        offset: intAttr(attrs, 'offset', 0),
      });
    } catch (error) {
      if (error instanceof PermanentError) throw error;
      throw new PermanentError('INVALID_ARGUMENT', `${where}: ${oneLine(error)}`, { cause: error });
    }
  }

  /** Checkpoints of dense tables hold the keys that mark empty and deleted places, too. */
  async #withoutMarks(node: OpNode, table: LookupTable): Promise<LookupTable> {
    const marks = await Promise.all(
      this.#graph.inputs(node).map(async (ref) => {
        const { data, dtype } = await this.#constants.value(ref);
        return keyOf(data[0] as TableValue, dtype);
      }),
    );
    const content = [...table.entries()].filter(([key]) => !marks.includes(key));
    return new LookupTable(table.keyType, table.valueType, new Map(content));
  }

  /** Everything that restores a variable or fills a table, wherever it stands; only functions that do are entered. */
  #scan(scope: Scope): void {
    for (const def of scope.nodes.values()) {
      const fn = this.#graph.callee(def);
      if (fn !== undefined) {
        if (this.#hasEffects(fn, new Set())) this.#scan(this.#graph.enter(scope, def, fn));
      } else if (ASSIGNS.has(def.op)) this.#noteAssign(this.#graph.node(scope, def));
      else if (TABLE_INITS.test(def.op)) {
        const init = this.#graph.node(scope, def);
        const { node } = this.#constants.source(this.#graph.input(init, 0));
        this.#tableInits.set(node, init);
        this.#namedTableInits.set(sharedName(node), init);
      }
    }
  }

  #noteAssign(assign: OpNode): void {
    const variable = this.variableOf(this.#graph.input(assign, 0));
    const value = this.#graph.input(assign, 1);
    const restored = variable && this.#constants.restored(value);
    if (restored === undefined) {
      this.#noteCopy(variable, value);
      return;
    }
    this.#variables.set(variable as OpNode, { kind: 'restored', ...restored });
    this.#named.set(sharedName(variable as OpNode), { kind: 'restored', ...restored });
  }

  /** Keras 3 saves a copy of each weight that began as it, and only the copy is in the checkpoint. */
  #noteCopy(copy: OpNode | undefined, value: Ref): void {
    const { node } = this.#constants.source(value);
    if (copy === undefined || node.op !== 'ReadVariableOp') return;
    const original = this.variableOf(this.#graph.input(node, 0));
    if (original !== undefined && original !== copy) this.#copies.set(original, copy);
  }

  #findComputed(initializers: readonly string[]): void {
    for (const name of initializers) {
      const def = this.#graph.top.nodes.get(name.split(':')[0] ?? '');
      if (def === undefined) continue;
      const { writes } = findEffects(this.#graph, [{ node: initialNode(this.#graph, def), index: 0 }], () => false);
      for (const assign of writes.filter(({ op }) => ASSIGNS.has(op))) {
        const variable = this.variableOf(this.#graph.input(assign, 0));
        if (variable === undefined || this.variable(variable) !== undefined) continue;
        this.#variables.set(variable, { kind: 'computed', value: this.#graph.input(assign, 1) });
      }
    }
  }

  #hasEffects(fn: FunctionDef, outer: Set<FunctionDef>): boolean {
    const known = this.#effectful.get(fn);
    if (known !== undefined || outer.has(fn)) return known ?? false;
    if (outer.size > MAX_NESTED) this.#graph.fail(`its functions call each other deeper than ${MAX_NESTED} levels`);
    outer.add(fn);
    const found = fn.nodes.some((def) => {
      if (ASSIGNS.has(def.op) || TABLE_INITS.test(def.op)) return true;
      const callee = this.#graph.callee(def);
      return callee !== undefined && this.#hasEffects(callee, outer);
    });
    outer.delete(fn);
    this.#effectful.set(fn, found);
    return found;
  }
}

/** A node of the main graph as a place to start from, be it a call. */
function initialNode(graph: Graph, def: NodeDef): OpNode {
  return graph.node(graph.top, def);
}

function sharedName(node: OpNode): string {
  return textAttr(node.attrs, 'shared_name') || node.def.name;
}
