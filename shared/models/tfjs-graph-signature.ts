import type { GraphModel } from '@tensorflow/tfjs-converter';
import { PermanentError } from '../errors.ts';
import type { DType, TensorSpec } from '../tensor.ts';
import { DEFAULT_SIGNATURE, type ModelFiles, type Signature } from './model.ts';
import { MODEL_JSON, type TfjsArtifacts } from './tfjs-artifacts.ts';

export interface GraphSignature {
  readonly signature: Signature;
  /** What the graph calls the inputs and outputs, by our names. */
  readonly graphNames: ReadonlyMap<string, string>;
  readonly untypedOutputs: ReadonlySet<string>;
}

/** TensorInfo in proto3 JSON: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/meta_graph.proto */
interface TensorInfo {
  readonly name?: string;
  readonly dtype?: string | number;
  readonly tensorShape?: {
    readonly dim?: readonly { readonly size?: string | number }[];
    readonly unknownRank?: boolean;
  };
  readonly resourceId?: unknown;
}

type Entries = readonly (readonly [string, TensorInfo])[];

/**
 * What TensorFlow.js computes of each dtype of TensorFlow. int64 is computed in int32 and so declared as int32: an integer
 * beyond it is then its row's error, not another number. Doubles are computed as float32.
 */
const COMPUTED: Readonly<Record<string, DType>> = {
  DT_FLOAT: 'float32',
  DT_HALF: 'float32',
  DT_DOUBLE: 'float32',
  DT_INT32: 'int32',
  DT_INT64: 'int32',
  DT_INT8: 'int32',
  DT_UINT8: 'int32',
  DT_INT16: 'int32',
  DT_UINT16: 'int32',
  DT_BOOL: 'bool',
  DT_STRING: 'string',
};
/** Inputs keep the range of a small integer. */
const NARROW: Readonly<Record<string, DType>> = {
  DT_INT8: 'int8',
  DT_UINT8: 'uint8',
  DT_INT16: 'int16',
  DT_UINT16: 'uint16',
};
/** The numbers of TensorFlow's DataType that a model.json may carry instead of names. */
const DT_NAMES: Readonly<Record<number, string>> = {
  1: 'DT_FLOAT',
  2: 'DT_DOUBLE',
  3: 'DT_INT32',
  4: 'DT_UINT8',
  5: 'DT_INT16',
  6: 'DT_INT8',
  7: 'DT_STRING',
  9: 'DT_INT64',
  10: 'DT_BOOL',
  17: 'DT_UINT16',
  19: 'DT_HALF',
};

/**
 * The signature that the converter kept, or else the graph's placeholders and its ends. Names lose their `:0`.
 * @throws PermanentError UNIMPLEMENTED, naming an input or output of a dtype that TensorFlow.js does not compute.
 */
export function readGraphSignature(files: ModelFiles, artifacts: TfjsArtifacts, model: GraphModel): GraphSignature {
  const declared = declaredSignature(artifacts);
  const inputs = declared.inputs.filter(([, info]) => info.resourceId === undefined && info.dtype !== 'DT_RESOURCE');
  const graphNames = new Map<string, string>();
  const untypedOutputs = new Set<string>();
  const specs = (entries: Entries, side: 'input' | 'output'): TensorSpec[] => {
    const short = new Map(entries.map(([key]) => [key, key.replace(/:0$/, '')]));
    const unique = new Set(short.values()).size === short.size;
    return entries.map(([key, info]) => {
      const name = unique ? (short.get(key) ?? key) : key;
      graphNames.set(name, key);
      return { name, dtype: readDType(files, name, info, side), shape: readShape(info) };
    });
  };
  if (declared.outputs.length > 0) {
    const signature = {
      name: DEFAULT_SIGNATURE,
      inputs: specs(inputs, 'input'),
      outputs: specs(declared.outputs, 'output'),
    };
    return { signature, graphNames, untypedOutputs };
  }
  const toSpec = (node: GraphModel['inputs'][number]): TensorSpec => {
    const shape = node.shape?.map((size) => (size < 0 ? null : size)) ?? null;
    const dtype = node.dtype as string | null | undefined;
    if (dtype === 'complex64') throw unsupported(files, node.name, dtype);
    return { name: node.name, dtype: (dtype ?? 'float32') as DType, shape };
  };
  const outputs = model.outputs.map((node) => ({ ...toSpec(node), shape: null }));
  for (const node of model.outputs) untypedOutputs.add(node.name);
  return {
    signature: { name: DEFAULT_SIGNATURE, inputs: model.inputs.map(toSpec), outputs },
    graphNames,
    untypedOutputs,
  };
}

function declaredSignature({ json }: TfjsArtifacts): { inputs: Entries; outputs: Entries } {
  const metadata = json['userDefinedMetadata'] as { signature?: unknown } | null | undefined;
  const signature = (metadata?.signature ?? json['signature'] ?? {}) as Record<
    string,
    Record<string, TensorInfo> | undefined
  >;
  return { inputs: Object.entries(signature['inputs'] ?? {}), outputs: Object.entries(signature['outputs'] ?? {}) };
}

function readDType(files: ModelFiles, name: string, { dtype }: TensorInfo, side: 'input' | 'output'): DType {
  const named = typeof dtype === 'number' ? (DT_NAMES[dtype] ?? `dtype ${dtype}`) : (dtype ?? 'DT_FLOAT');
  const computed = (side === 'input' ? NARROW[named] : undefined) ?? COMPUTED[named];
  if (computed === undefined) throw unsupported(files, `${side} ${name}`, named);
  return computed;
}

function readShape({ tensorShape }: TensorInfo): (number | null)[] | null {
  if (tensorShape === undefined || tensorShape.unknownRank === true) return null;
  return (tensorShape.dim ?? []).map(({ size }) => (size === undefined || Number(size) < 0 ? null : Number(size)));
}

function unsupported(files: ModelFiles, what: string, dtype: string): PermanentError {
  return new PermanentError(
    'UNIMPLEMENTED',
    `${files.label}: ${MODEL_JSON}: ${what} is ${dtype}, which TensorFlow.js does not compute`,
  );
}
