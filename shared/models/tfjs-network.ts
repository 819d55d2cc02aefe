import type * as tfc from '@tensorflow/tfjs-core';
import type { Signature } from './model.ts';
import type { Tfjs } from './tfjs-backend.ts';

/** A layers-model or a graph-model on a backend; used only inside `onBackend`. */
export interface TfjsNetwork {
  readonly signature: Signature;
  /** Outputs whose dtype model.json does not tell: known once the network has run. */
  readonly untypedOutputs: ReadonlySet<string>;
  /** Tensors by input name in, tensors in the order of the signature's outputs out; the caller disposes of both. */
  run(inputs: Readonly<Record<string, tfc.Tensor>>): readonly tfc.Tensor[] | Promise<readonly tfc.Tensor[]>;
  dispose(): void;
}

/**
 * Runs `load`, and keeps the tensors it made only where it succeeds.
 * @param kept the tensors of what was loaded that outlive the scope; variables do so by themselves.
 */
export async function loadInScope<T>(
  tf: Tfjs,
  load: () => Promise<T>,
  kept: (loaded: T) => Iterable<tfc.Tensor>,
): Promise<T> {
  const before = new Set(Object.keys(tf.engine().registeredVariables));
  tf.engine().startScope();
  try {
    const loaded = await load();
    for (const tensor of kept(loaded)) tf.keep(tensor);
    return loaded;
  } catch (error) {
    for (const [name, variable] of Object.entries(tf.engine().registeredVariables)) {
      if (!before.has(name)) variable.dispose();
    }
    throw error;
  } finally {
    tf.engine().endScope();
  }
}
