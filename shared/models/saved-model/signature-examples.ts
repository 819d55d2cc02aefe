import type { TensorSpec } from '../../tensor.ts';
import type { ExampleInput, FeatureSpec } from '../model.ts';
import { isAlias } from './graph-alias.ts';
import { DT } from './graph-def.ts';
import type { Graph } from './graph.ts';
import { intAttr, refKey, typesAttr, type OpNode, type Ref } from './graph-node.ts';
import type { Plan } from './graph-plan.ts';
import { tensorOfProto } from './tensor-proto.ts';

const PARSERS = new Set(['ParseExample', 'ParseExampleV2', 'ParseSingleExample']);
const RESHAPES = new Set(['Reshape', 'Squeeze', 'ExpandDims']);

interface Input {
  readonly spec: TensorSpec;
  readonly ref: Ref;
}

/**
 * The input that takes serialized tf.Examples, where the signature has one, and the features that the graph parses out of them.
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/parsing_ops.cc
 */
export function findExamples(graph: Graph, plan: Plan, inputs: readonly Input[]): ExampleInput | undefined {
  const byRef = new Map(
    inputs.filter(({ spec }) => spec.dtype === 'string').map(({ ref, spec }) => [refKey(ref), spec]),
  );
  let found: { input: string; features: Map<string, FeatureSpec> } | undefined;
  for (const { steps } of plan.stages) {
    for (const step of steps) {
      if (!PARSERS.has(step.op)) continue;
      const spec = byRef.get(refKey(source(graph, graph.input(step.node, 0), byRef)));
      if (spec === undefined || (found !== undefined && found.input !== spec.name)) continue;
      found ??= { input: spec.name, features: new Map() };
      // Graphs that were joined parse the same Examples more than once: what any of them requires is required.
      for (const feature of features(graph, step.node)) {
        const known = found.features.get(feature.name);
        if (known === undefined || (known.optional && !feature.optional)) found.features.set(feature.name, feature);
      }
    }
  }
  return found && { input: found.input, features: [...found.features.values()] };
}

/** Between the input and its parsing the strings may change their places, not themselves. */
function isPassing(node: OpNode): boolean {
  return isAlias(node) || RESHAPES.has(node.op);
}

function source(graph: Graph, ref: Ref, stop: ReadonlyMap<number, unknown>): Ref {
  let at = ref;
  for (let steps = 0; !stop.has(refKey(at)) && isPassing(at.node) && steps < 1000; steps++)
    at = graph.input(at.node, RESHAPES.has(at.node.op) ? 0 : at.index);
  return at;
}

function features(graph: Graph, node: OpNode): FeatureSpec[] {
  const { attrs } = node;
  const dense = denseShapes(node);
  const denseTypes = typesAttr(attrs, 'Tdense');
  const sparseTypes = typesAttr(attrs, 'sparse_types');
  const { sparseKeys, denseKeys, raggedKeys, defaults } = parts(graph, node, sparseTypes.length, denseTypes.length);
  const list = (names: readonly string[], types: readonly number[]): FeatureSpec[] =>
    names.map((name, i) => ({ name, dtype: featureType(types[i]), shape: null, optional: true }));
  return [
    ...list(sparseKeys, sparseTypes),
    ...denseKeys.map((name, i) => {
      const shape = dense[i] ?? [];
      const isList = shape.some((size) => size < 0);
      const hasDefault = constantSize(graph, defaults[i]) > 0;
      return { name, dtype: featureType(denseTypes[i]), shape: isList ? null : shape, optional: hasDefault || isList };
    }),
    ...list(raggedKeys, typesAttr(attrs, 'ragged_value_types')),
  ];
}

interface Parts {
  readonly sparseKeys: readonly string[];
  readonly denseKeys: readonly string[];
  readonly raggedKeys: readonly string[];
  readonly defaults: readonly Ref[];
}

function parts(graph: Graph, node: OpNode, sparse: number, dense: number): Parts {
  const inputs = graph.inputs(node);
  const keys = (refs: readonly Ref[]): string[] => refs.flatMap((ref) => texts(graph, ref));
  if (node.op === 'ParseExampleV2') {
    const [sparseKeys, denseKeys, raggedKeys] = [2, 3, 4].map((n) => keys(inputs.slice(n, n + 1)));
    return {
      sparseKeys: sparseKeys ?? [],
      denseKeys: denseKeys ?? [],
      raggedKeys: raggedKeys ?? [],
      defaults: inputs.slice(5),
    };
  }
  if (node.op === 'ParseSingleExample') {
    return {
      sparseKeys: listed(node, 'sparse_keys'),
      denseKeys: listed(node, 'dense_keys'),
      raggedKeys: [],
      defaults: inputs.slice(1),
    };
  }
  const [sparseCount, denseCount] = [intAttr(node.attrs, 'Nsparse', sparse), intAttr(node.attrs, 'Ndense', dense)];
  const start = 2 + sparseCount;
  return {
    sparseKeys: keys(inputs.slice(2, start)),
    denseKeys: keys(inputs.slice(start, start + denseCount)),
    raggedKeys: [],
    defaults: inputs.slice(start + denseCount),
  };
}

function denseShapes({ attrs }: OpNode): readonly (readonly number[])[] {
  const shapes = attrs.get('dense_shapes');
  return shapes?.kind === 'list' ? shapes.value.shape.map((shape) => shape ?? [-1]) : [];
}

function listed({ attrs }: OpNode, name: string): string[] {
  const list = attrs.get(name);
  return list?.kind === 'list' ? list.value.s.map((bytes) => new TextDecoder().decode(bytes)) : [];
}

/** The strings of a constant; none of what is computed. */
function texts(graph: Graph, ref: Ref): string[] {
  const { node } = source(graph, ref, new Map());
  const value = node.attrs.get('value');
  if (node.op !== 'Const' || value?.kind !== 'tensor') return [];
  const { data } = tensorOfProto(value.value, `${graph.label}: saved_model.pb: the constant ${node.name}`);
  return Array.isArray(data) ? data.map((bytes) => new TextDecoder().decode(bytes)) : [];
}

function constantSize(graph: Graph, ref: Ref | undefined): number {
  const node = ref && source(graph, ref, new Map()).node;
  const value = node?.attrs.get('value');
  if (node === undefined || value?.kind !== 'tensor') return node === undefined ? 0 : 1;
  return (value.value.shape ?? []).reduce((product, size) => product * size, 1);
}

function featureType(type: number | undefined): FeatureSpec['dtype'] {
  return type === DT.INT64 ? 'int64' : type === DT.STRING ? 'string' : 'float32';
}
