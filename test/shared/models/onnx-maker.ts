import { seededRandom } from '../../../examples/save-layers-model.ts';

/**
 * Writes small ONNX models by hand, so that tests and benchmarks need no Python: protobuf's wire format
 * (https://protobuf.dev/programming-guides/encoding) of the messages in https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

/** ONNX's TensorProto.DataType. */
const ONNX_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  bfloat16: 16,
} as const;
export type OnnxType = keyof typeof ONNX_TYPES;

/** An input or output. A dimension is a size or a symbolic name; without `shape` the rank is unknown. */
interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape?: readonly (number | string)[];
}

/** A weight: its bytes little-endian, here or in another file. */
interface OnnxTensor {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView | { readonly location: string };
}

type OnnxAttribute = number | string | readonly number[] | OnnxTensor;

interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whole numbers become ints, `{ float }` a float. */
  readonly attributes?: Readonly<Record<string, OnnxAttribute | { readonly float: number }>>;
  /** `ai.onnx.ml` for the classical models. */
  readonly domain?: string;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly (OnnxValue | { readonly name: string })[];
  readonly initializers?: readonly OnnxTensor[];
}

const IR_VERSION = 10;
const OPSET = 20;
const ML_OPSET = 3;

/** The bytes of a ModelProto. */
export function makeOnnx(graph: OnnxGraph): Uint8Array {
  return concat([
    int(1, IR_VERSION),
    text(2, 'fanfold'),
    bytes(7, graphProto(graph)),
    bytes(8, concat([text(1, ''), int(2, OPSET)])),
    bytes(8, concat([text(1, 'ai.onnx.ml'), int(2, ML_OPSET)])),
  ]);
}

export interface MlpOptions {
  readonly inputs: number;
  readonly hidden: readonly number[];
  readonly outputs: number;
  /** After each hidden layer. */
  readonly activation?: 'Relu' | 'Sigmoid' | 'Tanh';
  /** After the last layer; by default nothing. */
  readonly last?: 'Softmax' | 'Sigmoid';
  readonly inputName?: string;
  readonly outputName?: string;
  readonly seed?: number;
}

/** A multilayer perceptron, float32 `[N, inputs]` → `[N, outputs]` (`x` and `y` unless named), with reproducible random weights. */
export function makeMlp(options: MlpOptions): Uint8Array {
  const { inputs, hidden, outputs, activation = 'Relu', last, inputName = 'x', outputName = 'y', seed = 1 } = options;
  const random = seededRandom(seed);
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const sizes = [inputs, ...hidden, outputs];
  let value = inputName;
  for (const [layer, size] of sizes.slice(1).entries()) {
    const from = sizes[layer] ?? 0;
    const isLast = layer === hidden.length;
    const bound = Math.sqrt(6 / (from + size));
    const weights = Float32Array.from({ length: from * size }, () => (random() * 2 - 1) * bound);
    const biases = Float32Array.from({ length: size }, () => (random() * 2 - 1) * 0.1);
    initializers.push({ name: `w${layer}`, type: 'float32', shape: [from, size], data: weights });
    initializers.push({ name: `b${layer}`, type: 'float32', shape: [size], data: biases });
    const op = isLast ? last : activation;
    const sum = op === undefined ? outputName : `sum${layer}`;
    nodes.push({ op: 'Gemm', inputs: [value, `w${layer}`, `b${layer}`], outputs: [sum] });
    value = isLast ? outputName : `hidden${layer}`;
    if (op !== undefined) nodes.push({ op, inputs: [sum], outputs: [value] });
  }
  return makeOnnx({
    nodes,
    initializers,
    inputs: [{ name: inputName, type: 'float32', shape: ['N', inputs] }],
    outputs: [{ name: outputName, type: 'float32', shape: ['N', outputs] }],
  });
}

function graphProto({ nodes, inputs, outputs, initializers = [] }: OnnxGraph): Uint8Array {
  return concat([
    ...nodes.map((node) => bytes(1, nodeProto(node))),
    text(2, 'graph'),
    ...initializers.map((tensor) => bytes(5, tensorProto(tensor))),
    ...inputs.map((value) => bytes(11, valueProto(value))),
    ...outputs.map((value) => bytes(12, 'type' in value ? valueProto(value) : text(1, value.name))),
  ]);
}

function nodeProto({ op, inputs, outputs, attributes = {}, domain }: OnnxNode): Uint8Array {
  return concat([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attributeProto(name, value))),
    ...(domain === undefined ? [] : [text(7, domain)]),
  ]);
}

function attributeProto(name: string, value: OnnxAttribute | { readonly float: number }): Uint8Array {
  const type = (code: number): Uint8Array => int(20, code);
  if (typeof value === 'number') return concat([text(1, name), int(3, value), type(2)]);
  if (typeof value === 'string') return concat([text(1, name), text(4, value), type(3)]);
  if ('float' in value) return concat([text(1, name), float(2, value.float), type(1)]);
  if ('name' in value) return concat([text(1, name), bytes(5, tensorProto(value)), type(4)]);
  return concat([text(1, name), ...value.map((item) => int(8, item)), type(7)]);
}

function tensorProto({ name, type, shape, data }: OnnxTensor): Uint8Array {
  const content = ArrayBuffer.isView(data)
    ? bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    : concat([bytes(13, concat([text(1, 'location'), text(2, data.location)])), int(14, 1)]);
  return concat([...shape.map((size) => int(1, size)), int(2, ONNX_TYPES[type]), text(8, name), content]);
}

function valueProto({ name, type, shape }: OnnxValue): Uint8Array {
  const dimensions = shape?.map((size) => bytes(1, typeof size === 'number' ? int(1, size) : text(2, size)));
  const tensor = concat([int(1, ONNX_TYPES[type]), ...(dimensions ? [bytes(2, concat(dimensions))] : [])]);
  return concat([text(1, name), bytes(2, bytes(1, tensor))]);
}

function int(field: number, value: number): Uint8Array {
  return concat([varint(field * 8), varint(value)]);
}

function float(field: number, value: number): Uint8Array {
  return concat([varint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer)]);
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(value));
}

function bytes(field: number, content: Uint8Array): Uint8Array {
  return concat([varint(field * 8 + 2), varint(content.length), content]);
}

/** Negative numbers are ten bytes of two's complement. */
function varint(value: number): Uint8Array {
  const encoded: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) encoded.push(Number(rest & 0x7fn) | 0x80);
  encoded.push(Number(rest));
  return Uint8Array.from(encoded);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
