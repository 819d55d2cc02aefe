import type {
  ArgDef,
  AssetFile,
  AttrValue,
  FunctionCall,
  FunctionDef,
  GraphDef,
  MetaGraph,
  NodeDef,
  SignatureDef,
  TensorInfo,
  TensorProto,
  TensorShape,
} from './graph-def.ts';
import type {
  Entry,
  RawAsset,
  RawAttr,
  RawCall,
  RawFunction,
  RawGraphDef,
  RawList,
  RawLong,
  RawMetaGraph,
  RawNode,
  RawShape,
  RawSignature,
  RawTensor,
  RawTensorInfo,
} from './proto-raw.ts';

/** What protobufjs decodes, turned into the types of graph-def.ts. */

export function metaGraphOf(raw: RawMetaGraph): MetaGraph {
  return {
    tags: raw.metaInfoDef?.tags ?? [],
    tensorflowVersion: raw.metaInfoDef?.tensorflowVersion ?? '',
    graph: raw.graphDef ? graphOf(raw.graphDef) : { nodes: [], functions: [] },
    saver: raw.saverDef ?? undefined,
    collections: mapOf(raw.collectionDef, ({ nodeList, bytesList, anyList }) => ({
      nodes: nodeList?.value ?? [],
      bytes: bytesList?.value ?? anyList?.value.map((any) => any.value) ?? [],
    })),
    signatures: mapOf(raw.signatureDef, signatureOf),
    assets: raw.assetFileDef.map(assetOf),
  };
}

export function assetOf({ tensorInfo, filename }: RawAsset): AssetFile {
  return { tensorName: tensorInfo?.name ?? '', filename };
}

/** The exact value; unsigned where the field is. */
function bigintOf(raw: RawLong): bigint {
  if (typeof raw === 'number') return BigInt(raw);
  const bits = (BigInt(raw.high >>> 0) << 32n) | BigInt(raw.low >>> 0);
  return raw.unsigned ? bits : BigInt.asIntN(64, bits);
}

/** As a number: exact up to 2^53, which bounds every size that can be true. */
export function numberOf(raw: RawLong): number {
  return typeof raw === 'number' ? raw : (raw.unsigned ? raw.high >>> 0 : raw.high) * 2 ** 32 + (raw.low >>> 0);
}

export function shapeOf(raw: RawShape | null): TensorShape {
  if (raw?.unknownRank) return null;
  return raw?.dim.map(({ size }) => numberOf(size)) ?? [];
}

/** Of a key that stands twice the last counts, as protobuf has it. */
function mapOf<R, T>(entries: readonly Entry<R>[], convert: (raw: R) => T): Map<string, T> {
  return new Map(entries.flatMap(({ key, value }) => (value === null ? [] : [[key, convert(value)] as const])));
}

function signatureOf(raw: RawSignature): SignatureDef {
  return { inputs: mapOf(raw.inputs, infoOf), outputs: mapOf(raw.outputs, infoOf), methodName: raw.methodName };
}

function infoOf(raw: RawTensorInfo): TensorInfo {
  const sparse = raw.cooSparse;
  return {
    name: raw.name,
    dtype: raw.dtype,
    // Without a shape nothing is known of it, not that it is a scalar.
    shape: raw.tensorShape ? shapeOf(raw.tensorShape) : null,
    sparse: sparse
      ? {
          values: sparse.valuesTensorName,
          indices: sparse.indicesTensorName,
          denseShape: sparse.denseShapeTensorName,
        }
      : undefined,
  };
}

function graphOf(raw: RawGraphDef): GraphDef {
  return { nodes: raw.node.map(nodeOf), functions: (raw.library?.function ?? []).map(functionOf) };
}

function nodeOf(raw: RawNode): NodeDef {
  return { name: raw.name, op: raw.op, inputs: raw.input, attrs: mapOf(raw.attr, attrOf) };
}

function functionOf(raw: RawFunction): FunctionDef {
  return {
    name: raw.signature?.name ?? '',
    inputs: raw.signature?.inputArg.map(argOf) ?? [],
    outputs: raw.signature?.outputArg.map(argOf) ?? [],
    attrs: mapOf(raw.attr, attrOf),
    nodes: raw.nodeDef.map(nodeOf),
    ret: mapOf(raw.ret, (name) => name),
    controlRet: mapOf(raw.controlRet, (name) => name),
  };
}

function argOf({ name, type, typeAttr, numberAttr, typeListAttr }: ArgDef): ArgDef {
  return { name, type, typeAttr, numberAttr, typeListAttr };
}

function callOf(raw: RawCall): FunctionCall {
  return { name: raw.name, attrs: mapOf(raw.attr, attrOf) };
}

function attrOf(raw: RawAttr): AttrValue {
  switch (raw.value) {
    case 's':
      return { kind: 's', value: raw.s };
    case 'i':
      return { kind: 'i', value: bigintOf(raw.i) };
    case 'f':
      return { kind: 'f', value: raw.f };
    case 'b':
      return { kind: 'b', value: raw.b };
    case 'type':
      return { kind: 'type', value: raw.type };
    case 'shape':
      return { kind: 'shape', value: shapeOf(raw.shape) };
    case 'tensor':
      return { kind: 'tensor', value: tensorOf(raw.tensor) };
    case 'placeholder':
      return { kind: 'placeholder', value: raw.placeholder };
    case 'func':
      return { kind: 'func', value: callOf(raw.func) };
    case 'list':
      return { kind: 'list', value: listOf(raw.list) };
    case undefined:
      return { kind: 'none' };
    default:
      return raw.value satisfies never;
  }
}

function listOf(raw: RawList): Extract<AttrValue, { kind: 'list' }>['value'] {
  const { s, f, b, type } = raw;
  return {
    s,
    f,
    b,
    type,
    i: raw.i.map(bigintOf),
    shape: raw.shape.map(shapeOf),
    tensor: raw.tensor.map(tensorOf),
    func: raw.func.map(callOf),
  };
}

function tensorOf(raw: RawTensor): TensorProto {
  const { dtype, halfVal, floatVal, doubleVal, intVal, stringVal, boolVal, uint32Val } = raw;
  return {
    ...{ dtype, halfVal, floatVal, doubleVal, intVal, stringVal, boolVal, uint32Val },
    shape: shapeOf(raw.tensorShape),
    content: raw.tensorContent,
    int64Val: raw.int64Val.map(bigintOf),
    uint64Val: raw.uint64Val.map(bigintOf),
  };
}
