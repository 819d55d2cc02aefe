type Protobuf = Pick<typeof import('protobufjs'), 'Reader' | 'Writer'>;

/**
 * A classifier that skl2onnx makes ends in a ZipMap: its probabilities become a sequence of maps from class to number, which no tensor is. The same
 * numbers go in, a tensor of float32 `[rows, classes]`, the classes in the order of the model: that is what comes out here.
 */

const ZIP_MAP = 'ZipMap';
const FLOAT = 1;

/** Fields of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const MODEL = { graph: 7, opsetImport: 8 };
const OPSET = { domain: 1, version: 2 };
const GRAPH = { node: 1, output: 12 };
const NODE = { input: 1, output: 2, name: 3, opType: 4 };
const VALUE = { name: 1, type: 2 };
/** The version of ONNX's own operators that is asked for where the model uses none of them. */
const OPSET_VERSION = 13;
const LENGTH_DELIMITED = 2;

interface Field {
  readonly number: number;
  /** Tag and content. */
  readonly whole: Uint8Array;
  /** Of a string, bytes or a message. */
  readonly content: Uint8Array | undefined;
}

/**
 * The model with an Identity in place of each ZipMap that makes one of its outputs; the same bytes where there is none.
 * @param model an ONNX model that was scanned: it is protobuf.
 */
export async function withoutZipMaps(model: Uint8Array): Promise<Uint8Array> {
  if (!Buffer.from(model.buffer, model.byteOffset, model.byteLength).includes(ZIP_MAP)) return model;
  const { default: protobuf } = await import('protobufjs');
  const top = fieldsOf(protobuf, model);
  const graph = fieldsOf(protobuf, top.find(({ number }) => number === MODEL.graph)?.content ?? new Uint8Array());
  const outputs = new Set(
    graph.filter(({ number }) => number === GRAPH.output).map((field) => nameOf(protobuf, field)),
  );
  const zipped = new Set<string>();
  const nodes = graph.map((field) => {
    if (field.number !== GRAPH.node || field.content === undefined) return field.whole;
    const node = fieldsOf(protobuf, field.content);
    const output = textOf(node, NODE.output);
    if (textOf(node, NODE.opType) !== ZIP_MAP || !outputs.has(output)) return field.whole;
    zipped.add(output);
    const kept = node.filter(({ number }) => [NODE.input, NODE.output, NODE.name].includes(number));
    const identity = protobuf.Writer.create().uint32(tag(NODE.opType)).string('Identity').finish();
    return message(protobuf, GRAPH.node, [...kept.map(({ whole }) => whole), identity]);
  });
  if (zipped.size === 0) return model;
  const typed = graph.map((field, place) => {
    const name = field.number === GRAPH.output ? nameOf(protobuf, field) : undefined;
    return name !== undefined && zipped.has(name) ? floatsOf(protobuf, name) : (nodes[place] ?? field.whole);
  });
  const own = top.some(
    ({ number, content }) =>
      number === MODEL.opsetImport &&
      ['', 'ai.onnx'].includes(textOf(fieldsOf(protobuf, content ?? new Uint8Array()), OPSET.domain)),
  );
  return Buffer.concat([
    ...top.filter(({ number }) => number !== MODEL.graph).map(({ whole }) => whole),
    message(protobuf, MODEL.graph, typed),
    ...(own ? [] : [importOf(protobuf)]),
  ]);
}

/** ValueInfoProto of float32: type.tensor_type is field 1, its elem_type field 1. The shape is what ONNX Runtime infers. */
function floatsOf(protobuf: Protobuf, name: string): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(tag(GRAPH.output)).fork().uint32(tag(VALUE.name)).string(name);
  writer.uint32(tag(VALUE.type)).fork().uint32(tag(1)).fork();
  writer.uint32(1 << 3).uint32(FLOAT);
  return writer.ldelim().ldelim().ldelim().finish();
}

function importOf(protobuf: Protobuf): Uint8Array {
  const version = protobuf.Writer.create()
    .uint32(OPSET.version << 3)
    .uint32(OPSET_VERSION)
    .finish();
  return message(protobuf, MODEL.opsetImport, [version]);
}

function message(protobuf: Protobuf, field: number, parts: readonly Uint8Array[]): Uint8Array {
  return protobuf.Writer.create().uint32(tag(field)).bytes(Buffer.concat(parts)).finish();
}

function tag(field: number): number {
  return (field << 3) | LENGTH_DELIMITED;
}

function fieldsOf({ Reader }: Protobuf, bytes: Uint8Array): Field[] {
  const reader = Reader.create(bytes);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const head = reader.uint32();
    let content: Uint8Array | undefined;
    if ((head & 7) === LENGTH_DELIMITED) content = reader.bytes();
    else reader.skipType(head & 7);
    fields.push({ number: head >>> 3, whole: bytes.subarray(start, reader.pos), content });
  }
  return fields;
}

function nameOf(protobuf: Protobuf, { content = new Uint8Array() }: Field): string {
  return textOf(fieldsOf(protobuf, content), VALUE.name);
}

function textOf(fields: readonly Field[], number: number): string {
  const content = fields.find((field) => field.number === number)?.content;
  return content === undefined ? '' : Buffer.from(content).toString('utf8');
}
