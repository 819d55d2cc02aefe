import { layers, loadLayersModel, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import type * as tfc from '@tensorflow/tfjs-core';
import { oneLine, PermanentError } from '../errors.ts';
import { elementCount, type DType, type TensorSpec } from '../tensor.ts';
import { DEFAULT_SIGNATURE, type ModelFiles } from './model.ts';
import { MODEL_JSON, type TfjsArtifacts } from './tfjs-artifacts.ts';
import type { Tfjs } from './tfjs-backend.ts';
import { loadInScope, type TfjsNetwork } from './tfjs-network.ts';

/** What tensors between layers may be; a model.json may say anything. */
const COMPUTED: ReadonlySet<string> = new Set<DType>(['float32', 'int32', 'bool', 'string']);

/**
 * Builds a Keras-like model of layers. Runs inside `onBackend`.
 * @throws PermanentError UNIMPLEMENTED (a layer TensorFlow.js lacks, or one that keeps state), INVALID_ARGUMENT.
 */
export async function openLayersModel(tf: Tfjs, files: ModelFiles, artifacts: TfjsArtifacts): Promise<TfjsNetwork> {
  const handler: tfc.io.IOHandler = {
    load: () =>
      Promise.resolve({
        modelTopology: artifacts.topology,
        weightSpecs: [...artifacts.weights] as tfc.io.WeightsManifestEntry[],
        weightData: artifacts.weightData,
      }),
  };
  let model: LayersModel;
  try {
    // Weights are variables, which no scope disposes of.
    model = await loadInScope(
      tf,
      () => withinWeights(artifacts, () => loadLayersModel(handler)),
      () => [],
    );
  } catch (error) {
    const reason = oneLine(error);
    const status = reason.startsWith('Unknown layer') ? 'UNIMPLEMENTED' : 'INVALID_ARGUMENT';
    throw new PermanentError(status, `${files.label}: TensorFlow.js refuses ${MODEL_JSON}: ${reason}`, {
      cause: error,
    });
  }
  const stateful = model.layers.find((layer) => layer.stateful);
  if (stateful !== undefined) {
    model.dispose();
    const message = `${files.label}: the layer ${stateful.name} (${stateful.getClassName()}) keeps state from batch to batch; not supported`;
    throw new PermanentError('UNIMPLEMENTED', message);
  }
  const untyped = [...model.inputs, ...model.outputs].find(({ dtype }) => !COMPUTED.has(dtype));
  if (untyped !== undefined) {
    model.dispose();
    const { sourceLayer, dtype } = untyped;
    const what = `the layer ${JSON.stringify(sourceLayer.name)} is of the dtype ${JSON.stringify(dtype)}`;
    throw new PermanentError('UNIMPLEMENTED', `${files.label}: ${MODEL_JSON}: ${what}, which is not supported`);
  }
  return new LayersNetwork(model);
}

/** Elements that layers may have beyond those of the manifest, for what a layer makes and its file does not keep. */
const SPARE_ELEMENTS = 1_000_000;

/** Runs `load`, during which layers make no more weights than the files hold: TensorFlow.js fills them with random numbers first, and compares then. */
async function withinWeights<T>({ weights }: TfjsArtifacts, load: () => Promise<T>): Promise<T> {
  const layer = layers.Layer.prototype as unknown as {
    addWeight: (name: string, shape: readonly number[], ...rest: readonly unknown[]) => unknown;
  };
  const { addWeight } = layer;
  const stored = weights.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  let left = stored + SPARE_ELEMENTS;
  layer.addWeight = function (this: unknown, name, shape, ...rest) {
    left -= elementCount(shape);
    if (!(left >= 0)) {
      const what = `the weight ${name} of the shape [${shape.join(', ')}]`;
      throw new RangeError(`${what} makes more than the ${stored} elements that the files hold`);
    }
    return addWeight.call(this, name, shape, ...rest);
  };
  try {
    return await load();
  } finally {
    layer.addWeight = addWeight;
  }
}

class LayersNetwork implements TfjsNetwork {
  readonly untypedOutputs: ReadonlySet<string> = new Set();
  readonly signature;
  readonly #model: LayersModel;

  constructor(model: LayersModel) {
    this.#model = model;
    const inputs = toSpecs(model.inputs);
    this.signature = { name: DEFAULT_SIGNATURE, inputs, outputs: toSpecs(model.outputs) };
  }

  run(inputs: Readonly<Record<string, tfc.Tensor>>): readonly tfc.Tensor[] {
    const feeds = this.signature.inputs.map(({ name }) => inputs[name]).filter((tensor) => tensor !== undefined);
    // predict() would cut the batch into its own of 32 rows.
    const outputs = this.#model.predictOnBatch(feeds);
    return Array.isArray(outputs) ? outputs : [outputs];
  }

  dispose(): void {
    this.#model.dispose();
  }
}

/** Tensors have their layer's name; a second one of the same layer becomes `name_1`, as in Keras. */
function toSpecs(tensors: readonly SymbolicTensor[]): TensorSpec[] {
  const taken = new Set<string>();
  return tensors.map(({ shape, dtype, sourceLayer }) => {
    let name = sourceLayer.name;
    for (let suffix = 1; taken.has(name); suffix++) name = `${sourceLayer.name}_${suffix}`;
    taken.add(name);
    return { name, dtype: dtype as DType, shape };
  });
}
