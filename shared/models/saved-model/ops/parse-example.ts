import { decodeExample } from '../../../formats/example/example.ts';
import { opDtype, UNREAD_OUTPUTS } from '../op-attrs.ts';
import type { OpAttrs } from '../op-attrs.ts';
import { DT } from '../graph-def.ts';
import { graphError, stringsOf } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import type { Ops } from '../op.ts';
import { utf8 } from '../op-text.ts';
import { denseColumn } from './example-dense.ts';
import { raggedColumn, sparseColumn } from './example-sparse.ts';
import type { ExampleColumn, ParsedExample } from './example-column.ts';

/**
 * tf.io.parse_example: serialized tf.Examples to a tensor per feature.
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/example_proto_fast_parsing.cc
 */
export const exampleOps: Ops = {
  ParseExample: (inputs, attrs) => {
    const [sparse, dense] = [attrs.int('Nsparse', 0), attrs.int('Ndense', 0)];
    const keys = inputs.slice(2, 2 + sparse + dense).map((key) => keysOf(key)[0] ?? '');
    return parse(inputs, attrs, {
      sparse: columns(keys.slice(0, sparse), attrs.types('sparse_types')),
      dense: columns(keys.slice(sparse), attrs.types('Tdense'), true),
      ragged: [],
      splitTypes: [],
      defaults: inputs.slice(2 + sparse + dense),
    });
  },
  ParseExampleV2: (inputs, attrs) =>
    parse(inputs, attrs, {
      sparse: columns(keysOf(inputs[2]), attrs.types('sparse_types')),
      dense: columns(keysOf(inputs[3]), attrs.types('Tdense'), true),
      ragged: columns(keysOf(inputs[4]), attrs.types('ragged_value_types')),
      splitTypes: attrs.types('ragged_split_types'),
      defaults: inputs.slice(5),
    }),
  ParseSingleExample: (inputs, attrs) =>
    parse(inputs, attrs, {
      sparse: columns(attrs.texts('sparse_keys'), attrs.types('sparse_types')),
      dense: columns(attrs.texts('dense_keys'), attrs.types('Tdense'), true),
      ragged: [],
      splitTypes: [],
      defaults: inputs.slice(1),
    }),
};

const UNNAMED = '<unknown>';

interface Columns {
  readonly sparse: readonly ExampleColumn[];
  readonly dense: readonly ExampleColumn[];
  readonly ragged: readonly ExampleColumn[];
  readonly splitTypes: readonly number[];
  /** One per dense column; empty where the feature is required. */
  readonly defaults: readonly OpTensor[];
}

/** Inputs: the serialized Examples ([batch], or a scalar for a single one), and their names for messages ([batch] or empty). */
function parse(
  inputs: readonly OpTensor[],
  attrs: OpAttrs,
  { sparse, dense, ragged, splitTypes, defaults }: Columns,
): OpTensor[] {
  const [serialized, names] = inputs;
  const bytes = stringsOf(serialized, 'serialized');
  if (splitTypes.some((type) => type !== DT.INT32 && type !== DT.INT64)) throw graphError('Invalid ragged_split_type');
  const single = serialized?.shape.length === 0;
  const titles = names?.dtype === 'string' && names.data.length === bytes.length && !single ? names.data.map(utf8) : [];
  const examples = bytes.map((example, i) => readExample(example, i, single ? undefined : titles[i] || UNNAMED));
  const shapes = attrs.shapes('dense_shapes');
  const read = readMarker(attrs);
  const sparseTensors = read(sparse, sparse.length).map((column) => sparseColumn(column, examples, single));
  return [
    ...sparseTensors.map(({ indices }) => indices),
    ...sparseTensors.map(({ values }) => values),
    ...sparseTensors.map(({ shape }) => shape),
    ...read(dense, 3 * sparse.length).map((column, i) =>
      denseColumn(column, shapes[i] ?? [], defaults[i], examples, single),
    ),
    ...raggedTensors(read(ragged, 3 * sparse.length + dense.length), examples, single),
  ];
}

/** Marks the columns whose values nobody reads, by the outputs that the graph's plan names: theirs may be what they like. */
function readMarker(attrs: OpAttrs): (columns: readonly ExampleColumn[], firstOutput: number) => ExampleColumn[] {
  const unread = new Set(attrs.ints(UNREAD_OUTPUTS).map(Number));
  return (columns, firstOutput) => columns.map((column, i) => ({ ...column, isRead: !unread.has(firstOutput + i) }));
}

function raggedTensors(
  columns: readonly ExampleColumn[],
  examples: readonly ParsedExample[],
  single: boolean,
): OpTensor[] {
  const tensors = columns.map((column) => raggedColumn(column, examples, single));
  return [...tensors.map(({ values }) => values), ...tensors.map(({ splits }) => splits)];
}

function readExample(bytes: Uint8Array, index: number, name: string | undefined): ParsedExample {
  try {
    return { name, index, features: decodeExample(bytes) };
  } catch (error) {
    throw graphError(`Could not parse example input, value: '${utf8(bytes.subarray(0, 100))}'`, { cause: error });
  }
}

function columns(keys: readonly string[], types: readonly number[], dense = false): ExampleColumn[] {
  return keys.map((key, i) => {
    const type = types[i];
    if (type !== DT.FLOAT && type !== DT.INT64 && type !== DT.STRING)
      throw graphError(`Unexpected type of the feature ${key}`);
    return { key, type, dtype: opDtype(type) as ExampleColumn['dtype'], dense, isRead: true };
  });
}

function keysOf(tensor: OpTensor | undefined): string[] {
  // An empty list of keys may come as a tensor of any type.
  return tensor?.shape.includes(0) ? [] : stringsOf(tensor, 'the keys').map(utf8);
}
