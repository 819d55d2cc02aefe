import { DT } from '../../../../shared/models/saved-model/graph-def.ts';
import {
  add,
  call,
  callOf,
  graphModel,
  type MadeFunction,
  type MadeNode,
  placeholder,
  tensor,
  type,
  types,
} from '../saved-model/graph-maker.ts';
import { bundleFiles, type MadeTensor, savedModelPb, shapeProto, table } from '../saved-model/saved-model-maker.ts';
import type { HostileModel, MadeModel } from './hostile-model.ts';
import { bytes, claim, concat, int, nested, text, varint } from './wire.ts';

/** SavedModels that TensorFlow never writes: https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core/protobuf */

type Options = Parameters<typeof graphModel>[1];

async function graph(
  name: string,
  nodes: readonly MadeNode[],
  message: RegExp,
  options: Options = {},
): Promise<HostileModel> {
  const files = await graphModel(nodes, options);
  const read = await Promise.all(files.names.map(async (file) => [file, await files.read(file)] as const));
  return { name, files: Object.fromEntries(read), message };
}

const pb = (name: string, content: Uint8Array, message: RegExp): HostileModel => ({
  name,
  files: { 'saved_model.pb': content },
  message,
});

const filled = (name: string, ...shape: readonly number[]): MadeNode => {
  const value = { tensor: { dtype: DT.FLOAT, tensorShape: shapeProto(shape), floatVal: [1] } };
  return { name, op: 'Const', attr: [type('dtype', DT.FLOAT), { key: 'value', value }] };
};
const identity = (name: string, input: string): MadeNode => ({
  name,
  op: 'Identity',
  input: [input],
  attr: [type('T', DT.FLOAT)],
});
const branch = (name: string, fn: string, ...input: readonly string[]): MadeNode => ({
  name,
  op: 'StatelessIf',
  input: [...input],
  attr: [
    type('Tcond', DT.FLOAT),
    types('Tin', input.length - 1),
    types('Tout', 1),
    call('then_branch', fn),
    call('else_branch', fn),
  ],
});
const doubling = (levels: number, make: (name: string, fn: string, from: string) => MadeNode): MadeFunction[] =>
  Array.from({ length: levels + 1 }, (_, level) =>
    level === levels
      ? { name: `f${level}`, nodes: [add('s', 'a', 'a')], ret: { r: 's:z:0' } }
      : {
          name: `f${level}`,
          nodes: [make('m', `f${level + 1}`, 'a'), make('n', `f${level + 1}`, 'm:output:0')],
          ret: { r: 'n:output:0' },
        },
  );

/** `y = x + v`, v a variable of the bundle. */
export const READ: readonly MadeNode[] = [
  placeholder('x'),
  { name: 'v', op: 'VariableV2', attr: [type('dtype', DT.FLOAT)] },
  {
    name: 'save/Const',
    op: 'Const',
    attr: [
      type('dtype', DT.STRING),
      {
        key: 'value',
        value: { tensor: { dtype: DT.STRING, tensorShape: shapeProto([]), stringVal: [Buffer.from('p')] } },
      },
    ],
  },
  {
    name: 'names',
    op: 'Const',
    attr: [
      type('dtype', DT.STRING),
      {
        key: 'value',
        value: { tensor: { dtype: DT.STRING, tensorShape: shapeProto([1]), stringVal: [Buffer.from('v')] } },
      },
    ],
  },
  {
    name: 'slices',
    op: 'Const',
    attr: [
      type('dtype', DT.STRING),
      {
        key: 'value',
        value: { tensor: { dtype: DT.STRING, tensorShape: shapeProto([1]), stringVal: [Buffer.from('')] } },
      },
    ],
  },
  {
    name: 'restore',
    op: 'RestoreV2',
    input: ['save/Const', 'names', 'slices'],
    attr: [{ key: 'dtypes', value: { list: { type: [DT.FLOAT] } } }],
  },
  { name: 'assign', op: 'Assign', input: ['v', 'restore'], attr: [type('T', DT.FLOAT)] },
  identity('read', 'v'),
  add('y', 'x', 'read'),
];
export const V: MadeTensor = { dtype: DT.FLOAT, shape: [1], data: Float32Array.of(1) };

async function bundle(
  name: string,
  files: Promise<Record<string, Uint8Array>>,
  message: RegExp,
): Promise<HostileModel> {
  return graph(name, READ, message, { files: await files });
}
const entry = (name: string, changed: Readonly<Record<string, unknown>>, message: RegExp): Promise<HostileModel> =>
  bundle(name, bundleFiles({ v: V }, { change: (_, found) => void Object.assign(found, changed) }), message);

async function rest(name: string, change: (index: Uint8Array) => Uint8Array, message: RegExp): Promise<HostileModel> {
  const files = await bundleFiles({ v: V });
  const index = 'variables/variables.index';
  return graph(name, READ, message, { files: { ...files, [index]: change(files[index] ?? new Uint8Array()) } });
}

const asset = (filename: string): Options => ({
  assets: [{ tensorInfo: { name: 'path:0' }, filename }],
});
const TABLE: readonly MadeNode[] = [
  placeholder('x', DT.STRING),
  {
    name: 'path',
    op: 'Const',
    attr: [
      type('dtype', DT.STRING),
      {
        key: 'value',
        value: { tensor: { dtype: DT.STRING, tensorShape: shapeProto([]), stringVal: [Buffer.from('p')] } },
      },
    ],
  },
  { name: 'table', op: 'HashTableV2', attr: [type('key_dtype', DT.STRING), type('value_dtype', DT.INT64)] },
  {
    name: 'init',
    op: 'InitializeTableFromTextFileV2',
    input: ['table', 'path'],
    attr: [
      { key: 'key_index', value: { i: -2 } },
      { key: 'value_index', value: { i: -1 } },
    ],
  },
  {
    name: 'no',
    op: 'Const',
    attr: [
      type('dtype', DT.INT64),
      { key: 'value', value: { tensor: { dtype: DT.INT64, tensorShape: shapeProto([]), int64Val: [0] } } },
    ],
  },
  {
    name: 'y',
    op: 'LookupTableFindV2',
    input: ['table', 'x', 'no'],
    attr: [type('Tin', DT.STRING), type('Tout', DT.INT64)],
  },
];
const lookup = (name: string, filename: string, message: RegExp): Promise<HostileModel> =>
  graph(name, TABLE, message, {
    ...asset(filename),
    files: { 'assets/vocab.txt': 'a\nb\n' },
    signatures: {
      serving_default: { inputs: { x: tensor('x:0', DT.STRING) }, outputs: { y: tensor('y:0', DT.INT64) } },
      __saved_model_init_op: { outputs: { init: { name: 'init', dtype: 0 } } },
    },
  });

export const savedModelCases = async (): Promise<readonly MadeModel[]> => {
  const whole = await savedModelPb({ graphDef: { node: [placeholder('x'), add('y', 'x', 'x')] } });
  return [
    pb('an empty file', new Uint8Array(), /saved_model\.pb holds no meta graph/),
    pb('text', new TextEncoder().encode('this is no model'), /saved_model\.pb is no SavedModel/),
    pb('a meta graph that claims 2^60 bytes', claim(2, 2n ** 60n), /saved_model\.pb is no SavedModel/),
    pb('a number of twenty bytes', new Uint8Array(20).fill(0xff), /saved_model\.pb is no SavedModel/),
    pb('a file cut short', whole.slice(0, -3), /saved_model\.pb is no SavedModel/),
    pb(
      'functions in attributes in functions',
      bytes(
        2,
        bytes(
          2,
          bytes(
            1,
            text(1, 'n'),
            bytes(
              5,
              text(1, 'a'),
              bytes(
                2,
                nested(20_000, (inner) => bytes(10, bytes(2, text(1, 'a'), bytes(2, inner)))),
              ),
            ),
          ),
        ),
      ),
      /nest/,
    ),
    pb(
      'groups in groups',
      bytes(
        2,
        nested(20_000, (inner) => concat(varint(100 * 8 + 3), inner, varint(100 * 8 + 4))),
      ),
      /saved_model\.pb/,
    ),
    pb(
      'ten million empty nodes',
      bytes(
        2,
        bytes(
          2,
          new Uint8Array(20_000_000).map((_, at) => (at % 2 === 0 ? 0x0a : 0)),
        ),
      ),
      /messages/,
    ),
    pb('no signature', whole, /no signatures/),
    pb(
      'thousands of meta graphs',
      concat(...Array.from({ length: 5000 }, () => bytes(2, bytes(1, text(4, 'train'))))),
      /5000 meta graphs/,
    ),
    graph(
      'an unknown operation named by terminal escapes',
      [placeholder('x'), { name: 'y', op: '\u001b[31mOp\u0007', input: ['x'] }],
      /\\u001b\[31mOp\\u0007/,
    ),
    graph('an input called __proto__', [placeholder('x'), add('y', 'x', 'x')], /__proto__/, {
      signatures: {
        serving_default: {
          inputs: JSON.parse(JSON.stringify({ X: tensor('x:0') }).replace('"X"', '"__proto__"')) as Record<
            string,
            never
          >,
          outputs: { y: tensor('y:0') },
        },
      },
    }),
    graph(
      'a circle of identities',
      [placeholder('x'), identity('a', 'b'), identity('b', 'a'), add('y', 'x', 'a')],
      /circle/,
    ),
    graph(
      'a circle of control inputs',
      [
        placeholder('x'),
        { ...add('a', 'x', 'x'), input: ['x', 'x', '^y'] },
        { ...add('y', 'a', 'a'), input: ['a', 'a', '^a'] },
        add('z', 'y', 'gone'),
      ],
      /circle|gone/,
      { signatures: { serving_default: { inputs: { x: tensor('x:0') }, outputs: { y: tensor('z:0') } } } },
    ),
    graph(
      'a Merge in a circle without a loop',
      [
        placeholder('x'),
        { name: 'm', op: 'Merge', input: ['x', 'n'], attr: [type('T', DT.FLOAT), { key: 'N', value: { i: 2 } }] },
        { name: 'n', op: 'NextIteration', input: ['m'], attr: [type('T', DT.FLOAT)] },
        identity('y', 'm'),
      ],
      /saved_model\.pb/,
    ),
    graph('functions that double with every level', [placeholder('x'), callOf('y', 'f0', 'x')], /expand to more than/, {
      functions: doubling(50, (name, fn, from) => callOf(name, fn, from)),
    }),
    graph('branches that double with every level', [placeholder('x'), branch('y', 'f0', 'x', 'x')], /saved_model\.pb/, {
      functions: doubling(50, (name, fn, from) => branch(name, fn, from, from)),
    }),
    graph(
      'a constant of 2^40 elements',
      [placeholder('x'), filled('c', 2 ** 20, 2 ** 20), add('y', 'x', 'c')],
      /the constant c cannot be read/,
    ),
    graph(
      'a constant whose size overflows',
      [placeholder('x'), filled('c', 2 ** 40, 2 ** 40), add('y', 'x', 'c')],
      /the constant c cannot be read/,
    ),
    graph(
      'a constant of a negative size',
      [placeholder('x'), filled('c', -1), add('y', 'x', 'c')],
      /the constant c cannot be read/,
    ),
    graph(
      'a hundred constants of 200 MB each, of a few bytes',
      [
        placeholder('x'),
        ...Array.from({ length: 100 }, (_, at) => filled(`c${at}`, 50_000_000)),
        {
          name: 'y',
          op: 'AddN',
          input: Array.from({ length: 100 }, (_, at) => `c${at}`),
          attr: [type('T', DT.FLOAT), { key: 'N', value: { i: 100 } }],
        },
      ],
      /constant/,
    ),
    graph('an output of a number without end', [placeholder('x'), add('y', 'x:99999999999999999999', 'x')], /m@1/),
    lookup('an asset outside the folder', '../../etc/passwd', /inside the model's folder/),
    lookup('an asset at an absolute path', '/etc/passwd', /inside the model's folder/),
    lookup('an asset behind backslashes', '..\\..\\vocab.txt', /inside the model's folder/),
    lookup('an asset behind a NUL', 'vocab.txt\0', /inside the model's folder/),
    lookup('an asset named by an escape', '\u001b[31m', /\\u001b\[31m/),
    graph('variables that are not there', READ, /variables/),
    entry('a variable beyond its file', { offset: 1000 }, /variables\/variables cannot give "v"/),
    entry('a variable at a negative place', { offset: -8 }, /variables\/variables cannot give "v"/),
    entry(
      'a variable of terabytes',
      { shape: shapeProto([2 ** 40]), size: 2 ** 42 },
      /variables\/variables cannot give "v"/,
    ),
    entry(
      'a variable whose size overflows',
      { shape: shapeProto([2 ** 62, 2 ** 62, 4]) },
      /variables\/variables cannot give "v"/,
    ),
    entry('a variable of another checksum', { crc32c: 7 }, /checksum/),
    entry('a variable of a data shard that is none', { shardId: 7 }, /variables\/variables cannot give "v"/),
    entry(
      'a variable of slices without end',
      { slices: Array.from({ length: 20_000 }, () => ({ extent: [{ start: 0, length: 1 }] })) },
      /variables\/variables cannot give "v"/,
    ),
    entry('a variable that is its own slice', { slices: [{ extent: [{}] }] }, /variables\/variables/),
    bundle(
      'a bundle of 2^31 data shards',
      bundleFiles({ v: V }, { header: { numShards: 2 ** 31 - 1 } }),
      /data shards/,
    ),
    bundle(
      'a bundle of shards that are not there',
      bundleFiles({ v: V }, { header: { numShards: 90_000 } }),
      /which is not there/,
    ),
    rest('an index cut short', (index) => index.slice(0, -1), /variables\.index/),
    rest('an empty index', () => new Uint8Array(), /variables\.index/),
    rest(
      'an index of random bytes',
      () => Uint8Array.from({ length: 1000 }, (_, at) => (at * 7919) % 251),
      /variables\.index/,
    ),
    rest(
      'a block that claims to hold terabytes',
      () => table([['v', int(1, 1)]], { compression: 1, compress: () => concat(varint(2 ** 42), new Uint8Array(10)) }),
      /variables\.index/,
    ),
  ];
};
