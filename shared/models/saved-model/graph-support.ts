import { DT, type AttrValue } from './graph-def.ts';
import { intAttr, typeAttr } from './graph-node.ts';

/** Which operations run, and how. */

/** Those that TensorFlow.js's graph executor runs as TensorFlow does, on numbers. */
const PLAIN = new Set(
  `Abs Acos Acosh Add AddN AddV2 All Any ArgMax ArgMin Asin Asinh Atan Atan2 Atanh AvgPool AvgPool3D BatchMatMul BatchMatMulV2
  BatchToSpaceND BiasAdd Bincount BroadcastArgs BroadcastTo Cast Ceil ClipByValue Complex ComplexAbs Concat ConcatV2 Conv2D
  Conv2DBackpropInput Conv3D Cos Cosh CropAndResize Cumprod Cumsum DenseBincount DepthToSpace DepthwiseConv2d DepthwiseConv2dNative
  Dilation2D Div DivNoNan Einsum Elu Equal Erf EuclideanNorm Exp ExpandDims Expm1 FFT Fill Floor FloorDiv FloorMod
  FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Gather GatherNd GatherV2 Greater GreaterEqual IFFT IRFFT Imag
  ImageProjectiveTransformV3 IsFinite IsInf IsNan LRN LeakyRelu Less LessEqual LinSpace Log Log1p LogSoftmax LogicalAnd LogicalNot
  LogicalOr LowerBound MatMul  Max MaxPool MaxPool3D MaxPoolWithArgmax Maximum Mean Min Minimum MirrorPad Mod Mul Neg
  NotEqual OneHot OnesLike Pack Pad PadV2 Pow Prelu Prod RFFT  Range Rank Real RealDiv
  Reciprocal Relu Relu6 Reshape ResizeBilinear ResizeNearestNeighbor Reverse ReverseV2 Round Rsqrt ScatterNd Select SelectV2 Selu
  Shape ShapeN Sigmoid Sign Sin Sinh Size Slice Softmax Softplus SpaceToBatchND SparseFillEmptyRows SparseReshape SparseSegmentMean
  SparseSegmentSum SparseToDense Split SplitV Sqrt Square SquaredDifference Squeeze StridedSlice Sub Sum Tan Tanh
  TensorScatterUpdate Tile TopKV2 Transpose Unique UniqueV2 Unpack UpperBound ZerosLike _FusedConv2D _FusedMatMul`.split(
    /\s+/,
  ),
);

/** Those that only move elements, whatever they are: strings move as their numbers in the pool. */
const MOVES = new Set(
  `BroadcastTo Concat ConcatV2 ExpandDims Fill Gather GatherNd GatherV2 OneHot Pack Pad PadV2 
  Rank Reshape Reverse ReverseV2 Select SelectV2 ScatterNd Shape ShapeN Size Slice SparseFillEmptyRows SparseToDense Split SplitV Squeeze
  StridedSlice TensorScatterUpdate Tile Transpose Unpack ZerosLike`.split(/\s+/),
);

type Attrs = ReadonlyMap<string, AttrValue>;

/** A cast to them keeps the low bits. */
const NARROW = new Set<number>([DT.INT8, DT.UINT8, DT.INT16, DT.UINT16]);

/** Operations of the wasm backend that are wrong or lack a kernel are found by tfjs-graph-def.ts. */
export function isPlain(op: string, types: readonly (number | undefined)[], attrs: Attrs): boolean {
  return PLAIN.has(op) && (MOVES.has(op) || !types.includes(DT.STRING)) && !differs(op, attrs);
}

/** What TensorFlow.js leaves out of an operation that it has: we run it ourselves. */
function differs(op: string, attrs: Attrs): boolean {
  // WebAssembly slices floats only, and graphs slice shapes everywhere: better than all of it in plain JavaScript.
  if (op === 'StridedSlice') return computedType(typeAttr(attrs, 'T') ?? DT.FLOAT) !== 'float32';
  // TensorFlow.js multiplies everything with everything before it sums, and only on the cpu.
  if (op === 'Einsum') return typeAttr(attrs, 'T') === DT.FLOAT;
  if (op === 'OneHot') return intAttr(attrs, 'axis', -1) !== -1;
  if (op === 'Cast') return NARROW.has(typeAttr(attrs, 'DstT') ?? 0) && typeAttr(attrs, 'SrcT') !== DT.BOOL;
  return false;
}

/** What TensorFlow.js computes a DataType in; undefined for one that it has not. */
export function computedType(type: number): 'float32' | 'int32' | 'bool' | 'string' | 'complex64' | undefined {
  switch (type) {
    case DT.FLOAT:
    case DT.DOUBLE:
    case DT.HALF:
    case DT.BFLOAT16:
      return 'float32';
    case DT.INT8:
    case DT.UINT8:
    case DT.INT16:
    case DT.UINT16:
    case DT.INT32:
    case DT.UINT32:
    case DT.INT64:
    case DT.UINT64:
      return 'int32';
    case DT.BOOL:
      return 'bool';
    case DT.STRING:
      return 'string';
    case DT.COMPLEX64:
      return 'complex64';
    default:
      return undefined;
  }
}
