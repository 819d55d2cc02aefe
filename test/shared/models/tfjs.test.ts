import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModel as load } from '../../../shared/models/load.ts';
import type { Model, ModelFiles } from '../../../shared/models/model.ts';
import { hasTensorFlow, onBackend } from '../../../shared/models/tfjs-backend.ts';
import type { TfjsOptions } from '../../../shared/models/tfjs-backend.ts';
import type { Tensor, Tensors } from '../../../shared/tensor.ts';
import { describeFixtures, FIXTURES, float32, folderFiles, memoryFiles } from './model-files.ts';
import {
  bytes,
  graphFiles,
  ints,
  layersFiles,
  placeholder,
  saveLayers,
  type,
  type GraphOptions,
  type TfjsJson,
} from './tfjs-maker.ts';

/** Without tfjs-node, wherever this runs: what libtensorflow does has a suite of its own. */
const loadModel = (files: ModelFiles, options: TfjsOptions = {}): Promise<Model> =>
  load(files, { tfjsNode: false, ...options });

const refusal = (status: string, message: RegExp) => ({
  name: 'PermanentError',
  status,
  message: expect.stringMatching(message) as string,
});
const predict = (model: Model, inputs: Tensors): Promise<Tensors> => model.predict('serving_default', inputs);
const tensorCount = (): Promise<number> => onBackend('cpu', (tf) => tf.memory().numTensors);
const int32 = (shape: number[], ...values: number[]): Tensor => ({
  dtype: 'int32',
  shape,
  data: Int32Array.from(values),
});
const strings = (shape: number[], ...data: (string | Uint8Array)[]): Tensor => ({ dtype: 'string', shape, data });

type Saved = { json: TfjsJson; weights: Uint8Array };
let dense: Saved;

beforeAll(async () => {
  dense = await saveLayers((layers, tf) => {
    const input = layers.input({ shape: [2], name: 'features' });
    const output = layers.layers.dense({ units: 1, name: 'price' });
    const model = layers.model({ inputs: input, outputs: output.apply(input) as never });
    output.setWeights([tf.tensor2d([[2], [3]]), tf.tensor1d([0.5])]);
    return model;
  });
});

describe.runIf(await hasTensorFlow())('on libtensorflow (skipped where tfjs-node is not installed)', () => {
  it('a model computes what it computes on cpu, and leaves no tensor behind', async () => {
    const clean = await tensorCount();
    const native = await load(layersFiles(dense));
    expect(native.runtime).toBe('tfjs 4.22.0 (tensorflow)');
    const reference = await loadModel(layersFiles(dense), { tfjsBackend: 'cpu' });
    const before = await tensorCount();
    for (let batch = 0; batch < 10_000; batch++) {
      const inputs = { features: float32([2, 2], [batch, 1, 0.5, -batch]) };
      const [price, expected] = [(await predict(native, inputs))['price'], (await predict(reference, inputs))['price']];
      expect(price?.data[0]).toBeCloseTo(expected?.data[0] as number, 3);
      expect(price?.data[1]).toBeCloseTo(expected?.data[1] as number, 3);
    }
    expect(await tensorCount()).toBe(before);
    await native.dispose();
    await reference.dispose();
    expect(await tensorCount()).toBe(clean);
  });
});

describe('a layers-model', () => {
  it('runs on wasm with its layers as names', async () => {
    const model = await loadModel(layersFiles(dense));
    expect(model.runtime).toBe('tfjs 4.22.0 (wasm)');
    expect(model.byteSize).toBe(12);
    expect(model.signatures).toEqual({
      serving_default: {
        name: 'serving_default',
        inputs: [{ name: 'features', dtype: 'float32', shape: [null, 2] }],
        outputs: [{ name: 'price', dtype: 'float32', shape: [null, 1] }],
      },
    });
    expect(await predict(model, { features: float32([3, 2], [1, 1, 0, 2, -1, 0]) })).toEqual({
      price: float32([3, 1], [5.5, 6.5, -1.5]),
    });
    await model.dispose();
  });

  it('with several inputs and outputs takes and gives each by name', async () => {
    const saved = await saveLayers((layers) => {
      const [a, b] = ['a', 'b'].map((name) => layers.input({ shape: [2], name }));
      const sum = layers.layers.add({ name: 'sum' }).apply([a, b] as never);
      const product = layers.layers.multiply({ name: 'product' }).apply([a, b] as never);
      return layers.model({ inputs: [a, b] as never, outputs: [sum, product] as never });
    });
    const model = await loadModel(layersFiles(saved));
    const outputs = await predict(model, { b: float32([1, 2], [3, 4]), a: float32([1, 2], [1, 2]) });
    expect(outputs).toEqual({ sum: float32([1, 2], [4, 6]), product: float32([1, 2], [3, 8]) });
    await model.dispose();
  });

  it('scores more rows than its own batches of 32 in one call, and none', async () => {
    const model = await loadModel(layersFiles(dense));
    const { price } = await predict(model, { features: float32([1000, 2], new Float32Array(2000).fill(1)) });
    expect(new Set(price?.data as Float32Array)).toEqual(new Set([5.5]));
    expect(price?.shape).toEqual([1000, 1]);
    await model.dispose();
  });

  it('that keeps state from batch to batch is refused by its layer', async () => {
    const saved = await saveLayers((layers) =>
      layers.sequential({
        layers: [
          layers.layers.lstm({
            units: 2,
            stateful: true,
            batchInputShape: [4, 3, 2],
            recurrentInitializer: 'zeros',
            name: 'memory',
          }),
        ],
      }),
    );
    await expect(loadModel(layersFiles(saved))).rejects.toMatchObject(
      refusal('UNIMPLEMENTED', /the layer memory \(LSTM\) keeps state/),
    );
  });

  it('with a layer that TensorFlow.js lacks is refused by its name', async () => {
    const json = JSON.parse(JSON.stringify(dense.json).replace('"Dense"', '"Lambda"')) as TfjsJson;
    await expect(loadModel(layersFiles({ ...dense, json }))).rejects.toMatchObject(
      refusal('UNIMPLEMENTED', /Unknown layer: Lambda/),
    );
  });

  it('whose convolution the wasm backend computes wrongly runs on cpu', async () => {
    const convolution = (kernelSize: number, strides: number, padding: 'same' | 'valid') =>
      saveLayers((layers) =>
        layers.sequential({
          layers: [layers.layers.conv2d({ filters: 2, kernelSize, strides, padding, inputShape: [9, 9, 1] })],
        }),
      );
    const cases = [
      { saved: await convolution(2, 3, 'same'), backend: 'cpu' },
      { saved: await convolution(2, 3, 'valid'), backend: 'wasm' },
      { saved: await convolution(3, 2, 'same'), backend: 'wasm' },
      { saved: await convolution(1, 2, 'same'), backend: 'wasm' },
    ];
    for (const { saved, backend } of cases) {
      const model = await loadModel(layersFiles(saved));
      expect(model.runtime).toBe(`tfjs 4.22.0 (${backend})`);
      const reference = await loadModel(layersFiles(saved), { tfjsBackend: 'cpu' });
      const input = float32(
        [1, 9, 9, 1],
        Float32Array.from({ length: 81 }, (_, index) => Math.sin(index)),
      );
      const name = model.signatures['serving_default']?.inputs[0]?.name ?? '';
      const [found] = Object.values(await predict(model, { [name]: input }));
      const [expected] = Object.values(await predict(reference, { [name]: input }));
      (found?.data as Float32Array).forEach((value, index) => {
        expect(value).toBeCloseTo(Number(expected?.data[index]), 5);
      });
      await model.dispose();
      await reference.dispose();
    }
  });
});

const doubled: GraphOptions = {
  nodes: [
    placeholder('x', 'DT_FLOAT', [-1, 2]),
    { name: 'y', op: 'Mul', input: ['x', 'two'], attr: { T: type('DT_FLOAT') } },
  ],
  weights: [{ name: 'two', shape: [], data: Float32Array.of(2) }],
};
const conditional: GraphOptions = {
  nodes: [
    placeholder('x', 'DT_FLOAT', [-1]),
    placeholder('flag', 'DT_BOOL', []),
    {
      name: 'y',
      op: 'If',
      input: ['flag', 'x'],
      attr: {
        Tcond: type('DT_BOOL'),
        Tin: { list: { type: ['DT_FLOAT'] } },
        Tout: { list: { type: ['DT_FLOAT'] } },
        then_branch: { func: { name: 'then' } },
        else_branch: { func: { name: 'else' } },
      },
    },
  ],
  functions: [
    { op: 'Neg', name: 'then' },
    { op: 'Abs', name: 'else' },
  ].map(({ op, name }) => ({
    signature: { name, inputArg: [{ name: 'v', type: 'DT_FLOAT' }], outputArg: [{ name: 'r', type: 'DT_FLOAT' }] },
    nodeDef: [{ name: 'done', op, input: ['v'], attr: { T: type('DT_FLOAT') } }],
    ret: { r: 'done:y:0' },
  })),
  inputs: [
    ['x', 'x:0', 'DT_FLOAT', [-1]],
    ['flag', 'flag:0', 'DT_BOOL', []],
  ],
  outputs: [['y', 'y:0', 'DT_FLOAT', [-1]]],
};
const tiled: GraphOptions = {
  nodes: [
    placeholder('s', 'DT_STRING', [-1]),
    placeholder('n', 'DT_INT32', [1]),
    { name: 't', op: 'Tile', input: ['s', 'n'] },
  ],
  inputs: [
    ['s', 's:0', 'DT_STRING', [-1]],
    ['n', 'n:0', 'DT_INT32', [1]],
  ],
  outputs: [['t', 't:0', 'DT_STRING', [-1]]],
};

describe('a graph-model', () => {
  it('has the names of its signature, without :0', async () => {
    const model = await loadModel(
      graphFiles({
        ...doubled,
        inputs: [['in:0', 'x:0', 'DT_FLOAT', [-1, 2]]],
        outputs: [['out:0', 'y:0', 'DT_FLOAT', [-1, 2]]],
      }),
    );
    expect(model.runtime).toBe('tfjs 4.22.0 (wasm)');
    expect(model.signatures['serving_default']).toEqual({
      name: 'serving_default',
      inputs: [{ name: 'in', dtype: 'float32', shape: [null, 2] }],
      outputs: [{ name: 'out', dtype: 'float32', shape: [null, 2] }],
    });
    expect(await predict(model, { in: float32([2, 2], [1, 2, 3, 4]) })).toEqual({ out: float32([2, 2], [2, 4, 6, 8]) });
    await model.dispose();
  });

  it('without a signature has its placeholders and its ends, and learns their dtypes', async () => {
    const nodes = [...doubled.nodes, { name: 'z', op: 'Greater', input: ['x', 'two'], attr: { T: type('DT_FLOAT') } }];
    const model = await loadModel(graphFiles({ ...doubled, nodes }));
    expect(model.signatures['serving_default']).toEqual({
      name: 'serving_default',
      inputs: [{ name: 'x', dtype: 'float32', shape: [null, 2] }],
      outputs: [
        { name: 'y', dtype: 'float32', shape: null },
        { name: 'z', dtype: 'bool', shape: null },
      ],
    });
    const outputs = await predict(model, { x: float32([1, 2], [1, 3]) });
    expect(outputs).toEqual({
      y: float32([1, 2], [2, 6]),
      z: { dtype: 'bool', shape: [1, 2], data: Uint8Array.of(0, 1) },
    });
    await model.dispose();
  });

  it('declares int64 as the int32 it computes, and keeps the range of small integers', async () => {
    const names = ['DT_INT64', 'DT_INT32', 'DT_UINT8', 'DT_INT16', 'DT_DOUBLE'] as const;
    const model = await loadModel(
      graphFiles({
        nodes: names.flatMap((name) => [
          placeholder(`in_${name}`, name, [-1]),
          { name: `out_${name}`, op: 'Identity', input: [`in_${name}`], attr: { T: type(name) } },
        ]),
        inputs: names.map((name) => [name, `in_${name}:0`, name, [-1]]),
        outputs: names.map((name) => [name, `out_${name}:0`, name, [-1]]),
      }),
    );
    const { inputs, outputs } = model.signatures['serving_default'] ?? {};
    expect(inputs?.map((spec) => spec.dtype)).toEqual(['int32', 'int32', 'uint8', 'int16', 'float32']);
    expect(outputs?.map((spec) => spec.dtype)).toEqual(['int32', 'int32', 'int32', 'int32', 'float32']);
    const found = await predict(model, {
      DT_INT64: int32([1], 2 ** 31 - 1),
      DT_INT32: int32([1], -(2 ** 31)),
      DT_UINT8: { dtype: 'uint8', shape: [1], data: Uint8Array.of(255) },
      DT_INT16: { dtype: 'int16', shape: [1], data: Int16Array.of(-5) },
      DT_DOUBLE: float32([1], [0.5]),
    });
    expect(Object.values(found).map((tensor) => Number(tensor.data[0]))).toEqual([
      2 ** 31 - 1,
      -(2 ** 31),
      255,
      -5,
      0.5,
    ]);
    await model.dispose();
  });

  it.each(['DT_COMPLEX64', 'DT_VARIANT', 'DT_UINT64'])('with an input of %s is refused by its name', async (name) => {
    const files = graphFiles({
      ...doubled,
      inputs: [['in', 'x:0', name, [-1, 2]]],
      outputs: [['out', 'y:0', 'DT_FLOAT', [-1, 2]]],
    });
    await expect(loadModel(files)).rejects.toMatchObject(refusal('UNIMPLEMENTED', new RegExp(`input in is ${name}`)));
  });

  it('with strings runs on cpu', async () => {
    const model = await loadModel(graphFiles(tiled));
    expect(model.runtime).toBe('tfjs 4.22.0 (cpu)');
    const outputs = await predict(model, { s: strings([2], 'é', new TextEncoder().encode('b')), n: int32([1], 2) });
    expect(outputs).toEqual({ t: strings([4], 'é', 'b', 'é', 'b') });
    await expect(predict(model, { s: strings([1], Uint8Array.of(255)), n: int32([1], 1) })).rejects.toMatchObject(
      refusal('INVALID_ARGUMENT', /^input s: found bytes that are not UTF-8/),
    );
    await model.dispose();
  });

  it('with control flow runs on cpu, both ways', async () => {
    const model = await loadModel(graphFiles(conditional));
    expect(model.runtime).toBe('tfjs 4.22.0 (cpu)');
    const run = (flag: number) =>
      predict(model, { x: float32([2], [1, -2]), flag: { dtype: 'bool', shape: [], data: Uint8Array.of(flag) } });
    const before = await tensorCount();
    expect(await run(1)).toEqual({ y: float32([2], [-1, 2]) });
    expect(await run(0)).toEqual({ y: float32([2], [1, 2]) });
    expect(await tensorCount()).toBe(before);
    await model.dispose();
  });

  it.each([
    { padding: 'SAME', stride: 3, backend: 'cpu' },
    { padding: 'VALID', stride: 3, backend: 'wasm' },
    { padding: 'SAME', stride: 2, backend: 'wasm' },
  ])(
    'with a convolution of $padding, kernel 2 and stride $stride runs on $backend',
    async ({ padding, stride, backend }) => {
      const attr = {
        T: type('DT_FLOAT'),
        strides: ints(1, stride, stride, 1),
        padding: bytes(padding),
        data_format: bytes('NHWC'),
        dilations: ints(1, 1, 1, 1),
      };
      const model = await loadModel(
        graphFiles({
          nodes: [
            placeholder('x', 'DT_FLOAT', [-1, 9, 9, 1]),
            { name: 'y', op: 'Conv2D', input: ['x', 'kernel'], attr },
          ],
          weights: [{ name: 'kernel', shape: [2, 2, 1, 1], data: Float32Array.of(1, 2, 3, 4) }],
        }),
      );
      expect(model.runtime).toBe(`tfjs 4.22.0 (${backend})`);
      await model.dispose();
    },
  );

  it('that needs a kernel which only cpu has runs there', async () => {
    const attr = { T: type('DT_FLOAT'), equation: bytes('ij,j->i'), N: { i: '2' } };
    const nodes = [placeholder('x', 'DT_FLOAT', [-1, 2]), { name: 'y', op: 'Einsum', input: ['x', 'v'], attr }];
    const model = await loadModel(
      graphFiles({ nodes, weights: [{ name: 'v', shape: [2], data: Float32Array.of(2, 3) }] }),
    );
    expect(model.runtime).toBe('tfjs 4.22.0 (cpu)');
    expect(await predict(model, { x: float32([2, 2], [1, 0, 0, 1]) })).toEqual({ y: float32([2], [2, 3]) });
    await model.dispose();
  });

  it('that slices integers by steps runs on cpu, as WebAssembly takes them for floats', async () => {
    const index = (name: string, value: number) => ({ name, shape: [1], data: Int32Array.of(value) });
    const nodes = [
      placeholder('x', 'DT_INT32', [-1]),
      {
        name: 'y',
        op: 'StridedSlice',
        input: ['x', 'b', 'e', 's'],
        attr: { T: type('DT_INT32'), end_mask: { i: '1' } },
      },
    ];
    const weights = [index('b', 0), index('e', 0), index('s', 2)];
    const model = await loadModel(graphFiles({ nodes, weights }));
    expect(model.runtime).toBe('tfjs 4.22.0 (cpu)');
    expect(await predict(model, { x: int32([5], 10, 20, 30, 40, 50) })).toEqual({ y: int32([3], 10, 30, 50) });
    await model.dispose();
  });

  it.each(['MyCustomOp', 'AssignAddVariableOp'])('with %s is refused by its name', async (op) => {
    const nodes = [placeholder('x', 'DT_FLOAT', [-1]), { name: 'y', op, input: ['x'] }];
    await expect(loadModel(graphFiles({ nodes }))).rejects.toMatchObject(
      refusal('UNIMPLEMENTED', new RegExp(`TensorFlow\\.js has no operation ${op}`)),
    );
  });
});

describe('sharing one engine', () => {
  it('models on different backends predict at the same time', async () => {
    const [wasm, cpu] = await Promise.all([
      loadModel(layersFiles(dense)),
      loadModel(layersFiles(dense), { tfjsBackend: 'cpu' }),
    ]);
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        predict(index % 2 ? wasm : cpu, { features: float32([1, 2], [index, 0]) }),
      ),
    );
    expect(results.map(({ price }) => price?.data[0])).toEqual(results.map((_, index) => index * 2 + 0.5));
    await Promise.all([wasm.dispose(), cpu.dispose()]);
  });

  it.each(['wasm', 'cpu'] as const)('10,000 batches on %s leave no tensor behind', async (tfjsBackend) => {
    const clean = await tensorCount();
    const model = await loadModel(layersFiles(dense), { tfjsBackend });
    const before = await tensorCount();
    for (let batch = 0; batch < 10_000; batch++) await predict(model, { features: float32([1, 2], [batch, 1]) });
    expect(await tensorCount()).toBe(before);
    await model.dispose();
    expect(await tensorCount()).toBe(clean);
  });

  it('failing loads and failing batches leave no tensor behind', async () => {
    const before = await tensorCount();
    const model = await loadModel(layersFiles(dense));
    await expect(predict(model, { features: float32([1, 3], [1, 2, 3]) })).rejects.toThrow(/shape/);
    await expect(predict(model, {})).rejects.toThrow('input features is missing; expected float32');
    await expect(predict(model, { features: int32([1, 2], 1, 2) })).rejects.toThrow(
      'input features is int32; expected float32',
    );
    await expect(model.predict('other', {})).rejects.toThrow(/no signature other/);
    expect(await predict(model, { features: float32([1, 2], [1, 1]) })).toEqual({ price: float32([1, 1], [5.5]) });
    await model.dispose();
    await model.dispose();
    await expect(predict(model, { features: float32([1, 2], [1, 1]) })).rejects.toThrow('the model is disposed of');
    const renamed = JSON.parse(JSON.stringify(dense.json).replace('"price/kernel"', '"cost/kernel"')) as TfjsJson;
    await expect(loadModel(layersFiles({ ...dense, json: renamed }))).rejects.toMatchObject(
      refusal('INVALID_ARGUMENT', /cost\/kernel|price\/kernel/),
    );
    await expect(
      loadModel(graphFiles({ ...doubled, nodes: [...doubled.nodes, { name: 'q', op: 'Nonsense', input: ['y'] }] })),
    ).rejects.toThrow(/Nonsense/);
    expect(await tensorCount()).toBe(before);
  });

  it('outputs are not the memory of inputs or weights', async () => {
    const nodes = [placeholder('x', 'DT_FLOAT', [-1]), { name: 'y', op: 'Identity', input: ['x'] }];
    const model = await loadModel(graphFiles({ nodes }), { tfjsBackend: 'cpu' });
    const x = float32([2], [1, 2]);
    const { y } = await predict(model, { x });
    (x.data as Float32Array).fill(9);
    expect(y).toEqual(float32([2], [1, 2]));
    await model.dispose();
  });

  it('an aborted WebAssembly module is lost to its models and replaced for the next', async () => {
    const bystander = await loadModel(layersFiles(dense));
    const victim = await loadModel(graphFiles(tiled), { tfjsBackend: 'wasm' });
    // Loading tried it out, which aborted the module.
    await expect(predict(victim, { s: strings([1], 'a'), n: int32([1], 2) })).rejects.toMatchObject({
      name: 'ModelLostError',
    });
    const features = float32([1, 2], [1, 1]);
    await expect(predict(bystander, { features })).rejects.toMatchObject({ name: 'ModelLostError' });
    await Promise.all([bystander.dispose(), victim.dispose()]);
    const next = await loadModel(layersFiles(dense));
    expect(next.runtime).toBe('tfjs 4.22.0 (wasm)');
    expect(await predict(next, { features })).toEqual({ price: float32([1, 1], [5.5]) });
    await next.dispose();
  });
});

describe('files that are no model', () => {
  const changed = (change: (json: TfjsJson) => unknown): TfjsJson => {
    const json = structuredClone(dense.json);
    change(json);
    return json;
  };
  const withPath = (path: unknown) =>
    changed((json) => (json.weightsManifest[0] as { paths: unknown[] }).paths.splice(0, 2, path));
  const cases: { name: string; json: string | object; status: string; message: RegExp }[] = [
    { name: 'broken JSON', json: '{"format":', status: 'INVALID_ARGUMENT', message: /m@1: model\.json is not JSON/ },
    { name: 'an array', json: [], status: 'INVALID_ARGUMENT', message: /model\.json is not a TensorFlow\.js model/ },
    { name: 'other JSON', json: { a: 1 }, status: 'INVALID_ARGUMENT', message: /modelTopology/ },
    {
      name: 'no weights manifest',
      json: { modelTopology: {} },
      status: 'INVALID_ARGUMENT',
      message: /weightsManifest/,
    },
    {
      name: 'an empty topology',
      json: { modelTopology: {}, weightsManifest: [] },
      status: 'INVALID_ARGUMENT',
      message: /TensorFlow\.js refuses model\.json/,
    },
    {
      name: 'another format',
      json: { format: 'x', modelTopology: {}, weightsManifest: [] },
      status: 'UNIMPLEMENTED',
      message: /the format x/,
    },
    {
      name: 'a graph of nothing',
      json: { modelTopology: { node: [{}] }, weightsManifest: [] },
      status: 'INVALID_ARGUMENT',
      message: /refuses model\.json/,
    },
  ];
  it.each(cases)('$name is refused', async ({ json, status, message }) => {
    await expect(loadModel(memoryFiles({ 'model.json': json }))).rejects.toMatchObject(refusal(status, message));
  });

  it.each(['../a.bin', '/a.bin', 'x/../a.bin', 'https://example.com/a.bin', 'a\\b', '', 7])(
    'the weights path %j is refused',
    async (path) => {
      await expect(loadModel(layersFiles({ ...dense, json: withPath(path) }))).rejects.toMatchObject(
        refusal('INVALID_ARGUMENT', /m@1: model\.json names /),
      );
    },
  );

  it('a missing shard is refused by its name', async () => {
    await expect(loadModel(layersFiles({ ...dense, json: withPath('c.bin') }))).rejects.toMatchObject(
      refusal('FAILED_PRECONDITION', /model\.json needs the file c\.bin, which is not there/),
    );
  });

  it('shards of another size than declared are refused, short or long', async () => {
    const short = layersFiles({ ...dense, weights: dense.weights.subarray(0, -1) });
    await expect(loadModel(short)).rejects.toMatchObject(
      refusal('INVALID_ARGUMENT', /a\.bin \+ b\.bin holds 11 bytes of weights; model\.json declares 12/),
    );
    const long = layersFiles({ ...dense, weights: new Uint8Array([...dense.weights, 0]) });
    await expect(loadModel(long)).rejects.toMatchObject(
      refusal('INVALID_ARGUMENT', /holds 13 bytes of weights; model\.json declares 12/),
    );
  });

  it('a weight declared huge is refused before it is allocated', async () => {
    const json = changed(
      ({ weightsManifest: [group] }) => ((group?.weights[0] as { shape: number[] }).shape = [2 ** 31, 2 ** 20]),
    );
    await expect(loadModel(layersFiles({ ...dense, json }))).rejects.toMatchObject(
      refusal('INVALID_ARGUMENT', /holds 12 bytes of weights; model\.json declares \d+/),
    );
  });

  it('a complex weight is refused', async () => {
    const json = changed(
      ({ weightsManifest: [group] }) => ((group?.weights[0] as { dtype: string }).dtype = 'complex64'),
    );
    await expect(loadModel(layersFiles({ ...dense, json }))).rejects.toMatchObject(
      refusal('INVALID_ARGUMENT', /weightsManifest\.0\.weights\.0\.dtype/),
    );
  });
});

describeFixtures('TensorFlow.js models of others', () => {
  const models = [
    'tfjs_e2e_dense_layers',
    'tfjs_e2e_load_predict/layers_model',
    'tfjs_examples_abalone',
    'tfjs_rn_graph',
    'tfjs_e2e_load_predict/graph_model',
  ];
  it.each(models)('%s gives the same on wasm and cpu', async (name) => {
    const files = await folderFiles(join(FIXTURES, 'tfjs', name));
    const outputs = [];
    for (const tfjsBackend of ['wasm', 'cpu'] as const) {
      const model = await loadModel(files, { tfjsBackend });
      const [input] = model.signatures['serving_default']?.inputs ?? [];
      const shape = input?.shape?.map((size) => size ?? 3) ?? [];
      const data = Float32Array.from(
        { length: shape.reduce((product, size) => product * size, 1) },
        (_, index) => index % 7,
      );
      const [output] = Object.values(await predict(model, { [input?.name ?? '']: float32(shape, data) }));
      expect(output?.shape[0]).toBe(shape[0]);
      outputs.push([...(output?.data as Float32Array)]);
      await model.dispose();
    }
    const [wasm, cpu] = outputs;
    expect(wasm?.every(Number.isFinite)).toBe(true);
    wasm?.forEach((value, index) => {
      expect(value).toBeCloseTo(cpu?.[index] ?? NaN, 4);
    });
  });

  it('a folder with a second json beside model.json loads', async () => {
    const model = await loadModel(await folderFiles(join(FIXTURES, 'tfjs/tfjs_e2e_load_predict/graph_model')));
    expect(model.signatures['serving_default']?.inputs).toEqual([
      { name: 'Placeholder', dtype: 'float32', shape: [2, 2] },
    ]);
    await model.dispose();
  });
});
