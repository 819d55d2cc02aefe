/**
 * What ONNX Runtime does not tell of a model: which other files hold its weights, and which inputs and outputs have no rank.
 * Reads just those fields of the protobuf, by https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

export interface OnnxScan {
  /** The `location` of every tensor with external data, once each. */
  readonly externalFiles: ReadonlySet<string>;
  /** Graph inputs and outputs whose type carries no shape. */
  readonly unranked: ReadonlySet<string>;
}

/** As deep as protobuf's own parsers go. */
const MAX_DEPTH = 100;

const utf8 = new TextDecoder();

interface Found {
  externalFiles: Set<string>;
  unranked: Set<string>;
}

/** Fields that lead to tensors, by message: `[field number, message it holds]`. */
type MessageName = 'Model' | 'Graph' | 'Node' | 'Attribute' | 'Tensor' | 'SparseTensor' | 'Function' | 'Training';
const CHILDREN: Readonly<Record<MessageName, Readonly<Record<number, MessageName>>>> = {
  Model: { 7: 'Graph', 20: 'Training', 25: 'Function' },
  Graph: { 1: 'Node', 5: 'Tensor', 15: 'SparseTensor' },
  Node: { 5: 'Attribute' },
  Attribute: { 5: 'Tensor', 6: 'Graph', 10: 'Tensor', 11: 'Graph', 22: 'SparseTensor', 23: 'SparseTensor' },
  Tensor: {},
  SparseTensor: { 1: 'Tensor', 2: 'Tensor' },
  Function: { 7: 'Node', 11: 'Attribute' },
  Training: { 1: 'Graph', 2: 'Graph' },
};
const GRAPH_INPUT = 11;
const GRAPH_OUTPUT = 12;
const TENSOR_EXTERNAL_DATA = 13;

/** @throws RangeError where the bytes are not protobuf. */
export function scanOnnx(model: Uint8Array): OnnxScan {
  const found: Found = { externalFiles: new Set(), unranked: new Set() };
  scanMessage('Model', model, found, 0);
  return found;
}

function scanMessage(message: MessageName, bytes: Uint8Array, found: Found, depth: number): void {
  if (depth > MAX_DEPTH) throw new RangeError(`messages nest deeper than ${MAX_DEPTH}`);
  for (const [field, content] of lengthDelimitedFields(bytes)) {
    const child = CHILDREN[message][field];
    if (child !== undefined) scanMessage(child, content, found, depth + 1);
    else if (message === 'Tensor' && field === TENSOR_EXTERNAL_DATA) scanExternalData(content, found);
    else if (message === 'Graph' && depth === 1 && (field === GRAPH_INPUT || field === GRAPH_OUTPUT))
      scanValue(content, found);
  }
}

/** StringStringEntryProto: key = 1, value = 2. */
function scanExternalData(entry: Uint8Array, found: Found): void {
  const fields = new Map(lengthDelimitedFields(entry));
  const value = fields.get(2) ?? new Uint8Array();
  if (utf8.decode(fields.get(1)) === 'location') found.externalFiles.add(utf8.decode(value));
}

/** ValueInfoProto: name = 1, type = 2; TypeProto: tensor_type = 1; TypeProto.Tensor: shape = 2. */
function scanValue(value: Uint8Array, found: Found): void {
  const fields = new Map(lengthDelimitedFields(value));
  const type = fields.get(2);
  const tensor = type && new Map(lengthDelimitedFields(type)).get(1);
  const ranked = tensor && new Map(lengthDelimitedFields(tensor)).has(2);
  if (ranked !== true) found.unranked.add(utf8.decode(fields.get(1)));
}

/** The strings, bytes and messages among a message's fields: https://protobuf.dev/programming-guides/encoding */
function* lengthDelimitedFields(bytes: Uint8Array): Generator<readonly [number, Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1, length = 0; length < 10; scale *= 128, length++) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('the file ends inside a field');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number has more than ten bytes');
  };
  while (at < bytes.length) {
    const tag = varint();
    const wireType = tag % 8;
    let content: Uint8Array | undefined;
    if (wireType === 0) varint();
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else if (wireType === 2) {
      const length = varint();
      content = bytes.subarray(at, at + length);
      at += length;
    } else throw new RangeError(`wire type ${wireType} is unknown`);
    if (at > bytes.length) throw new RangeError('the file ends inside a field');
    if (content !== undefined) yield [Math.floor(tag / 8), content];
  }
}
