import { checkExpansion, newFunctionBody, type FunctionBody } from './function-expansion.ts';

/**
 * What ONNX Runtime does not tell of a model: which other files hold its weights, and which inputs and outputs have no rank; and what it
 * would not survive: functions and sparse tensors that expand without bounds.
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
/** A node or a dimension takes two bytes of a file and a hundred of memory. */
const MAX_MESSAGES = 8_000_000;
/** ONNX Runtime makes sparse weights dense at loading, so a few bytes claim all memory. */
const MAX_SPARSE_ELEMENTS = 2 ** 26;

const utf8 = new TextDecoder();

interface Found {
  readonly externalFiles: Set<string>;
  readonly unranked: Set<string>;
  readonly main: FunctionBody;
  readonly functions: Map<string, FunctionBody>;
  messages: number;
  sparseElements: number;
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
const SPARSE_DIMS = 3;
/** The fields of a call and of a function that must agree: domain, name, overload. */
const CALL_NAME = [7, 4, 8] as const;
const FUNCTION_NAME = [10, 1, 13] as const;

/** @throws RangeError where the bytes are not protobuf, or hold more than ONNX Runtime survives. */
export function scanOnnx(model: Uint8Array): OnnxScan {
  if (model.length === 0) throw new RangeError('the file is empty');
  const found: Found = {
    ...{ externalFiles: new Set<string>(), unranked: new Set<string>(), messages: 0, sparseElements: 0 },
    ...{ main: newFunctionBody(), functions: new Map<string, FunctionBody>() },
  };
  scanMessage('Model', model, found, 0, found.main);
  checkExpansion(found.main, found.functions);
  return found;
}

/** @param body what the nodes in it are counted to: the graph, or a function. */
function scanMessage(message: MessageName, bytes: Uint8Array, found: Found, depth: number, body: FunctionBody): void {
  if (depth > MAX_DEPTH) throw new RangeError(`messages nest deeper than ${MAX_DEPTH}`);
  if (++found.messages > MAX_MESSAGES) throw new RangeError(`it holds more than ${MAX_MESSAGES} messages`);
  if (message === 'Node') countNode(bytes, body);
  if (message === 'SparseTensor') boundSparse(bytes, found);
  const inside = message === 'Function' ? functionBody(bytes, found) : body;
  for (const [field, content] of lengthDelimitedFields(bytes)) {
    const child = CHILDREN[message][field];
    if (child !== undefined) scanMessage(child, content, found, depth + 1, inside);
    else if (message === 'Tensor' && field === TENSOR_EXTERNAL_DATA) scanExternalData(content, found);
    else if (message === 'Graph' && depth === 1 && (field === GRAPH_INPUT || field === GRAPH_OUTPUT))
      scanValue(content, found);
  }
}

function countNode(node: Uint8Array, body: FunctionBody): void {
  const name = nameOf(node, CALL_NAME);
  body.nodes += 1;
  body.calls.set(name, (body.calls.get(name) ?? 0) + 1);
}

function functionBody(bytes: Uint8Array, { functions }: Found): FunctionBody {
  const name = nameOf(bytes, FUNCTION_NAME);
  const body = functions.get(name) ?? newFunctionBody();
  functions.set(name, body);
  return body;
}

function nameOf(message: Uint8Array, fields: readonly [domain: number, name: number, overload: number]): string {
  const found = new Map(lengthDelimitedFields(message));
  const [domain, name, overload] = fields.map((field) => utf8.decode(found.get(field)));
  return [domain === 'ai.onnx' ? '' : domain, name, overload].join('\0');
}

/** SparseTensorProto: dims = 3, packed or one by one. */
function boundSparse(bytes: Uint8Array, found: Found): void {
  let elements = 1;
  for (const [field, content] of fieldsOf(bytes)) {
    if (field !== SPARSE_DIMS) continue;
    for (const size of typeof content === 'number' ? [content] : varints(content)) elements *= size;
  }
  found.sparseElements += elements;
  if (found.sparseElements > MAX_SPARSE_ELEMENTS) {
    throw new RangeError(
      `its sparse tensors have ${found.sparseElements} elements; at most ${MAX_SPARSE_ELEMENTS} are made dense`,
    );
  }
}

function* varints(packed: Uint8Array): Generator<number> {
  for (const cursor = { at: 0 }; cursor.at < packed.length;) yield varint(packed, cursor);
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

/** The strings, bytes and messages among a message's fields. */
function* lengthDelimitedFields(bytes: Uint8Array): Generator<readonly [number, Uint8Array]> {
  for (const [field, content] of fieldsOf(bytes)) if (typeof content !== 'number') yield [field, content];
}

/** A message's fields, but for those of fixed size: https://protobuf.dev/programming-guides/encoding */
function* fieldsOf(bytes: Uint8Array): Generator<readonly [field: number, content: Uint8Array | number]> {
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const tag = varint(bytes, cursor);
    const wireType = tag % 8;
    let content: Uint8Array | number | undefined;
    if (wireType === 0) content = varint(bytes, cursor);
    else if (wireType === 1) cursor.at += 8;
    else if (wireType === 5) cursor.at += 4;
    else if (wireType === 2) {
      const length = varint(bytes, cursor);
      content = bytes.subarray(cursor.at, cursor.at + length);
      cursor.at += length;
    } else throw new RangeError(`wire type ${wireType} is unknown`);
    if (cursor.at > bytes.length) throw new RangeError('the file ends inside a field');
    if (content !== undefined) yield [Math.floor(tag / 8), content];
  }
}

/** Beyond 2^53 not exact: no true size is. */
function varint(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let scale = 1, length = 0; length < 10; scale *= 128, length++) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw new RangeError('the file ends inside a field');
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
  throw new RangeError('a number has more than ten bytes');
}
