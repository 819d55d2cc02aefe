/**
 * TensorFlow's protos as we decode them: plain objects, maps as `Map` (a name such as `__proto__` is only a key), 64-bit attributes as bigint.
 * Source: https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core/protobuf and …/core/framework
 */

/** `tensorflow.DataType`: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/types.proto */
export const DT = {
  FLOAT: 1,
  DOUBLE: 2,
  INT32: 3,
  UINT8: 4,
  INT16: 5,
  INT8: 6,
  STRING: 7,
  COMPLEX64: 8,
  INT64: 9,
  BOOL: 10,
  QINT8: 11,
  QUINT8: 12,
  QINT32: 13,
  BFLOAT16: 14,
  QINT16: 15,
  QUINT16: 16,
  UINT16: 17,
  COMPLEX128: 18,
  HALF: 19,
  RESOURCE: 20,
  VARIANT: 21,
  UINT32: 22,
  UINT64: 23,
} as const;

/** A type of a TF1 reference variable is its value's plus this. */
const DT_REF = 100;

const NAMES = new Map<number, string>(Object.entries(DT).map(([name, value]) => [value, `DT_${name}`]));

/** `DT_FLOAT`, `DT_FLOAT_REF`, or `DataType 99` where we know no name. */
export function dataTypeName(type: number): string {
  const name = NAMES.get(valueType(type)) ?? `DataType ${valueType(type)}`;
  return type > DT_REF ? `${name}_REF` : name;
}

/** A reference type's value type; any other type as it is. */
export function valueType(type: number): number {
  return type > DT_REF ? type - DT_REF : type;
}

export interface SavedModel {
  /** The chosen one: of the tag `serve`, or the only one. */
  readonly metaGraph: MetaGraph;
}

export interface MetaGraph {
  readonly tags: readonly string[];
  /** Of the TensorFlow that saved it; empty where it does not say. */
  readonly tensorflowVersion: string;
  readonly graph: GraphDef;
  /** TF1's: names of the tensors and operations that restore the variables. */
  readonly saver: SaverDef | undefined;
  readonly collections: ReadonlyMap<string, Collection>;
  readonly signatures: ReadonlyMap<string, SignatureDef>;
  readonly assets: readonly AssetFile[];
}

interface SaverDef {
  readonly filenameTensorName: string;
  readonly saveTensorName: string;
  readonly restoreOpName: string;
}

/** Names of nodes or tensors, or serialized protos (bare, or taken out of their Any); the other kinds of a CollectionDef are not read. */
interface Collection {
  readonly nodes: readonly string[];
  readonly bytes: readonly Uint8Array[];
}

/** A file under `assets/`, and the tensor that holds its path. `filename` is as written: nobody has checked it. */
export interface AssetFile {
  readonly tensorName: string;
  readonly filename: string;
}

export interface SignatureDef {
  readonly inputs: ReadonlyMap<string, TensorInfo>;
  readonly outputs: ReadonlyMap<string, TensorInfo>;
  readonly methodName: string;
}

export interface TensorInfo {
  /** `node:0`; empty where it is a sparse or composite tensor. */
  readonly name: string;
  readonly sparse: SparseTensorInfo | undefined;
  readonly dtype: number;
  readonly shape: TensorShape;
}

interface SparseTensorInfo {
  readonly values: string;
  readonly indices: string;
  readonly denseShape: string;
}

/** Sizes of the dimensions, −1 where unknown; null for an unknown rank. */
export type TensorShape = readonly number[] | null;

export interface GraphDef {
  readonly nodes: readonly NodeDef[];
  readonly functions: readonly FunctionDef[];
}

export interface NodeDef {
  readonly name: string;
  readonly op: string;
  /** `node`, `node:1`, `^control`; in a function's body also `node:output:0` and an argument's bare name. */
  readonly inputs: readonly string[];
  readonly attrs: ReadonlyMap<string, AttrValue>;
}

export type AttrValue =
  | { readonly kind: 's'; readonly value: Uint8Array }
  | { readonly kind: 'i'; readonly value: bigint }
  | { readonly kind: 'f'; readonly value: number }
  | { readonly kind: 'b'; readonly value: boolean }
  | { readonly kind: 'type'; readonly value: number }
  | { readonly kind: 'shape'; readonly value: TensorShape }
  | { readonly kind: 'tensor'; readonly value: TensorProto }
  | { readonly kind: 'func'; readonly value: FunctionCall }
  | { readonly kind: 'placeholder'; readonly value: string }
  | { readonly kind: 'list'; readonly value: AttrList }
  /** A value that is not set, or of a kind that we do not know. */
  | { readonly kind: 'none' };

/** Mostly all but one are empty. */
export interface AttrList {
  readonly s: readonly Uint8Array[];
  readonly i: readonly bigint[];
  readonly f: readonly number[];
  readonly b: readonly boolean[];
  readonly type: readonly number[];
  readonly shape: readonly TensorShape[];
  readonly tensor: readonly TensorProto[];
  readonly func: readonly FunctionCall[];
}

/** NameAttrList: a function by name. */
export interface FunctionCall {
  readonly name: string;
  readonly attrs: ReadonlyMap<string, AttrValue>;
}

export interface FunctionDef {
  readonly name: string;
  readonly inputs: readonly ArgDef[];
  readonly outputs: readonly ArgDef[];
  readonly attrs: ReadonlyMap<string, AttrValue>;
  readonly nodes: readonly NodeDef[];
  /** The tensor behind each output: `node:output:0`, or an argument's name. */
  readonly ret: ReadonlyMap<string, string>;
  /** Nodes that run for their effect. */
  readonly controlRet: ReadonlyMap<string, string>;
}

export interface ArgDef {
  readonly name: string;
  /** 0 where `typeAttr`, `numberAttr` or `typeListAttr` tells instead. */
  readonly type: number;
  readonly typeAttr: string;
  readonly numberAttr: string;
  readonly typeListAttr: string;
}

/** A constant: `tensorValues` of tensor-proto.ts reads it. */
export interface TensorProto {
  readonly dtype: number;
  readonly shape: TensorShape;
  /** Raw little-endian values; empty where one of the lists holds them. */
  readonly content: Uint8Array;
  /** Bits of half or bfloat16 values. */
  readonly halfVal: readonly number[];
  readonly floatVal: readonly number[];
  readonly doubleVal: readonly number[];
  /** int32, and the smaller integers. */
  readonly intVal: readonly number[];
  readonly stringVal: readonly Uint8Array[];
  readonly int64Val: readonly bigint[];
  readonly boolVal: readonly boolean[];
  readonly uint32Val: readonly number[];
  readonly uint64Val: readonly bigint[];
}
