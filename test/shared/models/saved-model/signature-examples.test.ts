import { describe, expect, it } from 'vitest';
import { encodeExample } from '../../../../shared/formats/example/example.ts';
import { DT } from '../../../../shared/models/saved-model/graph-def.ts';
import { loadSavedModel } from '../../../../shared/models/saved-model/load-saved-model.ts';
import { float32 } from '../model-files.ts';
import { graphModel, placeholder, tensor, type, type MadeNode } from './graph-maker.ts';
import { shapeProto } from './saved-model-maker.ts';

const texts = (name: string, values: readonly string[], shape: readonly number[] = [values.length]): MadeNode => {
  const value = {
    dtype: DT.STRING,
    tensorShape: shapeProto(shape),
    stringVal: values.map((text) => Buffer.from(text)),
  };
  return { name, op: 'Const', attr: [type('dtype', DT.STRING), { key: 'value', value: { tensor: value } }] };
};
const floats = (name: string, values: readonly number[]): MadeNode => {
  const value = { dtype: DT.FLOAT, tensorShape: shapeProto([values.length]), floatVal: values };
  return { name, op: 'Const', attr: [type('dtype', DT.FLOAT), { key: 'value', value: { tensor: value } }] };
};
const whole = (name: string, values: readonly number[]): MadeNode => {
  const value = { dtype: DT.INT32, tensorShape: shapeProto([values.length]), intVal: values };
  return { name, op: 'Const', attr: [type('dtype', DT.INT32), { key: 'value', value: { tensor: value } }] };
};
const typed = (key: string, values: readonly number[]) => ({ key, value: { list: { type: values } } });
const shapes = (key: string, values: readonly (readonly number[])[]) => ({
  key,
  value: { list: { shape: values.map(shapeProto) } },
});
const int = (key: string, value: number) => ({ key, value: { i: value } });
const strings = (key: string, values: readonly string[]) => ({
  key,
  value: { list: { s: values.map((value) => Buffer.from(value)) } },
});

/** Parses one dense feature of one float. */
const parseV2 = (name: string, serialized: string, feature: string, fallback: string): MadeNode[] => [
  texts(`${name}/names`, [], [0]),
  texts(`${name}/sparse`, [], [0]),
  texts(`${name}/dense`, [feature]),
  texts(`${name}/ragged`, [], [0]),
  {
    name,
    op: 'ParseExampleV2',
    input: [serialized, `${name}/names`, `${name}/sparse`, `${name}/dense`, `${name}/ragged`, fallback],
    attr: [
      int('num_sparse', 0),
      typed('sparse_types', []),
      typed('Tdense', [DT.FLOAT]),
      shapes('dense_shapes', [[1]]),
      typed('ragged_value_types', []),
      typed('ragged_split_types', []),
    ],
  },
];
const none = floats('none', []);
const zero = floats('zero', [0]);
const signatures = {
  serving_default: { inputs: { examples: tensor('x:0', DT.STRING) }, outputs: { y: tensor('y:0') } },
};
const y = (...input: string[]): MadeNode => ({
  name: 'y',
  op: input.length === 1 ? 'Neg' : 'AddV2',
  input,
  attr: [type('T', DT.FLOAT)],
});
const examplesOf = async (nodes: readonly MadeNode[]) => {
  const model = await loadSavedModel(await graphModel(nodes, { signatures }));
  const examples = model.signatures['serving_default']?.examples;
  const a = encodeExample(
    new Map([
      ['a', { kind: 'float', values: [1.5] }],
      ['b', { kind: 'float', values: [2] }],
    ]),
  );
  const outputs = await model.predict('serving_default', { examples: { dtype: 'string', shape: [1], data: [a] } });
  await model.dispose();
  return { examples, outputs };
};
const feature = (name: string, optional: boolean) => ({ name, dtype: 'float32', shape: [1], optional });

describe('the features that a signature parses out of tf.Examples', () => {
  const x = placeholder('x', DT.STRING);

  it('are told with their dtypes, shapes and whether they may be missing', async () => {
    const { examples, outputs } = await examplesOf([x, none, zero, ...parseV2('p', 'x', 'a', 'none'), y('p')]);
    expect(examples).toEqual({ input: 'examples', features: [feature('a', false)] });
    expect(outputs).toEqual({ y: float32([1, 1], [-1.5]) });
    const optional = await examplesOf([x, none, zero, ...parseV2('p', 'x', 'a', 'zero'), y('p')]);
    expect(optional.examples).toEqual({ input: 'examples', features: [feature('a', true)] });
  });

  it('are found behind identities and reshapes', async () => {
    const between: MadeNode[] = [
      { name: 'i', op: 'Identity', input: ['x'], attr: [type('T', DT.STRING)] },
      whole('flat', [-1]),
      { name: 'r', op: 'Reshape', input: ['i', 'flat'], attr: [type('T', DT.STRING), type('Tshape', DT.INT32)] },
    ];
    const { examples } = await examplesOf([x, none, ...between, ...parseV2('p', 'r', 'a', 'none'), y('p')]);
    expect(examples).toEqual({ input: 'examples', features: [feature('a', false)] });
  });

  it('of two parsings of one input are those of both, and required where one requires them', async () => {
    const { examples, outputs } = await examplesOf([
      ...[x, none, zero],
      ...parseV2('p', 'x', 'a', 'zero'),
      ...parseV2('q', 'x', 'b', 'none'),
      ...parseV2('s', 'x', 'a', 'none'),
      y('p', 'q'),
      { name: 'z', op: 'AddV2', input: ['p', 's'], attr: [type('T', DT.FLOAT)] },
    ]);
    expect((examples?.features ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      feature('a', true),
      feature('b', false),
    ]);
    expect(outputs).toEqual({ y: float32([1, 1], [3.5]) });
    const both = await examplesOf([
      ...[x, none, zero],
      ...parseV2('p', 'x', 'a', 'zero'),
      ...parseV2('s', 'x', 'a', 'none'),
      y('p', 's'),
    ]);
    expect(both.examples?.features).toEqual([feature('a', false)]);
  });

  it('are read from ParseExample too, of TensorFlow 1', async () => {
    const parse: MadeNode = {
      name: 'p',
      op: 'ParseExample',
      input: ['x', 'names', 'key', 'none'],
      attr: [
        ...[int('Nsparse', 0), int('Ndense', 1), typed('sparse_types', []), typed('Tdense', [DT.FLOAT])],
        shapes('dense_shapes', [[1]]),
      ],
    };
    const { examples, outputs } = await examplesOf([
      x,
      none,
      texts('names', [], [0]),
      texts('key', ['a'], []),
      parse,
      y('p'),
    ]);
    expect(examples).toEqual({ input: 'examples', features: [feature('a', false)] });
    expect(outputs).toEqual({ y: float32([1, 1], [-1.5]) });
  });

  it('are read from ParseSingleExample, where one Example is the input', async () => {
    const parse: MadeNode = {
      name: 'p',
      op: 'ParseSingleExample',
      input: ['one', 'none'],
      attr: [
        ...[int('num_sparse', 0), strings('sparse_keys', []), strings('dense_keys', ['a']), typed('sparse_types', [])],
        ...[typed('Tdense', [DT.FLOAT]), shapes('dense_shapes', [[1]])],
      ],
    };
    const one: MadeNode = { name: 'one', op: 'Squeeze', input: ['x'], attr: [type('T', DT.STRING)] };
    const { examples, outputs } = await examplesOf([x, none, one, parse, y('p')]);
    expect(examples).toEqual({ input: 'examples', features: [feature('a', false)] });
    expect(outputs).toEqual({ y: float32([1], [-1.5]) });
  });

  it('are none where the strings are computed first', async () => {
    const lower: MadeNode = { name: 'l', op: 'StringLower', input: ['x'] };
    const model = await loadSavedModel(
      await graphModel([x, none, lower, ...parseV2('p', 'l', 'a', 'none'), y('p')], { signatures }),
    );
    expect(model.signatures['serving_default']?.examples).toBeUndefined();
    await model.dispose();
  });
});
