import { type GraphOptions, type Node, graphFiles, placeholder, type } from '../tfjs-maker.ts';
import type { HostileModel, MadeModel } from './hostile-model.ts';

/** TensorFlow.js models that no converter writes: model.json and what it claims of the other files. */

const FLOAT = 'DT_FLOAT';
const X = placeholder('x', FLOAT, [-1, 1]);
const relu = (name: string, input: string): Node => ({ name, op: 'Relu', input: [input], attr: { T: type(FLOAT) } });

async function graph(name: string, options: GraphOptions, message: RegExp): Promise<HostileModel> {
  const files = graphFiles(options);
  const read = await Promise.all(files.names.map(async (file) => [file, await files.read(file)] as const));
  return { name, files: Object.fromEntries(read), message };
}

/** A graph-model `y = relu(x)` whose model.json is changed as the case will. */
function json(name: string, change: Readonly<Record<string, unknown>>, message: RegExp, files = {}): HostileModel {
  const model = {
    format: 'graph-model',
    modelTopology: { node: [X, relu('y', 'x')], library: { function: [] }, versions: { producer: 1 } },
    weightsManifest: [{ paths: ['w.bin'], weights: [{ name: 'w', shape: [1], dtype: 'float32' }] }],
    ...change,
  };
  return { name, files: { 'model.json': model, 'w.bin': new Uint8Array(4), ...files }, message };
}

const topology = (...node: readonly unknown[]) => ({ modelTopology: { node, versions: { producer: 1 } } });
const manifest = (weights: readonly unknown[], ...paths: readonly unknown[]) => ({
  weightsManifest: [{ paths, weights }],
});
const weight = (shape: readonly number[], dtype = 'float32') => [{ name: 'w', shape, dtype }];
const fn = (name: string, ...nodeDef: readonly Node[]) => ({
  signature: { name, inputArg: [{ name: 'a', type: FLOAT }], outputArg: [{ name: 'b', type: FLOAT }] },
  nodeDef,
  ret: { b: `${nodeDef.at(-1)?.name ?? ''}:output:0` },
});
const branch = (name: string, callee: string, input = 'a'): Node => ({
  name,
  op: 'StatelessIf',
  input: [input, input],
  attr: { then_branch: { func: { name: callee } }, else_branch: { func: { name: callee } }, Tcond: type(FLOAT) },
});

function layers(name: string, change: (model: Record<string, unknown>) => unknown, message: RegExp): HostileModel {
  const dense = {
    class_name: 'Dense',
    config: { name: 'd', units: 1, use_bias: false, batch_input_shape: [null, 1], dtype: 'float32' },
  };
  const model = { class_name: 'Sequential', config: { name: 's', layers: [dense] } };
  return {
    name,
    files: {
      'model.json': {
        format: 'layers-model',
        modelTopology: { model_config: change(model) },
        weightsManifest: [{ paths: ['w.bin'], weights: [{ name: 'd/kernel', shape: [1, 1], dtype: 'float32' }] }],
      },
      'w.bin': new Uint8Array(4),
    },
    message,
  };
}

const layerList = (...list: readonly unknown[]) => ({ class_name: 'Sequential', config: { name: 's', layers: list } });
const denseOf = (config: Readonly<Record<string, unknown>>) =>
  layerList({ class_name: 'Dense', config: { name: 'd', units: 1, batch_input_shape: [null, 1], ...config } });

export const tfjsCases = (): readonly MadeModel[] => [
  { name: 'an empty file', files: { 'model.json': '' }, message: /model\.json is not JSON/ },
  { name: 'null', files: { 'model.json': 'null' }, message: /model\.json is not a TensorFlow\.js model/ },
  { name: 'lists in lists', files: { 'model.json': '['.repeat(1_000_000) }, message: /model\.json .*nests deeper/ },
  {
    name: 'objects in the graph without end',
    files: { 'model.json': `{"modelTopology":${'{"a":'.repeat(200_000)}` },
    message: /nests deeper/,
  },
  {
    name: 'bytes that are no text',
    files: { 'model.json': new Uint8Array(100).fill(0xff) },
    message: /model\.json is not JSON/,
  },
  json(
    'weights of terabytes',
    manifest(weight([2 ** 40]), 'w.bin'),
    /w\.bin holds 4 bytes of weights; model\.json declares 4398046511104/,
  ),
  json(
    'weights whose size overflows',
    manifest(weight(Array.from({ length: 30 }, () => 2 ** 40)), 'w.bin'),
    /w\.bin.*declares Infinity/,
  ),
  json(
    'weights of a shape of zero and infinity',
    manifest(weight([0, ...Array.from({ length: 30 }, () => 2 ** 40)]), 'w.bin'),
    /w\.bin .*declares NaN|w\.bin .*declares 0/,
  ),
  json('texts by the billion', manifest(weight([2 ** 40], 'string'), 'w.bin'), /ends inside a string|declares/),
  json('a rank without end', manifest(weight(Array.from({ length: 100_000 }, () => 1)), 'w.bin'), /dimensions/),
  json('weights outside the folder', manifest([], '../w.bin'), /inside the model's folder/),
  json('weights at an absolute path', manifest([], '/etc/passwd'), /inside the model's folder/),
  json('weights behind a URL', manifest([], 'http://127.0.0.1/w.bin'), /inside the model's folder/),
  json('weights behind backslashes', manifest([], '..\\w.bin'), /inside the model's folder/),
  json('weights behind a NUL', manifest([], 'w.bin\0'), /inside the model's folder/),
  json('weights in a file named by an escape', manifest([], '\u001b[31m.bin'), /\\u001b\[31m\.bin, which is not there/),
  json(
    'one file named a million times',
    { weightsManifest: [{ paths: Array.from({ length: 1_000_000 }, () => 'w.bin'), weights: [] }] },
    /names the file w\.bin twice/,
  ),
  json('a graph of null', { modelTopology: { node: null } }, /refuses model\.json/),
  json('a node that is null', topology(X, null), /modelTopology\.node\.1/),
  json('a node without a name', topology(X, { op: 'Relu', input: ['x'] }), /modelTopology\.node\.1\.name/),
  json('inputs that are numbers', topology(X, { name: 'y', op: 'Relu', input: [1] }), /modelTopology\.node\.1\.input/),
  json(
    'attributes that are null',
    topology(X, { name: 'y', op: 'Relu', input: ['x'], attr: { T: null } }),
    /modelTopology\.node\.1\.attr/,
  ),
  json('an input that is not there', topology(X, relu('y', 'z')), /"y".*"z"/),
  json('two nodes of one name', topology(X, relu('y', 'x'), relu('y', 'x')), /"y"/),
  json('a node called __proto__', topology(X, relu('__proto__', 'x'), relu('y', '__proto__')), /__proto__/),
  json('a signature of null', { signature: { inputs: null, outputs: { y: null } } }, /model\.json/),
  json('an initializer that is text', { modelInitializer: 'x' }, /modelInitializer/),
  json(
    'dimensions that are null',
    {
      signature: {
        inputs: { x: { name: 'x:0', dtype: FLOAT, tensorShape: { dim: [null] } } },
        outputs: { y: { name: 'y:0', dtype: FLOAT } },
      },
    },
    /model\.json/,
  ),
  json('a circle', topology(X, relu('a', 'b'), relu('b', 'a'), relu('y', 'b')), /circle/),
  json('a node that is its own input', topology(X, relu('y', 'y')), /circle/),
  graph(
    'a function that calls itself',
    { nodes: [X, branch('y', 'f', 'x')], functions: [fn('f', branch('m', 'f'))] },
    /function "f" calls itself/,
  ),
  graph(
    'functions that double with every level',
    {
      nodes: [X, branch('y', 'f0', 'x')],
      functions: [
        ...Array.from({ length: 50 }, (_, at) =>
          fn(`f${at}`, branch('m', `f${at + 1}`), branch('n', `f${at + 1}`, 'm')),
        ),
        fn('f50', relu('r', 'a')),
      ],
    },
    /functions expanded/,
  ),
  graph(
    'an unknown operation named by terminal escapes',
    { nodes: [X, { name: 'y', op: '\u001b]0;owned\u0007', input: ['x'] }] },
    /\\u001b\]0;owned\\u0007/,
  ),
  layers('layers that are null', () => layerList(null), /model\.json/),
  layers('a dense layer of 2^40 units', () => denseOf({ units: 2 ** 40 }), /model\.json|d\/kernel/),
  layers('a dense layer of 2^29 units', () => denseOf({ units: 2 ** 29 }), /model\.json|d\/kernel/),
  layers(
    'an embedding of terabytes',
    () =>
      layerList({
        class_name: 'Embedding',
        config: { name: 'e', input_dim: 2 ** 40, output_dim: 1, batch_input_shape: [null, 1] },
      }),
    /model\.json/,
  ),
  layers('a dtype that is none', () => denseOf({ dtype: 'float31', use_bias: false }), /float31/),
  layers(
    'a layer of code',
    () => layerList({ class_name: 'Lambda', config: { name: 'l', function: 'process.exit(7)' } }),
    /Lambda/,
  ),
  layers(
    'a layer called by the prototype',
    () => layerList({ class_name: 'constructor', config: { name: 'c' } }),
    /model\.json/,
  ),
  layers(
    'models in models',
    (model) => {
      let inner: unknown = model;
      for (let level = 0; level < 500; level++)
        inner = { class_name: 'Sequential', config: { name: `s${level}`, layers: [inner] } };
      return inner;
    },
    /nests deeper/,
  ),
];
