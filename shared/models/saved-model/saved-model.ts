import { errorInfo, PermanentError } from '../../errors.ts';
import type { Tensor, Tensors } from '../../tensor.ts';
import { DEFAULT_SIGNATURE, type Model, type Signature } from '../model.ts';
import { ModelLostError } from '../model-lost-error.ts';
import { printable } from '../printable.ts';
import { backendEpoch, hasTensorFlow, onBackend, type TfjsBackendName, type TfjsOptions } from '../tfjs-backend.ts';
import { RowFailures } from '../row-failures.ts';
import { EndlessLoopError } from './run-control.ts';
import { SAVED_MODEL_OPS } from './run-ops.ts';
import { Runner } from './run-body.ts';
import type { StringPool } from './run-strings.ts';
import type { Value } from './run-value.ts';
import type { Weights } from './run-weights.ts';
import type { RunnableSignature } from './signature.ts';
import { fromGraph, toFloats, toGraph } from './signature-values.ts';
import type * as tfc from '@tensorflow/tfjs-core';

export interface SavedModelParts {
  readonly label: string;
  readonly runnable: ReadonlyMap<string, RunnableSignature>;
  readonly refused: ReadonlyMap<string, PermanentError>;
  readonly weights: Weights;
  readonly strings: StringPool;
  readonly options: TfjsOptions;
}

/**
 * A SavedModel on TensorFlow.js: its operations on libtensorflow where tfjs-node is installed, else on WebAssembly where that is right, else in plain
 * JavaScript.
 */
export class SavedModelModel implements Model {
  readonly runtime: string;
  readonly signatures: Readonly<Record<string, Signature>>;
  readonly refused: Readonly<Record<string, string>>;
  readonly byteSize: number;
  readonly #parts: SavedModelParts;
  readonly #runner: Runner;
  readonly #wasmEpoch = backendEpoch('wasm');
  #disposed: Promise<void> | undefined;

  private constructor(parts: SavedModelParts, runner: Runner, version: string, backend: TfjsBackendName) {
    this.#parts = parts;
    this.#runner = runner;
    this.runtime = `tfjs ${version} (${backend})`;
    this.byteSize = parts.weights.byteSize;
    this.signatures = Object.fromEntries([...parts.runnable].map(([name, { signature }]) => [name, signature]));
    this.refused = Object.fromEntries([...parts.refused].map(([name, { message }]) => [name, printable(message)]));
  }

  static async open(parts: SavedModelParts): Promise<SavedModelModel> {
    const { weights, strings, options, runnable } = parts;
    const fastest =
      options.tfjsBackend ?? (options.tfjsNode !== false && (await hasTensorFlow()) ? 'tensorflow' : 'wasm');
    const runner = new Runner(weights, strings, SAVED_MODEL_OPS, fastest);
    const shown = runnable.get(DEFAULT_SIGNATURE) ?? [...runnable.values()][0];
    const backend = shown === undefined ? 'cpu' : runner.backendOf(shown.plan);
    return onBackend(backend, (tf) => new SavedModelModel(parts, runner, tf.version_core, backend));
  }

  /**
   * @throws PermanentError INVALID_ARGUMENT for a name that no signature has, and what a refused one was refused with; RowFailures of all rows where a
   * loop does not end.
   */
  async predict(name: string, inputs: Tensors): Promise<Tensors> {
    const { runnable, refused, label } = this.#parts;
    const refusal = refused.get(name);
    if (refusal !== undefined) throw new PermanentError(refusal.status, refusal.message, { cause: refusal });
    const known = runnable.get(name);
    if (known === undefined) {
      const names = [...runnable.keys()].join(', ');
      throw new PermanentError('INVALID_ARGUMENT', `${label} has no signature ${name}; it has ${names}`);
    }
    const { signature, plan, outputs } = known;
    const computed =
      plan.outputs.length === 0
        ? []
        : await this.#run(known, inputs).catch((error: unknown) => forAllRows(error, inputs));
    const values = outputs.map((from, index): [string, Tensor] => {
      const spec = signature.outputs[index] as Signature['outputs'][number];
      const tensor = from.kind === 'computed' ? computed[from.place] : inputs[from.name];
      if (tensor === undefined) throw new PermanentError('INVALID_ARGUMENT', `input ${spec.name} is missing`);
      return [spec.name, tensor];
    });
    return Object.fromEntries(values);
  }

  dispose(): Promise<void> {
    return (this.#disposed ??= onBackend('cpu', () => {
      this.#parts.weights.dispose(this.#wasmEpoch === backendEpoch('wasm'));
    }));
  }

  #run(
    { signature, plan, outputs, used, usedAsFloat }: RunnableSignature,
    inputs: Tensors,
  ): Promise<readonly Tensor[]> {
    if (this.#disposed !== undefined) throw new Error('the model is disposed of');
    const { strings, weights } = this.#parts;
    return onBackend(this.#runner.backendOf(plan), async (tf, use) => {
      if (weights.onWasm && this.#wasmEpoch !== backendEpoch('wasm')) {
        throw new ModelLostError("TensorFlow.js's WebAssembly module aborted, and the model's weights with it");
      }
      const stringCount = strings.count;
      // Everything made between the two is disposed of, whatever is thrown; nothing else runs on the engine meanwhile.
      tf.engine().startScope();
      try {
        const args = signature.inputs.map((spec): Value =>
          used.has(spec.name) ? toGraph(tf, strings, spec, inputs[spec.name]) : undefined,
        );
        const floats = signature.inputs.map((spec): Value =>
          usedAsFloat.has(spec.name) ? toFloats(tf, spec, inputs[spec.name]) : undefined,
        );
        const values = await this.#runner.run(tf, use, plan, [...args, ...floats]);
        const dtypes = signature.outputs
          .filter((_, index) => outputs[index]?.kind === 'computed')
          .map(({ dtype }) => dtype);
        return dtypes.map((dtype, place) => fromGraph(strings, dtype, values[place] as tfc.Tensor));
      } finally {
        this.#runner.end();
        tf.engine().endScope();
        strings.release(stringCount);
      }
    });
  }
}

/** A loop without end is not run again for every half of the batch: its rows fail together. */
function forAllRows(error: unknown, inputs: Tensors): never {
  if (!(error instanceof EndlessLoopError)) throw error;
  const rows = Math.max(1, ...Object.values(inputs).map(({ shape }) => shape[0] ?? 1));
  const info = errorInfo('RESOURCE_EXHAUSTED', error.message);
  throw new RowFailures(new Map(Array.from({ length: rows }, (_, row) => [row, info])));
}
