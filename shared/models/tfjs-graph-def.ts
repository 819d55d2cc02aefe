import type { TfjsArtifacts } from './tfjs-artifacts.ts';
import { convolvesWrongly } from './tfjs-conv.ts';

/** The parts that we read of a GraphDef in proto3 JSON: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/graph.proto */
export interface GraphNode {
  name: string;
  op: string;
  input?: string[];
  attr?: Record<string, GraphAttribute>;
}

interface GraphAttribute {
  readonly type?: unknown;
  readonly i?: string | number;
  /** Base64, or character codes. */
  readonly s?: string | readonly number[];
  readonly list?: { readonly i?: readonly (string | number)[]; readonly type?: readonly unknown[] };
}

interface GraphDef {
  readonly node?: GraphNode[];
  readonly library?: { readonly function?: readonly { readonly nodeDef?: GraphNode[] }[] };
}

/** Control flow and tables: they run on the cpu backend, as their tensors of lists and strings have no place in WebAssembly. */
const CPU_OPS =
  /^(If|While|Stateless(If|While)|Switch|Merge|Enter|Exit|LoopCond|NextIteration|Tensor(List|Array)\w+|EmptyTensorList|(Mutable)?(Dense)?HashTable(V2)?|LookupTable\w+)$/;

/**
 * Kernels that the cpu backend registers and the wasm backend (4.22) does not, by the operations that run them; and those that it gets
 * wrong: MaxPool3D, Cumprod and Dilation2D, which write beyond their memory.
 */
const CPU_KERNELS =
  /^(Complex|ComplexAbs|Einsum|I?R?FFT|Imag|Real|Ragged\w+|StaticRegexReplace|String\w+|(Unsorted)?SegmentSum|Draw|Cumprod|MaxPool3D|Dilation2D|\w*Backprop(Filter|Input))$/;
const TRANSPOSED_CONVOLUTION = 'Conv2DBackpropInput';

const CONVOLUTIONS = /^(_?Fused)?(Conv1D|Conv2D|Conv3D|DepthwiseConv2d(Native)?)$/;
/** Strides are of all four dimensions, NHWC. */
const SPATIAL = { start: 1, end: -1 } as const;
const DT_STRING = 7;
const DT_FLOAT = 1;
const DT_BOOL = 10;

/** Every node of the graph, its initializer and its functions. */
export function graphNodes(artifacts: Pick<TfjsArtifacts, 'topology' | 'json'>): GraphNode[] {
  const graphs = [artifacts.topology, artifacts.json['modelInitializer']] as (GraphDef | null | undefined)[];
  return graphs.flatMap((graph) => [
    ...(graph?.node ?? []),
    ...(graph?.library?.function ?? []).flatMap((fn) => fn.nodeDef ?? []),
  ]);
}

/** Whether the wasm backend cannot compute the graph, or not rightly. A string kernel would abort its module, so this is known before. */
export function graphNeedsCpu(artifacts: Pick<TfjsArtifacts, 'topology' | 'json' | 'weights'>): boolean {
  const weights = new Map(artifacts.weights.map((weight) => [weight.name, weight]));
  if (artifacts.weights.some((weight) => weight.dtype === 'string')) return true;
  const isWrong = (node: GraphNode): boolean => {
    if (!CONVOLUTIONS.test(node.op) || text(node.attr?.['padding']) !== 'SAME') return false;
    const strides = node.attr?.['strides']?.list?.i?.map(Number) ?? [];
    const kernel = weights.get((node.input?.[1] ?? '').replace(/:0$/, ''))?.shape.slice(0, -2) ?? [];
    return convolvesWrongly(kernel, strides.slice(SPATIAL.start, SPATIAL.end));
  };
  return graphNodes(artifacts).some(
    (node) =>
      CPU_OPS.test(node.op) ||
      (CPU_KERNELS.test(node.op) && node.op !== TRANSPOSED_CONVOLUTION) ||
      Object.values(node.attr ?? {}).some(hasStrings) ||
      isWrong(node) ||
      mistakesDtype(node),
  );
}

/**
 * What WebAssembly (4.22) computes wrongly by dtype: found by comparing its kernels with the cpu backend's. It keeps an integer's low byte for a bool, rounds
 * powers of integers, writes a float one-hot's values as integers' bits, clips integers as if they were floats, slices
 * by steps and resizes anything as floats, writes beyond a bool tensor's memory, and gathers with batch dimensions from the first batch.
 */
function mistakesDtype({ op, attr }: GraphNode): boolean {
  const [isFloat, isBool] = [isType(attr?.['T'], 'DT_FLOAT', DT_FLOAT), isType(attr?.['T'], 'DT_BOOL', DT_BOOL)];
  switch (op) {
    case 'OneHot':
      return isFloat;
    case 'Pow':
    case 'ClipByValue':
      return attr?.['T'] !== undefined && !isFloat;
    case 'StridedSlice':
    case 'ResizeNearestNeighbor':
      return attr?.['T'] !== undefined && !isFloat;
    case 'TopKV2':
    case 'Reverse':
    case 'ReverseV2':
    case 'Select':
    case 'SelectV2':
      return isBool;
    case 'GatherV2':
      return Number(attr?.['batch_dims']?.i ?? 0) !== 0;
    case 'Cast':
      return isType(attr?.['DstT'], 'DT_BOOL', DT_BOOL);
    default:
      return false;
  }
}

function isType(attribute: GraphAttribute | undefined, name: string, value: number): boolean {
  return attribute?.type === name || attribute?.type === value;
}

function hasStrings(attribute: GraphAttribute): boolean {
  return [attribute.type, ...(attribute.list?.type ?? [])].some((type) => type === 'DT_STRING' || type === DT_STRING);
}

function text(attribute: GraphAttribute | undefined): string {
  const { s = '' } = attribute ?? {};
  return typeof s === 'string' ? Buffer.from(s, 'base64').toString() : String.fromCharCode(...s);
}
