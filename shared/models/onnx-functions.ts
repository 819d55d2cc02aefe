/**
 * What an ONNX model's own functions expand to. ONNX Runtime (1.30) puts a function's nodes in the place of every call of it: a small file of functions that
 * each call the next one twice never ends, and a long row of calls overflows the native stack, which ends the process.
 */

/** An operation with the functions that it may be a call of: `domain`, name and overload. */
export interface OnnxBody {
  nodes: number;
  /** How often each operation stands in it. */
  readonly calls: Map<string, number>;
}

/** Nodes after expansion: the largest models have some ten thousand; 100,000 take ONNX Runtime 300 MB and seconds. */
const MAX_NODES = 250_000;
/** Functions in functions; exporters that keep modules as functions nest them some ten deep. */
const MAX_DEPTH = 64;

export function newBody(): OnnxBody {
  return { nodes: 0, calls: new Map() };
}

/**
 * @param main the graph with its subgraphs. @param functions by the same names as calls.
 * @throws RangeError naming the function that calls itself, or where they nest or expand beyond what any model does.
 */
export function checkFunctions(main: OnnxBody, functions: ReadonlyMap<string, OnnxBody>): void {
  const sizes = new Map<OnnxBody, number>();
  const open = new Set<OnnxBody>();
  const sizeOf = (body: OnnxBody, name: string): number => {
    const known = sizes.get(body);
    if (known !== undefined) return known;
    if (open.has(body)) throw new RangeError(`the function ${JSON.stringify(name)} calls itself`);
    if (open.size > MAX_DEPTH) throw new RangeError(`its functions call each other more than ${MAX_DEPTH} deep`);
    open.add(body);
    let size = body.nodes;
    for (const [called, times] of body.calls) {
      const callee = functions.get(called);
      if (callee !== undefined) size += times * sizeOf(callee, called.split('\0')[1] ?? '');
    }
    open.delete(body);
    if (size > MAX_NODES)
      throw new RangeError(`it has ${size} nodes with its functions expanded; at most ${MAX_NODES} are run`);
    sizes.set(body, size);
    return size;
  };
  sizeOf(main, '');
}
