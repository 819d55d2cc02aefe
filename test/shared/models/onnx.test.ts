import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDigits } from '../../../examples/digits/dataset.ts';
import { loadModel } from '../../../shared/models/load.ts';
import type { Model } from '../../../shared/models/model.ts';
import type { Tensor } from '../../../shared/tensor.ts';
import { describeFixtures, FIXTURES, float32, folderFiles, memoryFiles } from './model-files.ts';
import { readNpz } from './npz.ts';
import { makeMlp, makeOnnx, type OnnxGraph, type OnnxType } from './onnx-maker.ts';

const load = (model: Uint8Array | OnnxGraph, others: Record<string, Uint8Array> = {}): Promise<Model> =>
  loadModel(memoryFiles({ 'model.onnx': model instanceof Uint8Array ? model : makeOnnx(model), ...others }));

const identity = (type: OnnxType): OnnxGraph => ({
  nodes: [{ op: 'Identity', inputs: ['a'], outputs: ['b'] }],
  inputs: [{ name: 'a', type, shape: ['N', 2] }],
  outputs: [{ name: 'b', type, shape: ['N', 2] }],
});

describe('signatures', () => {
  it('has one signature with names, dtypes and shapes, null for symbolic dimensions', async () => {
    const model = await load({
      nodes: [
        { op: 'Add', inputs: ['a', 'a'], outputs: ['twice'] },
        { op: 'Cast', inputs: ['flag'], outputs: ['number'], attributes: { to: 7 } },
      ],
      inputs: [
        { name: 'a', type: 'float32', shape: ['N', 'M', 3] },
        { name: 'flag', type: 'bool', shape: [4] },
      ],
      outputs: [
        { name: 'twice', type: 'float32', shape: ['N', 'M', 3] },
        { name: 'number', type: 'int64', shape: [4] },
      ],
    });
    expect(model.signatures).toEqual({
      serving_default: {
        name: 'serving_default',
        inputs: [
          { name: 'a', dtype: 'float32', shape: [null, null, 3] },
          { name: 'flag', dtype: 'bool', shape: [4] },
        ],
        outputs: [
          { name: 'twice', dtype: 'float32', shape: [null, null, 3] },
          { name: 'number', dtype: 'int64', shape: [4] },
        ],
      },
    });
    expect(model.runtime).toMatch(/^onnxruntime 1\.\d+\.\d+$/);
    await model.dispose();
  });

  it('tells an unknown rank from a scalar', async () => {
    const model = await load({
      nodes: [
        { op: 'Identity', inputs: ['any'], outputs: ['same'] },
        { op: 'Identity', inputs: ['scalar'], outputs: ['copy'] },
      ],
      inputs: [
        { name: 'any', type: 'float32' },
        { name: 'scalar', type: 'float32', shape: [] },
      ],
      outputs: [
        { name: 'same', type: 'float32' },
        { name: 'copy', type: 'float32', shape: [] },
      ],
    });
    const { inputs, outputs } = model.signatures['serving_default'] ?? {};
    expect(inputs?.map((spec) => spec.shape)).toEqual([null, []]);
    expect(outputs?.map((spec) => spec.shape)).toEqual([null, []]);
    const result = await model.predict('serving_default', { any: float32([1, 2], [3, 4]), scalar: float32([], [5]) });
    expect(result).toEqual({ same: float32([1, 2], [3, 4]), copy: float32([], [5]) });
    await model.dispose();
  });

  it('an unknown signature is refused', async () => {
    const model = await load(identity('float32'));
    await expect(model.predict('regress', { a: float32([1, 2], [1, 2]) })).rejects.toThrow(
      /no signature regress; it has serving_default/,
    );
    await model.dispose();
  });
});

describe('dtypes', () => {
  const tensors: Tensor[] = [
    { dtype: 'float16', shape: [2, 2], data: Float16Array.of(1.5, -0, NaN, 65504) },
    { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1.5, -0, NaN, Infinity) },
    { dtype: 'float64', shape: [2, 2], data: Float64Array.of(0.1, -0, NaN, 1e300) },
    { dtype: 'int8', shape: [2, 2], data: Int8Array.of(-128, -1, 0, 127) },
    { dtype: 'uint8', shape: [2, 2], data: Uint8Array.of(0, 1, 128, 255) },
    { dtype: 'int16', shape: [2, 2], data: Int16Array.of(-32768, -1, 0, 32767) },
    { dtype: 'uint16', shape: [2, 2], data: Uint16Array.of(0, 1, 32768, 65535) },
    { dtype: 'int32', shape: [2, 2], data: Int32Array.of(-(2 ** 31), -1, 0, 2 ** 31 - 1) },
    { dtype: 'uint32', shape: [2, 2], data: Uint32Array.of(0, 1, 2 ** 31, 2 ** 32 - 1) },
    { dtype: 'int64', shape: [2, 2], data: BigInt64Array.of(-(2n ** 63n), -1n, 2n ** 53n + 1n, 2n ** 63n - 1n) },
    { dtype: 'uint64', shape: [2, 2], data: BigUint64Array.of(0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n) },
    { dtype: 'bool', shape: [2, 2], data: Uint8Array.of(0, 1, 1, 0) },
    { dtype: 'string', shape: [2, 2], data: ['', 'é', '日本', '👍🏽'] },
  ];
  it.each(tensors)('$dtype comes back as it went in', async (tensor) => {
    const model = await load(identity(tensor.dtype));
    expect(model.signatures['serving_default']?.inputs[0]?.dtype).toBe(tensor.dtype);
    expect(await model.predict('serving_default', { a: tensor })).toEqual({ b: tensor });
    await model.dispose();
  });

  it('a float16 view into a larger buffer is read where it lies', async () => {
    const model = await load(identity('float16'));
    const data = new Float16Array(Float16Array.of(9, 9, 1, 2).buffer, 4, 2);
    expect(
      (await model.predict('serving_default', { a: { dtype: 'float16', shape: [1, 2], data } }))['b']?.data,
    ).toEqual(Float16Array.of(1, 2));
    await model.dispose();
  });

  it('bytes are decoded where they are UTF-8, and refused with the input named where they are not', async () => {
    const model = await load(identity('string'));
    const predict = (bytes: number[]) =>
      model.predict('serving_default', { a: { dtype: 'string', shape: [1, 2], data: ['a', Uint8Array.from(bytes)] } });
    expect((await predict([0xef, 0xbb, 0xbf, 0xc3, 0xa9]))['b']?.data).toEqual(['a', '\ufeffé']);
    await expect(predict([0xff])).rejects.toMatchObject({
      status: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/^input a: /) as string,
    });
    await model.dispose();
  });

  it('text with a NUL, which the binding would cut there, is refused', async () => {
    const model = await load(identity('string'));
    const a: Tensor = { dtype: 'string', shape: [1, 2], data: ['a', 'b\0c'] };
    await expect(model.predict('serving_default', { a })).rejects.toThrow(/^input a: found a NUL character/);
    await model.dispose();
  });

  it.each(['bfloat16', 'complex64'] as const)('%s is refused at load', async (type) => {
    await expect(load(identity(type))).rejects.toMatchObject({ name: 'PermanentError' });
  });
});

describe('predicting', () => {
  it('computes a perceptron as by hand', async () => {
    const model = await load({
      nodes: [
        { op: 'Gemm', inputs: ['x', 'w', 'b'], outputs: ['sum'] },
        { op: 'Relu', inputs: ['sum'], outputs: ['y'] },
      ],
      initializers: [
        { name: 'w', type: 'float32', shape: [2, 2], data: Float32Array.of(1, -1, 2, 3) },
        { name: 'b', type: 'float32', shape: [2], data: Float32Array.of(0.5, 0) },
      ],
      inputs: [{ name: 'x', type: 'float32', shape: ['N', 2] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['N', 2] }],
    });
    expect(await model.predict('serving_default', { x: float32([2, 2], [1, 1, 2, -1]) })).toEqual({
      y: float32([2, 2], [3.5, 2, 0.5, 0]),
    });
    await model.dispose();
  });

  it('a batch gives what its rows give one by one, and no rows give none', async () => {
    const model = await load(makeMlp({ inputs: 4, hidden: [8, 8], outputs: 3, activation: 'Tanh', last: 'Softmax' }));
    const values = Float32Array.from({ length: 40 }, (_, index) => Math.sin(index));
    const whole = (await model.predict('serving_default', { x: float32([10, 4], values) }))['y'];
    for (let row = 0; row < 10; row++) {
      const one = (
        await model.predict('serving_default', { x: float32([1, 4], values.subarray(row * 4, row * 4 + 4)) })
      )['y'];
      const expected = (whole?.data as Float32Array).subarray(row * 3, row * 3 + 3);
      (one?.data as Float32Array).forEach((value, index) => {
        expect(value).toBeCloseTo(expected[index] ?? NaN, 6);
      });
    }
    expect((await model.predict('serving_default', { x: float32([0, 4], []) }))['y']).toEqual(float32([0, 3], []));
    await model.dispose();
  });

  it("the runtime's errors come through, and the model lives on", async () => {
    const model = await load({
      nodes: [{ op: 'Reshape', inputs: ['a', 'shape'], outputs: ['b'] }],
      inputs: [
        { name: 'a', type: 'float32', shape: ['N', 2] },
        { name: 'shape', type: 'int64', shape: [1] },
      ],
      outputs: [{ name: 'b', type: 'float32', shape: ['M'] }],
    });
    const reshape = (size: bigint) =>
      model.predict('serving_default', {
        a: float32([1, 2], [1, 2]),
        shape: { dtype: 'int64', shape: [1], data: BigInt64Array.of(size) },
      });
    await expect(reshape(3n)).rejects.toThrow(/cannot be reshaped/);
    expect(await reshape(2n)).toEqual({ b: float32([2], [1, 2]) });
    await expect(model.predict('serving_default', { a: float32([1, 2], [1, 2]) })).rejects.toThrow(
      /input shape is missing/,
    );
    await model.dispose();
  });

  it('outputs stay what they are after later batches and after dispose', async () => {
    const model = await load(identity('float32'));
    const input = float32([1, 2], [1, 2]);
    const first = await model.predict('serving_default', { a: input });
    (input.data as Float32Array).fill(9);
    await model.predict('serving_default', { a: input });
    await model.dispose();
    await model.dispose();
    expect(first).toEqual({ b: float32([1, 2], [1, 2]) });
    await expect(model.predict('serving_default', { a: input })).rejects.toThrow(/disposed/);
  });
});

describe('outputs that are no tensors', () => {
  const sequence = (outputs: { name: string; type?: OnnxType; shape?: (number | string)[] }[]): OnnxGraph => ({
    nodes: [
      { op: 'Identity', inputs: ['x'], outputs: ['scores'] },
      { op: 'SequenceConstruct', inputs: ['x'], outputs: ['maps'] },
    ],
    inputs: [{ name: 'x', type: 'float32', shape: ['N', 2] }],
    outputs: outputs,
  });

  it('are left out', async () => {
    const model = await load(sequence([{ name: 'maps' }, { name: 'scores', type: 'float32', shape: ['N', 2] }]));
    expect(model.signatures['serving_default']?.outputs.map((output) => output.name)).toEqual(['scores']);
    expect(await model.predict('serving_default', { x: float32([1, 2], [1, 2]) })).toEqual({
      scores: float32([1, 2], [1, 2]),
    });
    await model.dispose();
  });

  it('alone are refused at load, named', async () => {
    await expect(load(sequence([{ name: 'maps' }]))).rejects.toMatchObject({
      status: 'UNIMPLEMENTED',
      message: expect.stringMatching(/no output is a tensor .*\(outputs: maps\)/) as string,
    });
  });
});

describe('the maps of a ZipMap', () => {
  const classifier: OnnxGraph = {
    nodes: [
      { op: 'Identity', inputs: ['x'], outputs: ['probabilities'] },
      {
        op: 'ZipMap',
        inputs: ['probabilities'],
        outputs: ['maps'],
        domain: 'ai.onnx.ml',
        attributes: { classlabels_int64s: [0, 1] },
      },
    ],
    inputs: [{ name: 'x', type: 'float32', shape: ['N', 2] }],
    outputs: [{ name: 'maps' }],
  };

  it('come out as the tensor that they are made of, the classes in their order', async () => {
    const model = await load(classifier);
    expect(model.signatures['serving_default']?.outputs).toEqual([
      { name: 'maps', dtype: 'float32', shape: [null, 2] },
    ]);
    expect(await model.predict('serving_default', { x: float32([2, 2], [1, 2, 3, 4]) })).toEqual({
      maps: float32([2, 2], [1, 2, 3, 4]),
    });
    await model.dispose();
  });
});

describe('external data', () => {
  const external = (location: string): OnnxGraph => ({
    nodes: [{ op: 'Mul', inputs: ['a', 'w'], outputs: ['b'] }],
    initializers: [{ name: 'w', type: 'float32', shape: [2], data: { location } }],
    inputs: [{ name: 'a', type: 'float32', shape: ['N', 2] }],
    outputs: [{ name: 'b', type: 'float32', shape: ['N', 2] }],
  });
  const weights = new Uint8Array(Float32Array.of(3, 4).buffer);

  it('is read from the folder and counted as weights', async () => {
    const model = await load(external('parts/w.bin'), { 'parts/w.bin': weights });
    expect(await model.predict('serving_default', { a: float32([1, 2], [1, 2]) })).toEqual({
      b: float32([1, 2], [3, 8]),
    });
    expect(model.byteSize).toBe(makeOnnx(external('parts/w.bin')).length + 8);
    await model.dispose();
  });

  it('is found in the tensor of a node, too', async () => {
    const constant = { name: 'value', type: 'float32', shape: [2], data: { location: '../secret' } } as const;
    const graph = {
      ...external('w'),
      initializers: [],
      nodes: [{ op: 'Constant', inputs: [], outputs: ['w'], attributes: { value: constant } }],
    };
    await expect(load(graph)).rejects.toThrow(/"\.\.\/secret"; expected a relative path/);
  });

  const refused = ['../w.bin', '/etc/passwd', 'a/../../w.bin', 'a//b', 'C:\\w.bin', 'file:w.bin'];
  it.each(refused)('%s is refused', async (location) => {
    await expect(load(external(location), { 'w.bin': weights })).rejects.toMatchObject({
      status: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/expected a relative path inside the model's folder/) as string,
    });
  });

  it('missing or short is refused', async () => {
    await expect(load(external('w.bin'))).rejects.toThrow(/m@1: model\.onnx needs the file w\.bin, which is not there/);
    await expect(load(external('w.bin'), { 'w.bin': weights.subarray(0, 4) })).rejects.toThrow(
      /ONNX Runtime refuses model\.onnx: /,
    );
  });
});

describe('files that are no model', () => {
  const mlp = makeMlp({ inputs: 8, hidden: [16], outputs: 3 });
  const cases: { name: string; bytes: Uint8Array }[] = [
    { name: 'nothing', bytes: new Uint8Array() },
    { name: 'text', bytes: new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n') },
    { name: 'random bytes', bytes: Uint8Array.from({ length: 1000 }, (_, index) => (index * 7919) % 251) },
    { name: 'half a model', bytes: mlp.subarray(0, mlp.length / 2) },
    { name: 'a model without its last byte', bytes: mlp.subarray(0, -1) },
    {
      name: 'an operation that does not exist',
      bytes: makeOnnx({ ...identity('float32'), nodes: [{ op: 'Nonsense', inputs: ['a'], outputs: ['b'] }] }),
    },
  ];
  it.each(cases)('$name is refused in one line with label and file', async ({ bytes }) => {
    await expect(load(bytes)).rejects.toMatchObject({
      name: 'PermanentError',
      status: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/^m@1: .*model\.onnx.*: [^\n]+$/) as string,
    });
  });
});

describeFixtures('ONNX models of others', () => {
  const open = async (name: string): Promise<Model> => loadModel(await folderFiles(join(FIXTURES, 'onnx', name)));
  const golden = async (name: string) => readNpz(await readFile(join(FIXTURES, 'onnx', name, 'io.npz')));

  it.each([
    { name: 'tract_lgbm_classifier_tensor', output: 'probabilities' },
    { name: 'tract_lgbm_regressor_tensor', output: 'output' },
  ])('$name gives its golden outputs', async ({ name, output }) => {
    const { input, [output]: expected } = await golden(name);
    const model = await open(name);
    const found = (await model.predict('serving_default', { input: input as Tensor }))[output];
    expect(found?.data.length).toBe(expected?.data.length);
    (found?.data as Float32Array).forEach((value, index) => {
      expect(value).toBeCloseTo(Number(expected?.data[index]), 5);
    });
    await model.dispose();
  });

  it('a linear regressor loads and predicts', async () => {
    const model = await open('tract_linear_regressor');
    const { variable } = await model.predict('serving_default', { input: float32([2, 21], new Float32Array(42)) });
    expect(variable?.shape).toEqual([2, 1]);
    await model.dispose();
  });

  it('two inputs give their sum and difference, as numbers and as text', async () => {
    const left = Int32Array.from({ length: 32 }, (_, index) => index * 3);
    const right = Int32Array.from({ length: 32 }, (_, index) => 100 - index);
    const sums = left.map((value, index) => value + (right[index] ?? 0));
    const differences = left.map((value, index) => value - (right[index] ?? 0));
    const numbers = (data: Int32Array): Tensor => ({ dtype: 'int32', shape: [2, 16], data });
    const texts = (data: Int32Array): Tensor => ({ dtype: 'string', shape: [2, 16], data: Array.from(data, String) });
    for (const [name, as] of [
      ['triton_simple/1', numbers],
      ['triton_simple_string/1', texts],
    ] as const) {
      const model = await open(name);
      const outputs = await model.predict('serving_default', { INPUT0: as(left), INPUT1: as(right) });
      expect(outputs).toEqual({ OUTPUT0: as(sums), OUTPUT1: as(differences) });
      await model.dispose();
    }
  });

  it('a convolutional network of one row a call reads handwritten digits', async () => {
    const model = await open('ort_mnist');
    expect(model.signatures['serving_default']?.inputs[0]?.shape).toEqual([1, 1, 28, 28]);
    const digits = (await readDigits()).slice(0, 200);
    let right = 0;
    for (const digit of digits) {
      const Input3 = float32(
        [1, 1, 28, 28],
        Array.from(digit.pixels, (ink) => ink * 255),
      );
      const scores = [
        ...((await model.predict('serving_default', { Input3 }))['Plus214_Output_0']?.data as Float32Array),
      ];
      if (scores.indexOf(Math.max(...scores)) === digit.label) right += 1;
    }
    expect(right / digits.length).toBeGreaterThan(0.97);
    await model.dispose();
  });

  it('an operator too old for ONNX Runtime is refused by name', async () => {
    await expect(open('onnx_test_Linear')).rejects.toMatchObject({
      status: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/model\.onnx: .*Gemm/) as string,
    });
  });
});
