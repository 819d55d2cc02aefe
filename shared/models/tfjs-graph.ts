import { loadGraphModel, type GraphModel } from '@tensorflow/tfjs-converter';
import type * as tfc from '@tensorflow/tfjs-core';
import { oneLine, PermanentError } from '../errors.ts';
import type { TensorSpec } from '../tensor.ts';
import type { ModelFiles, Signature } from './model.ts';
import { MODEL_JSON, type TfjsArtifacts } from './tfjs-artifacts.ts';
import type { Tfjs } from './tfjs-backend.ts';
import { graphNodes } from './tfjs-graph-def.ts';
import { readGraphSignature, type GraphSignature } from './tfjs-graph-signature.ts';
import { loadInScope, type TfjsNetwork } from './tfjs-network.ts';

/** Operations after which TensorFlow.js runs a graph only asynchronously (graph_analysis.ts in tfjs-converter 4.22). */
const ASYNC_OPS =
  /^(Switch|Merge|Enter|Exit|NextIteration|If|While|Stateless(If|While)|NonMaxSuppressionV[235]|Where|HashTable(V2)?|LookupTable(Import|Find|Size)(V2)?)$/;

/** What we use of the executor's private side: which operations it knows. */
interface Executor {
  readonly graph: { readonly nodes: Readonly<Record<string, ExecutorNode>>; readonly outputs: readonly ExecutorNode[] };
  readonly functionExecutorMap: Readonly<Record<string, Executor>>;
}
interface ExecutorNode {
  readonly op: string;
  /** Undefined where no executor runs it. */
  readonly category?: string;
  readonly inputs: readonly ExecutorNode[];
}

/**
 * Builds a converted TensorFlow graph. Runs inside `onBackend`.
 * @throws PermanentError UNIMPLEMENTED (operations that TensorFlow.js lacks, so also those that keep state; dtypes that it does not
 * compute), INVALID_ARGUMENT.
 */
export async function openGraphModel(tf: Tfjs, files: ModelFiles, artifacts: TfjsArtifacts): Promise<TfjsNetwork> {
  const json = structuredClone({ ...artifacts.json, modelTopology: artifacts.topology });
  // The same thing to the executor, which however takes only the stateless one for control flow, and warns at every run.
  for (const node of graphNodes({ json, topology: json.modelTopology })) {
    if (node.op === 'If') node.op = 'StatelessIf';
  }
  const handler: tfc.io.IOHandler = {
    load: () =>
      Promise.resolve({
        ...json,
        weightSpecs: [...artifacts.weights] as tfc.io.WeightsManifestEntry[],
        weightData: artifacts.weightData,
      }),
  };
  let model: GraphModel;
  try {
    model = await loadInScope(
      tf,
      () => loadGraphModel(handler),
      (loaded) => Object.values(loaded.weights).flat(),
    );
  } catch (error) {
    const message = `${files.label}: TensorFlow.js refuses ${MODEL_JSON}: ${oneLine(error)}`;
    throw new PermanentError('INVALID_ARGUMENT', message, { cause: error });
  }
  try {
    refuseUnknownOps(files, (model as unknown as { readonly executor: Executor }).executor);
    return new GraphNetwork(model, readGraphSignature(files, artifacts, model), artifacts);
  } catch (error) {
    model.dispose();
    throw error;
  }
}

function refuseUnknownOps(files: ModelFiles, root: Executor): void {
  const unknown = new Set<string>();
  const seen = new Set<ExecutorNode>();
  const pending = [...root.graph.outputs];
  for (const executor of Object.values(root.functionExecutorMap)) pending.push(...Object.values(executor.graph.nodes));
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.category === undefined) unknown.add(node.op);
    pending.push(...node.inputs);
  }
  if (unknown.size === 0) return;
  const listed = [...unknown].sort().join(', ');
  const what = unknown.size === 1 ? 'the operation' : 'the operations';
  throw new PermanentError('UNIMPLEMENTED', `${files.label}: TensorFlow.js has no ${what.slice(4)} ${listed}`);
}

class GraphNetwork implements TfjsNetwork {
  readonly signature: Signature;
  readonly untypedOutputs: ReadonlySet<string>;
  readonly #model: GraphModel;
  readonly #graphNames: ReadonlyMap<string, string>;
  readonly #outputs: string[];
  readonly #isAsync: boolean;

  constructor(model: GraphModel, { signature, graphNames, untypedOutputs }: GraphSignature, artifacts: TfjsArtifacts) {
    this.#model = model;
    this.signature = signature;
    this.untypedOutputs = untypedOutputs;
    this.#graphNames = graphNames;
    this.#outputs = signature.outputs.map((output) => this.#graphName(output));
    this.#isAsync = graphNodes(artifacts).some((node) => ASYNC_OPS.test(node.op));
  }

  async run(inputs: Readonly<Record<string, tfc.Tensor>>): Promise<readonly tfc.Tensor[]> {
    const feeds: tfc.NamedTensorMap = {};
    for (const spec of this.signature.inputs) {
      const tensor = inputs[spec.name];
      if (tensor !== undefined) feeds[this.#graphName(spec)] = tensor;
    }
    const outputs = this.#isAsync
      ? await this.#model.executeAsync(feeds, this.#outputs)
      : this.#model.execute(feeds, this.#outputs);
    return Array.isArray(outputs) ? outputs : [outputs];
  }

  dispose(): void {
    this.#model.dispose();
  }

  #graphName({ name }: TensorSpec): string {
    return this.#graphNames.get(name) ?? name;
  }
}
