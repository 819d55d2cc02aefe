import type * as tfc from '@tensorflow/tfjs-core';
import { DT, type AttrList, type AttrValue, type TensorShape, valueType } from './graph-def.ts';
import type { PlannedNode, Segment } from './graph-plan.ts';
import { computedType } from './graph-support.ts';
import type { RawAttr } from './op-attrs.ts';

/** Attributes and segments as TensorFlow.js's graph executor reads them: GraphDef in proto3 JSON. */

type Attrs = ReadonlyMap<string, AttrValue>;

/** @param toType what to make of a DataType. */
export function rawAttrs(attrs: Attrs, toType: (type: number) => number = valueType): Record<string, RawAttr> {
  const raw: Record<string, RawAttr> = {};
  for (const [name, attr] of attrs) {
    const value = rawAttr(attr, toType);
    if (value !== undefined && name !== '__proto__') raw[name] = value;
  }
  return raw;
}

function rawAttr(attr: AttrValue, toType: (type: number) => number): RawAttr | undefined {
  switch (attr.kind) {
    case 's':
      return { s: base64(attr.value) };
    case 'i':
      return { i: integer(attr.value) };
    case 'f':
      return { f: attr.value };
    case 'b':
      return { b: attr.value };
    case 'type':
      return { type: toType(attr.value) };
    case 'shape':
      return { shape: rawShape(attr.value) };
    case 'list':
      return { list: rawList(attr.value, toType) };
    case 'tensor':
    case 'func':
    case 'placeholder':
    case 'none':
      return undefined;
  }
}

function rawList(list: AttrList, toType: (type: number) => number): NonNullable<RawAttr['list']> {
  return {
    ...(list.s.length > 0 && { s: list.s.map(base64) }),
    ...(list.i.length > 0 && { i: list.i.map(integer) }),
    ...(list.f.length > 0 && { f: list.f }),
    ...(list.b.length > 0 && { b: list.b }),
    ...(list.type.length > 0 && { type: list.type.map(toType) }),
    ...(list.shape.length > 0 && { shape: list.shape.map(rawShape) }),
  };
}

function rawShape(shape: TensorShape): NonNullable<RawAttr['shape']> {
  return shape === null ? { unknownRank: true } : { dim: shape.map((size) => ({ size })) };
}

function integer(value: bigint): number | string {
  return BigInt.asIntN(53, value) === value ? Number(value) : value.toString();
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

/** A node of a segment's graph-model. */
interface JsonNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, RawAttr>>;
}

/** What a slot is called in the graph-model of a segment that reads it. */
export function feedName(slot: number): string {
  return `s${slot}`;
}

/** Names, by slot, of what the segment makes: `n12:1`. */
export function resultNames(segment: Segment): ReadonlyMap<number, string> {
  return new Map(
    segment.nodes.flatMap((node) => node.outputs.map((slot, index) => [slot, `${nodeName(node)}:${index}`] as const)),
  );
}

/** The segment as nodes of a graph-model; what it reads are placeholders. */
export function segmentNodes(segment: Segment): readonly JsonNode[] {
  const made = resultNames(segment);
  const feeds = segment.feeds.map((slot) => ({ name: feedName(slot), op: 'Placeholder', input: [], attr: {} }));
  const nodes = segment.nodes.map((node) => ({
    name: nodeName(node),
    op: node.op,
    input: node.inputs.map((slot) => made.get(slot) ?? feedName(slot)),
    attr: rawAttrs(node.attrs, computedDataType),
  }));
  return [...feeds, ...nodes];
}

/** The segment as artifacts of a graph-model without weights. */
export function segmentArtifacts(segment: Segment): tfc.io.ModelArtifacts {
  return {
    format: 'graph-model',
    modelTopology: { node: segmentNodes(segment), versions: { producer: 1 } },
    weightSpecs: [],
    weightData: new ArrayBuffer(0),
  };
}

function nodeName(node: PlannedNode): string {
  return `n${node.outputs[0] ?? ''}`;
}

/** TensorFlow.js knows few types, and takes one that it does not for none. Strings are their numbers in the pool. */
function computedDataType(type: number): number {
  switch (computedType(valueType(type))) {
    case 'float32':
      return DT.FLOAT;
    case 'int32':
    case 'string':
      return DT.INT32;
    case 'bool':
      return DT.BOOL;
    case 'complex64':
      return DT.COMPLEX64;
    case undefined:
      return type;
  }
}
