/**
 * What a model's own functions expand to. ONNX Runtime (1.30) puts a function's nodes in the place of every call of it: a small file of functions that
 * each call the next one twice never ends, and a long row of calls overflows the native stack, which ends the process. TensorFlow.js runs
 * functions where it comes to them, with the same end.
 */

/** A graph or a function: its nodes, those of its subgraphs with them. */
export interface FunctionBody {
  nodes: number;
  /** How often each operation or function stands in it, by its name. */
  readonly calls: Map<string, number>;
}

/** Nodes after expansion: the largest models have some ten thousand; 100,000 take ONNX Runtime 300 MB and seconds. */
const MAX_NODES = 250_000;
/** Functions in functions; exporters that keep modules as functions nest them some ten deep. */
const MAX_DEPTH = 64;

export function newFunctionBody(): FunctionBody {
  return { nodes: 0, calls: new Map() };
}

/**
 * @param main the graph with its subgraphs. @param functions by the same names as the calls; what else is called is an operation.
 * @throws RangeError naming the function that calls itself, or where they nest or expand beyond what any model does.
 */
export function checkExpansion(main: FunctionBody, functions: ReadonlyMap<string, FunctionBody>): void {
  const sizes = new Map<FunctionBody, number>();
  const open = new Set<FunctionBody>();
  const sizeOf = (body: FunctionBody, name: string): number => {
    const known = sizes.get(body);
    if (known !== undefined) return known;
    if (open.has(body)) throw new RangeError(`the function ${JSON.stringify(name)} calls itself`);
    if (open.size > MAX_DEPTH) throw new RangeError(`its functions call each other more than ${MAX_DEPTH} deep`);
    open.add(body);
    let size = body.nodes;
    for (const [called, times] of body.calls) {
      const callee = functions.get(called);
      if (callee !== undefined) size += times * sizeOf(callee, called.split('\0')[1] ?? called);
    }
    open.delete(body);
    if (size > MAX_NODES)
      throw new RangeError(`it has ${size} nodes with its functions expanded; at most ${MAX_NODES} are run`);
    sizes.set(body, size);
    return size;
  };
  sizeOf(main, '');
}
