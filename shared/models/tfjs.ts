import { PermanentError } from '../errors.ts';
import type { Tensor, Tensors } from '../tensor.ts';
import type { Model, ModelFiles, Signature } from './model.ts';
import { ModelLostError } from './model-lost-error.ts';
import { readTfjsArtifacts, type TfjsArtifacts } from './tfjs-artifacts.ts';
import {
  backendEpoch,
  hasTensorFlow,
  onBackend,
  type Tfjs,
  type TfjsBackendName,
  type TfjsOptions,
} from './tfjs-backend.ts';
import { graphNeedsCpu } from './tfjs-graph-def.ts';
import { layersNeedCpu } from './tfjs-conv.ts';
import type { TfjsNetwork } from './tfjs-network.ts';
import { fromTfjs, toTfjs, zeroInput } from './tfjs-tensor.ts';

/**
 * Loads a layers-model or a graph-model of TensorFlow.js onto the fastest backend that computes it rightly: libtensorflow where
 * tfjs-node is installed, else WebAssembly, else plain JavaScript.
 * @throws PermanentError as `readTfjsArtifacts`, `openLayersModel` and `openGraphModel`.
 */
export async function loadTfjsModel(files: ModelFiles, options: TfjsOptions = {}): Promise<Model> {
  const artifacts = await readTfjsArtifacts(files);
  const { tfjsBackend, tfjsNode = true } = options;
  const candidates = tfjsBackend === undefined ? await chooseBackends(artifacts, tfjsNode) : [tfjsBackend];
  for (const candidate of candidates) {
    const model = await TfjsModel.open(files, artifacts, candidate);
    if (candidates.length === 1) {
      await model.tryOut();
      return model;
    }
    if (await model.tryOut()) return model;
    await model.dispose();
  }
  // No backend takes zeros: the model must be given real instances.
  return TfjsModel.open(files, artifacts, candidates[0] ?? 'cpu');
}

async function chooseBackends(artifacts: TfjsArtifacts, tfjsNode: boolean): Promise<readonly TfjsBackendName[]> {
  if (tfjsNode && (await hasTensorFlow())) return ['tensorflow', 'cpu'];
  const needsCpu = artifacts.format === 'graph-model' ? graphNeedsCpu(artifacts) : layersNeedCpu(artifacts);
  return needsCpu ? ['cpu'] : ['wasm', 'cpu'];
}

class TfjsModel implements Model {
  readonly runtime: string;
  readonly byteSize: number;
  readonly #network: TfjsNetwork;
  readonly #backend: TfjsBackendName;
  readonly #epoch: number;
  #signature: Signature;
  #disposed: Promise<void> | undefined;

  private constructor(network: TfjsNetwork, backend: TfjsBackendName, version: string, byteSize: number) {
    this.#network = network;
    this.#backend = backend;
    this.#epoch = backendEpoch(backend);
    this.#signature = network.signature;
    this.runtime = `tfjs ${version} (${backend})`;
    this.byteSize = byteSize;
  }

  static open(files: ModelFiles, artifacts: TfjsArtifacts, backend: TfjsBackendName): Promise<TfjsModel> {
    return onBackend(backend, async (tf) => {
      const network =
        artifacts.format === 'graph-model'
          ? await (await import('./tfjs-graph.ts')).openGraphModel(tf, files, artifacts)
          : await (await import('./tfjs-layers.ts')).openLayersModel(tf, files, artifacts);
      return new TfjsModel(network, backend, tf.version_core, artifacts.byteSize);
    });
  }

  get signatures(): Readonly<Record<string, Signature>> {
    return { [this.#signature.name]: this.#signature };
  }

  async predict(signature: string, inputs: Tensors): Promise<Tensors> {
    if (signature !== this.#signature.name) {
      throw new PermanentError(
        'INVALID_ARGUMENT',
        `the model has no signature ${signature}; it has ${this.#signature.name}`,
      );
    }
    const outputs = await this.#run((tf) => this.#signature.inputs.map((spec) => toTfjs(tf, spec, inputs[spec.name])));
    return Object.fromEntries(this.#signature.outputs.map((spec, index) => [spec.name, outputs[index] as Tensor]));
  }

  /**
   * Runs one row of zeros: whether the backend has every kernel for it. Learns the outputs' dtypes where the model does not tell.
   */
  async tryOut(): Promise<boolean> {
    try {
      const outputs = await this.#run((tf) => this.#signature.inputs.map((spec) => zeroInput(tf, spec)));
      const typed = this.#signature.outputs.map((spec, index) => {
        const output = outputs[index];
        return output !== undefined && this.#network.untypedOutputs.has(spec.name)
          ? { ...spec, dtype: output.dtype }
          : spec;
      });
      this.#signature = { ...this.#signature, outputs: typed };
      return true;
    } catch {
      return false;
    }
  }

  dispose(): Promise<void> {
    return (this.#disposed ??= onBackend(this.#backend, () => {
      if (this.#epoch === backendEpoch(this.#backend)) this.#network.dispose();
    }));
  }

  #run(makeInputs: (tf: Tfjs) => readonly (ReturnType<typeof toTfjs> | undefined)[]): Promise<readonly Tensor[]> {
    if (this.#disposed !== undefined) throw new Error('the model is disposed of');
    return onBackend(this.#backend, async (tf) => {
      if (this.#epoch !== backendEpoch(this.#backend)) {
        throw new ModelLostError("TensorFlow.js's WebAssembly module aborted, and the model's weights with it");
      }
      // Everything made between the two is disposed of, whatever is thrown; nothing else runs on the engine meanwhile.
      tf.engine().startScope();
      try {
        const feeds: Record<string, ReturnType<typeof toTfjs>> = {};
        makeInputs(tf).forEach((tensor, index) => {
          const name = this.#signature.inputs[index]?.name;
          if (tensor !== undefined && name !== undefined) feeds[name] = tensor;
        });
        return await Promise.all((await this.#network.run(feeds)).map(fromTfjs));
      } finally {
        tf.engine().endScope();
      }
    });
  }
}
