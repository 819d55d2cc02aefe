import type { Tensors, TensorSpec } from '../tensor.ts';

/** What a model can be asked, as saved_model_cli shows it. */
export interface Signature {
  readonly name: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** TensorFlow's method name (`tensorflow/serving/predict`), where the model carries one. */
  readonly method?: string;
  /** One of its inputs takes serialized tf.Examples: rows are made into them. */
  readonly examples?: ExampleInput;
}

/** An input (dtype string, shape [null]) whose every element is a serialized tf.Example. */
export interface ExampleInput {
  readonly input: string;
  /** What the graph parses out of them; undefined where nobody tells. */
  readonly features?: readonly FeatureSpec[];
}

/** A feature of a tf.Example, as tf.io.parse_example takes it. */
export interface FeatureSpec {
  readonly name: string;
  readonly dtype: 'float32' | 'int64' | 'string';
  /** Of one Example's values; null: a list of any length (VarLenFeature), which may be missing. */
  readonly shape: readonly number[] | null;
  /** It may be missing: the graph has a default for it. */
  readonly optional: boolean;
}

/** A loaded model: one session in one thread. */
export interface Model {
  /** The library, its version and, where there is a choice, the backend that computes: `tfjs 4.22.0 (wasm)`. */
  readonly runtime: string;
  /** By name; a runtime without named signatures has exactly `serving_default`. */
  readonly signatures: Readonly<Record<string, Signature>>;
  /** Signatures that the model has and nothing here runs, with the reason; asking for one fails with exactly that. */
  readonly refused?: Readonly<Record<string, string>>;
  /** Bytes held in memory by the weights. */
  readonly byteSize: number;
  /**
   * Scores one batch. Every input has the shape `[rows, ...rowShape]` (or no batch dimension where its spec has none).
   * Returns one tensor per output of the signature. Holds nothing of the batch afterwards.
   * @throws RowFailures where it knows the rows that cannot be scored; else whatever the runtime throws: the caller halves the batch and
   * tries again.
   */
  predict(signature: string, inputs: Tensors): Promise<Tensors>;
  /** Releases the session and its memory. */
  dispose(): Promise<void>;
}

/** The files of one model version, read through a port; names are relative, with `/` between segments. */
export interface ModelFiles {
  /** For messages: `digits@3`, or the folder's path. */
  readonly label: string;
  readonly names: readonly string[];
  /** @throws PermanentError NOT_FOUND where the version holds no such file. */
  read(name: string): Promise<Uint8Array>;
}

export const DEFAULT_SIGNATURE = 'serving_default';
