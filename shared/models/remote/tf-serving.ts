import type { DType, TensorSpec } from '../../tensor.ts';
import { fromTensorFlowName } from '../dtype-names.ts';
import { BASE64_OBJECT } from './exact-json.ts';
import type { JsonDialect } from './exact-json.ts';
import { extended } from './protocol.ts';
import type { Protocol, ServerSignature } from './protocol.ts';
import { readPredictions, writeInstances } from './row-format.ts';

const DIALECT: JsonDialect = { specials: 'words', bytes: BASE64_OBJECT };
/** TensorFlow's own: what makes a SavedModel ready is no prediction. */
const HIDDEN_SIGNATURE = '__saved_model_init_op';

/**
 * TensorFlow Serving's REST API: `…/v1/models/m[/versions/3]`.
 * Source: https://github.com/tensorflow/serving/blob/master/tensorflow_serving/g3doc/api_rest.md
 */
export const tfServing: Protocol = {
  predictUrl: (base) => extended(base, ':predict'),
  metadataUrl: (base) => extended(base, '/metadata'),
  readMetadata,
  write: (config, signature, inputs, rows) => {
    const instances = writeInstances(config, signature, inputs, rows, DIALECT);
    return `{"signature_name":${JSON.stringify(signature.name)},"instances":${instances}}`;
  },
  read: readPredictions,
};

/** The proto3 JSON of SignatureDefMap: int64 sizes are strings, -1 is any. */
interface TensorInfo {
  readonly dtype?: string;
  readonly tensor_shape?: {
    readonly dim?: readonly { readonly size?: string | number }[];
    readonly unknown_rank?: boolean;
  };
}

interface SignatureDef {
  readonly inputs?: Readonly<Record<string, TensorInfo>>;
  readonly outputs?: Readonly<Record<string, TensorInfo>>;
  readonly method_name?: string;
}

interface Metadata {
  readonly metadata?: { readonly signature_def?: { readonly signature_def?: Readonly<Record<string, SignatureDef>> } };
}

function readMetadata(answer: unknown): Readonly<Record<string, ServerSignature>> {
  const defs = (answer as Metadata | null)?.metadata?.signature_def?.signature_def;
  if (defs === undefined || typeof defs !== 'object') throw new Error('found no metadata.signature_def.signature_def');
  const signatures = Object.entries(defs).flatMap(([name, def]) => {
    const inputs = specsOf(def.inputs ?? {});
    const outputs = specsOf(def.outputs ?? {});
    if (name === HIDDEN_SIGNATURE || inputs === undefined || outputs === undefined || outputs.length === 0) return [];
    const method = def.method_name;
    return [[name, { inputs, outputs, ...(method !== undefined && { method }) }] as const];
  });
  return Object.fromEntries(signatures);
}

/** Undefined where one has a dtype that Fanfold has not. */
function specsOf(infos: Readonly<Record<string, TensorInfo>>): TensorSpec[] | undefined {
  const specs = Object.entries(infos).map(([name, { dtype = '', tensor_shape: shape = {} }]) => ({
    name,
    dtype: fromTensorFlowName(dtype),
    shape: shape.unknown_rank === true ? null : (shape.dim ?? []).map(({ size = 0 }) => sizeOf(Number(size))),
  }));
  return specs.every((spec): spec is typeof spec & { dtype: DType } => spec.dtype !== undefined) ? specs : undefined;
}

function sizeOf(size: number): number | null {
  if (!Number.isSafeInteger(size)) throw new Error(`found a dimension of ${size}`);
  return size < 0 ? null : size;
}
