import { DT } from '../graph-def.ts';
import { opDtype, UNREAD_OUTPUTS, type OpAttrs } from '../op-attrs.ts';
import { sizeOf } from '../op-shape.ts';
import { graphError, ints, stringsOf, type OpTensor } from '../op-tensor.ts';
import { utf8 } from '../op-text.ts';
import type { Op, Ops } from '../op.ts';
import { ColumnValues, featureOf, type ExampleColumn, type ParsedExample } from './example-column.ts';
import { denseColumn } from './example-dense.ts';
import { raggedColumn, sparseColumn } from './example-sparse.ts';
import { decodeSequenceExample, type SequenceExample } from './sequence-example.ts';

/**
 * tf.io.parse_sequence_example: features of the whole, and lists of features with one of each step.
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/example_proto_fast_parsing.cc
 */

interface Part {
  readonly column: ExampleColumn;
  /** [steps, …] of each Example, one after the other. */
  readonly steps: readonly (readonly (ParsedExample | undefined)[])[];
}

interface Columns {
  readonly sparse: readonly ExampleColumn[];
  readonly dense: readonly ExampleColumn[];
  readonly ragged: readonly ExampleColumn[];
}

/** Inputs: serialized [batch] (or a scalar), names, six lists of keys, which lists may be missing, the context's defaults. */
const parseV2: Op = (inputs, attrs) => {
  const [serialized, , , , , , , , missing, ...defaults] = inputs;
  const keys = inputs
    .slice(2, 8)
    .map((tensor) => (tensor.shape.includes(0) ? [] : stringsOf(tensor, 'the keys').map(utf8)));
  const column = (key: string, type: number | undefined, dense = false): ExampleColumn => {
    if (type !== DT.FLOAT && type !== DT.INT64 && type !== DT.STRING)
      throw graphError(`Unexpected type of the feature ${key}`);
    return { key, type, dtype: opDtype(type) as ExampleColumn['dtype'], dense, isRead: true };
  };
  const typed = (names: readonly string[] = [], attr: string, dense = false): ExampleColumn[] =>
    names.map((key, i) => column(key, attrs.types(attr)[i], dense));
  const context: Columns = {
    sparse: typed(keys[0], 'context_sparse_types'),
    dense: typed(keys[1], 'Tcontext_dense', true),
    ragged: typed(keys[2], 'context_ragged_value_types'),
  };
  const lists: Columns = {
    sparse: typed(keys[3], 'feature_list_sparse_types'),
    dense: typed(keys[4], 'feature_list_dense_types', true),
    ragged: typed(keys[5], 'feature_list_ragged_value_types'),
  };
  const single = serialized?.shape.length === 0;
  const examples = stringsOf(serialized, 'serialized').map(read);
  const mayMiss = missing?.dtype === 'bool' ? missing.data : new Uint8Array(0);
  return [
    ...contextTensors(context, examples, attrs, defaults, single),
    ...listTensors(lists, examples, attrs, mayMiss, single),
  ];
};

function read(bytes: Uint8Array): SequenceExample {
  try {
    return decodeSequenceExample(bytes);
  } catch (error) {
    throw graphError('Invalid protocol message input, key: <unknown>', { cause: error });
  }
}

function contextTensors(
  { sparse, dense, ragged }: Columns,
  examples: readonly SequenceExample[],
  attrs: OpAttrs,
  defaults: readonly OpTensor[],
  single: boolean,
): OpTensor[] {
  const parsed = examples.map(({ context }, index): ParsedExample => ({ name: '<unknown>', index, features: context }));
  const unread = new Set(attrs.ints(UNREAD_OUTPUTS).map(Number));
  const shapes = attrs.shapes('context_dense_shapes');
  const marked = (column: ExampleColumn, output: number): ExampleColumn => ({ ...column, isRead: !unread.has(output) });
  const sparseTensors = sparse.map((column, i) => sparseColumn(marked(column, sparse.length + i), parsed, single));
  const raggedTensors = ragged.map((column) => raggedColumn(column, parsed, single));
  return [
    ...sparseTensors.map(({ indices }) => indices),
    ...sparseTensors.map(({ values }) => values),
    ...sparseTensors.map(({ shape }) => shape),
    ...dense.map((column, i) =>
      denseColumn(marked(column, 3 * sparse.length + i), shapes[i] ?? [], defaults[i], parsed, single),
    ),
    ...raggedTensors.map(({ values }) => values),
    ...raggedTensors.map(({ splits }) => splits),
  ];
}

function listTensors(
  { sparse, dense, ragged }: Columns,
  examples: readonly SequenceExample[],
  attrs: OpAttrs,
  mayMiss: Uint8Array,
  single: boolean,
): OpTensor[] {
  const shapes = attrs.shapes('feature_list_dense_shapes');
  const sparseTensors = sparse.map((column) => sparseSteps(part(column, examples), single));
  const denseTensors = dense.map((column, i) => {
    examples.forEach(({ lists }, row) => {
      if (!lists.has(column.key) && !mayMiss[i])
        throw graphError(
          `Name: <unknown>, Feature list '${column.key}' is required but could not be found. (Example ${row})`,
        );
    });
    return denseSteps(part(column, examples), shapes[i] ?? [], single);
  });
  const raggedTensors = ragged.map((column) => raggedSteps(part(column, examples), single));
  return [
    ...sparseTensors.map(({ indices }) => indices),
    ...sparseTensors.map(({ values }) => values),
    ...sparseTensors.map(({ shape }) => shape),
    ...denseTensors.map(({ values }) => values),
    ...denseTensors.map(({ lengths }) => lengths),
    ...raggedTensors.map(({ values }) => values),
    ...raggedTensors.map(({ outer }) => outer),
    ...raggedTensors.map(({ inner }) => inner),
  ];
}

function part(column: ExampleColumn, examples: readonly SequenceExample[]): Part {
  const steps = examples.map(({ lists }, index) =>
    (lists.get(column.key) ?? []).map(
      (feature): ParsedExample | undefined =>
        feature && { name: '<unknown>', index, features: new Map([[column.key, feature]]) },
    ),
  );
  return { column, steps };
}

/** Adds a step's values; returns how many. */
function addStep(values: ColumnValues, column: ExampleColumn, step: ParsedExample | undefined): number {
  const feature = step && featureOf(column, step);
  if (step === undefined || feature === undefined) return 0;
  values.addFeature(feature, step);
  return feature.values.length;
}

function sparseSteps(
  { column, steps }: Part,
  single: boolean,
): { indices: OpTensor; values: OpTensor; shape: OpTensor } {
  const values = new ColumnValues(column, 0);
  const indices: number[] = [];
  let widest = 0;
  steps.forEach((row, example) => {
    row.forEach((step, at) => {
      const count = addStep(values, column, step);
      for (let i = 0; i < count; i++) indices.push(...(single ? [at, i] : [example, at, i]));
      widest = Math.max(widest, count);
    });
  });
  const rank = single ? 2 : 3;
  const longest = steps.reduce((most, row) => Math.max(most, row.length), 0);
  return {
    indices: ints([values.count, rank], Int32Array.from(indices)),
    values: values.tensor([values.count]),
    shape: ints([rank], Int32Array.from(single ? [longest, widest] : [steps.length, longest, widest])),
  };
}

/** [batch, longest, ...shape], shorter ones filled with zeros, and how long each is. */
function denseSteps(
  { column, steps }: Part,
  shape: readonly number[],
  single: boolean,
): { values: OpTensor; lengths: OpTensor } {
  const size = sizeOf(shape);
  const longest = steps.reduce((most, row) => Math.max(most, row.length), 0);
  const values = new ColumnValues(column, steps.length * longest * size);
  const zero = zeroOf(column);
  for (const row of steps) {
    row.forEach((step, at) => {
      const count = addStep(values, column, step);
      if (count !== size) {
        throw graphError(`Feature list '${column.key}' at step ${at} has ${count} values; expected ${size}`);
      }
    });
    values.addTensor(zero, (longest - row.length) * size);
  }
  const lengths = Int32Array.from(steps, (row) => row.length);
  return {
    values: values.tensor([...(single ? [] : [steps.length]), longest, ...shape]),
    lengths: ints(single ? [] : [steps.length], lengths),
  };
}

function raggedSteps({ column, steps }: Part, single: boolean): { values: OpTensor; outer: OpTensor; inner: OpTensor } {
  const values = new ColumnValues(column, 0);
  const [outer, inner] = [[0], [0]];
  for (const row of steps) {
    for (const step of row) inner.push((inner.at(-1) ?? 0) + addStep(values, column, step));
    outer.push((outer.at(-1) ?? 0) + row.length);
  }
  const vector = (data: number[]): OpTensor => ints([data.length], Int32Array.from(data));
  return { values: values.tensor([values.count]), outer: vector(single ? [] : outer), inner: vector(inner) };
}

function zeroOf({ dtype }: ExampleColumn): OpTensor {
  if (dtype === 'string') return { dtype, shape: [], data: [new Uint8Array(0)] };
  return dtype === 'float32'
    ? { dtype, shape: [], data: new Float32Array(1) }
    : { dtype, shape: [], data: new Int32Array(1) };
}

export const sequenceOps: Ops = { ParseSequenceExampleV2: parseV2 };
