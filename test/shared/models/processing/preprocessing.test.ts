import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../../shared/models/load.ts';
import { DEFAULT_SIGNATURE } from '../../../../shared/models/model.ts';
import type { Model } from '../../../../shared/models/model.ts';
import { processModel } from '../../../../shared/models/processing/processed-model.ts';
import { RowFailures } from '../../../../shared/models/row-failures.ts';
import type { Tensor, Tensors } from '../../../../shared/tensor.ts';
import { float32, memoryFiles } from '../model-files.ts';
import { makeOnnx } from '../onnx-maker.ts';
import type { OnnxType } from '../onnx-maker.ts';

/** A model that returns its inputs as they are: what the steps made of the fields can be seen. */
function echo(inputs: Readonly<Record<string, { type?: OnnxType; shape?: readonly (number | string)[] }>>): Uint8Array {
  const names = Object.keys(inputs);
  const value = (name: string, prefix = '') => {
    const { type = 'float32', shape = ['N', 3] } = inputs[name] ?? {};
    return { name: prefix + name, type, shape };
  };
  return makeOnnx({
    nodes: names.map((name) => ({ op: 'Identity', inputs: [name], outputs: [`out_${name}`] })),
    inputs: names.map((name) => value(name)),
    outputs: names.map((name) => value(name, 'out_')),
  });
}

function load(
  inputs: Parameters<typeof echo>[0],
  serving: object,
  files: Readonly<Record<string, string>> = {},
): Promise<Model> {
  return loadModel(memoryFiles({ 'm.onnx': echo(inputs), 'serving.json': serving, ...files }));
}

async function predict(model: Model, inputs: Tensors): Promise<Tensors> {
  try {
    return await model.predict(DEFAULT_SIGNATURE, inputs);
  } finally {
    await model.dispose();
  }
}

const strings = (...data: (string | Uint8Array)[]): Tensor => ({ dtype: 'string', shape: [data.length], data });
const int32 = (shape: readonly number[], data: readonly number[]): Tensor => ({
  dtype: 'int32',
  shape,
  data: Int32Array.from(data),
});
const inputsOf = (model: Model) => model.signatures[DEFAULT_SIGNATURE]?.inputs;

async function failuresOf(result: Promise<unknown>): Promise<[number, string][]> {
  const error: unknown = await result.then(
    () => new Error('nothing failed'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof RowFailures)) throw error;
  return [...error.failures].map(([row, { message }]) => [row, message]);
}

describe('preprocess', () => {
  it('is a part of the model: its callers see the signature with it', async () => {
    const model = await load(
      { x: {}, y: { type: 'int64', shape: ['N'] } },
      {
        preprocess: {
          x: {
            concat: [
              'age',
              {
                field: 'color',
                steps: [
                  { op: 'vocabulary', values: ['red', 'blue'] },
                  { op: 'oneHot', depth: 2 },
                ],
              },
            ],
          },
        },
      },
    );
    expect(inputsOf(model)).toEqual([
      { name: 'age', dtype: 'float32', shape: [null] },
      { name: 'color', dtype: 'string', shape: [null] },
      { name: 'y', dtype: 'int64', shape: [null] },
    ]);
    const y: Tensor = { dtype: 'int64', shape: [2], data: BigInt64Array.of(2n ** 60n + 1n, 0n) };
    const outputs = await predict(model, { age: float32([2], [7, 8]), color: strings('blue', 'red'), y });
    expect(outputs).toEqual({ out_x: float32([2, 3], [7, 0, 1, 8, 1, 0]), out_y: y });
  });

  it('a serving.json without it leaves the model alone', async () => {
    const plain = await loadModel(memoryFiles({ 'm.onnx': echo({ x: {} }) }));
    const served = await load({ x: {} }, { batchSize: 3 });
    expect(served.constructor).toBe(plain.constructor);
    await Promise.all([plain.dispose(), served.dispose()]);
  });

  const numbers = [
    { name: 'scale', steps: [{ op: 'scale', factor: 2, offset: 1 }], expected: [3, 5, 7] },
    {
      name: 'normalize by channel',
      steps: [{ op: 'normalize', mean: [1, 2, 3], std: [1, 2, 4] }],
      expected: [0, 0, 0],
    },
    { name: 'normalize by one mean', steps: [{ op: 'normalize', mean: [2], std: [2] }], expected: [-0.5, 0, 0.5] },
    { name: 'clip', steps: [{ op: 'clip', min: 1.5, max: 2.5 }], expected: [1.5, 2, 2.5] },
    { name: 'log1p', steps: [{ op: 'log1p' }], expected: [1, 2, 3].map(Math.log1p) },
    {
      name: 'steps in their order',
      steps: [
        { op: 'scale', offset: 1 },
        { op: 'scale', factor: 10 },
      ],
      expected: [20, 30, 40],
    },
  ];
  it.each(numbers)('$name', async ({ steps, expected }) => {
    const model = await load({ x: {} }, { preprocess: { x: { steps } } });
    expect(inputsOf(model)).toEqual([{ name: 'x', dtype: 'float32', shape: [null, 3] }]);
    expect(await predict(model, { x: float32([1, 3], [1, 2, 3]) })).toEqual({ out_x: float32([1, 3], expected) });
  });

  it('clip leaves the bits of a NaN as they are: of a negative one, relu on wasm would make 0', async () => {
    const model = await load({ x: {} }, { preprocess: { x: { steps: [{ op: 'clip', min: 0, max: 1 }] } } });
    const { out_x } = await predict(model, { x: float32([1, 3], [NaN, 2, -1]) });
    const bits = new Uint32Array((out_x?.data as Float32Array).slice().buffer);
    expect([...bits]).toEqual([0x7fc00000, 0x3f800000, 0]);
  });

  it('takes an input from a field of another name, dtype and shape', async () => {
    const model = await load(
      { x: { shape: ['N', 3, 1, 2] } },
      {
        preprocess: {
          x: {
            field: 'pixels',
            dtype: 'uint8',
            shape: [6],
            steps: [{ op: 'reshape', shape: [1, 2, 3] }, { op: 'channelsFirst' }],
          },
        },
      },
    );
    expect(inputsOf(model)).toEqual([{ name: 'pixels', dtype: 'uint8', shape: [null, 6] }]);
    const pixels: Tensor = { dtype: 'uint8', shape: [2, 6], data: Uint8Array.from({ length: 12 }, (_, i) => i) };
    expect(await predict(model, { pixels })).toEqual({
      out_x: float32([2, 3, 1, 2], [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]),
    });
  });

  it('infers the shape of the field backwards through the steps', async () => {
    const oneHot = [
      { op: 'vocabulary', values: ['a', 'b', 'c'] },
      { op: 'oneHot', depth: 3 },
    ];
    const model = await load({ x: { shape: ['N', 2, 3] } }, { preprocess: { x: { steps: oneHot } } });
    expect(inputsOf(model)).toEqual([{ name: 'x', dtype: 'string', shape: [null, 2] }]);
    const x: Tensor = { dtype: 'string', shape: [1, 2], data: ['c', 'a'] };
    expect(await predict(model, { x })).toEqual({ out_x: float32([1, 2, 3], [0, 0, 1, 1, 0, 0]) });
  });

  it('resizes and crops images that come as numbers', async () => {
    const steps = [
      { op: 'resize', width: 4, height: 2, kernel: 'nearest' },
      { op: 'crop', width: 2, height: 1 },
    ];
    const serving = { preprocess: { x: { dtype: 'uint8', shape: [1, 2, 1], steps } } };
    const model = await load({ x: { shape: ['N', 1, 2, 1] } }, serving);
    const x: Tensor = { dtype: 'uint8', shape: [2, 1, 2, 1], data: Uint8Array.of(1, 2, 30, 40) };
    expect(await predict(model, { x })).toEqual({ out_x: float32([2, 1, 2, 1], [1, 2, 30, 40]) });
  });

  it('keeps the digits of integers that no step computes with', async () => {
    const model = await load({ x: { type: 'int64', shape: ['N', 2] } }, { preprocess: { x: { concat: ['a', 'b'] } } });
    const a: Tensor = { dtype: 'int64', shape: [1], data: BigInt64Array.of(2n ** 62n + 1n) };
    expect(await predict(model, { a, b: a })).toEqual({
      out_x: { dtype: 'int64', shape: [1, 2], data: BigInt64Array.of(2n ** 62n + 1n, 2n ** 62n + 1n) },
    });
  });

  it('rounds to an integer input; what it does not hold is the error of its row', async () => {
    const serving = { preprocess: { x: { steps: [{ op: 'scale', factor: 10 }] } } };
    const inputs = { x: { type: 'uint8', shape: ['N'] } } as const;
    const rounded = await predict(await load(inputs, serving), { x: float32([3], [0.26, 25.5, 0]) });
    expect(rounded).toEqual({ out_x: { dtype: 'uint8', shape: [3], data: Uint8Array.of(3, 255, 0) } });
    expect(await failuresOf(predict(await load(inputs, serving), { x: float32([4], [0, 26, -1, NaN]) }))).toEqual([
      [1, 'field "x": found 260, expected an integer from 0 to 255'],
      [2, 'field "x": found -10, expected an integer from 0 to 255'],
      [3, 'field "x": found NaN, expected an integer from 0 to 255'],
    ]);
  });

  it('a value outside the vocabulary is the error of its row', async () => {
    const inputs = { x: { type: 'int64', shape: ['N'] } } as const;
    const step = { op: 'vocabulary', file: 'lists/words.txt' };
    const files = { 'lists/words.txt': 'red\r\nblue\n' };
    const strict = await load(inputs, { preprocess: { x: { steps: [step] } } }, files);
    expect(await failuresOf(predict(strict, { x: strings('red', 'pink', new Uint8Array([0xff])) }))).toEqual([
      [1, 'field "x": found "pink", expected one of the vocabulary\'s 2 values'],
      [2, 'field "x": found 1 bytes that are not UTF-8, expected one of the vocabulary\'s 2 values'],
    ]);
    const lenient = await load(inputs, { preprocess: { x: { steps: [{ ...step, unknown: 2 }] } } }, files);
    expect(await predict(lenient, { x: strings('blue', 'pink', new TextEncoder().encode('red')) })).toEqual({
      out_x: { dtype: 'int64', shape: [3], data: BigInt64Array.of(1n, 2n, 0n) },
    });
  });

  it('one-hot has no place for -1, and refuses what is outside', async () => {
    const serving = { preprocess: { x: { steps: [{ op: 'oneHot', depth: 3 }] } } };
    expect(await predict(await load({ x: {} }, serving), { x: int32([2], [-1, 2]) })).toEqual({
      out_x: float32([2, 3], [0, 0, 0, 0, 0, 1]),
    });
    expect(await failuresOf(predict(await load({ x: {} }, serving), { x: int32([2], [0, 3]) }))).toEqual([
      [1, 'field "x": found 3, expected an integer from -1 to 2'],
    ]);
  });

  it('gives the model so many rows at once that what is made of them fits', async () => {
    // 8 MB a row.
    const depth = 2_000_000;
    const calls: number[] = [];
    const shape = [null, depth] as const;
    const inner: Model = {
      runtime: 'test',
      byteSize: 0,
      signatures: {
        [DEFAULT_SIGNATURE]: {
          name: DEFAULT_SIGNATURE,
          inputs: [{ name: 'x', dtype: 'float32', shape }],
          outputs: [{ name: 'y', dtype: 'float32', shape: [null] }],
        },
      },
      predict: (_signature, { x }) => {
        if (x?.dtype !== 'float32') throw new Error('no float32');
        const rows = x.shape[0] ?? 0;
        calls.push(rows);
        const y = Array.from({ length: rows }, (_, row) => x.data.subarray(row * depth, (row + 1) * depth).indexOf(1));
        return Promise.resolve({ y: float32([rows], y) });
      },
      dispose: () => Promise.resolve(),
    };
    const model = await processModel(inner, memoryFiles({}), {
      preprocess: { x: { steps: [{ op: 'oneHot', depth }] } },
    });
    const places = Array.from({ length: 20 }, (_, row) => row * 1000);
    expect(await predict(model, { x: int32([20], places) })).toEqual({ y: float32([20], places) });
    expect(calls).toEqual([8, 8, 4]);
    const bad = predict(model, { x: int32([20], [depth, ...places.slice(1, 18), depth, 0]) });
    expect((await failuresOf(bad)).map(([row]) => row)).toEqual([0, 18]);
  });

  it('what is computed before the model is what would be computed outside', async () => {
    const column = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), {
      minLength: 1,
      maxLength: 20,
    });
    // JSON has no -0.
    const number = fc.double({ noNaN: true, min: -100, max: 100 }).map((value) => value + 0);
    await fc.assert(
      fc.asyncProperty(column, number, number, async (values, factor, offset) => {
        const steps = [{ op: 'scale', factor, offset }];
        const model = await load({ x: { shape: ['N'] } }, { preprocess: { x: { field: 'v', steps } } });
        const outputs = await predict(model, { v: float32([values.length], values) });
        expect(outputs['out_x']?.data).toEqual(Float32Array.from(values, (value) => value * factor + offset));
      }),
      { numRuns: 20 },
    );
  });

  const refused = [
    {
      name: 'an input that the model has not',
      serving: { preprocess: { z: { steps: [] } } },
      message: /preprocess: the model has no input "z"; it has "x"/,
    },
    {
      name: 'an unknown step',
      serving: { preprocess: { x: { steps: [{ op: 'blur' }] } } },
      message: /preprocess\.x\.steps\.0\.op: /,
    },
    {
      name: 'an unknown key of a step',
      serving: { preprocess: { x: { steps: [{ op: 'scale', factr: 2 }] } } },
      message: /preprocess\.x\.steps\.0: .*factr/,
    },
    {
      name: 'an unknown key beside steps',
      serving: { preprocess: { x: { step: [] } } },
      message: /preprocess\.x: .*step/,
    },
    {
      name: 'a mean without its deviation',
      serving: { preprocess: { x: { steps: [{ op: 'normalize', mean: [1, 2], std: [1] }] } } },
      message: /as many values in mean as in std/,
    },
    {
      name: 'a normalisation of other channels',
      serving: { preprocess: { x: { steps: [{ op: 'normalize', mean: [1, 2], std: [1, 1] }] } } },
      message: /preprocess\.x\.steps\.0 \(normalize\): found 3 channels in the last dimension, expected 2/,
    },
    {
      name: 'a vocabulary from nowhere',
      serving: { preprocess: { x: { steps: [{ op: 'vocabulary' }] } } },
      message: /give either values or file/,
    },
    {
      name: 'text where the model takes numbers',
      serving: { preprocess: { x: { dtype: 'string', steps: [] } } },
      message: /preprocess\.x: found string, expected float32/,
    },
    {
      name: 'a step on text that takes numbers',
      serving: { preprocess: { x: { dtype: 'string', steps: [{ op: 'log1p' }] } } },
      message: /preprocess\.x\.steps\.0 \(log1p\): found string/,
    },
    {
      name: 'too few fields',
      serving: { preprocess: { x: { concat: ['a', 'b'] } } },
      message: /the steps make float32 \[2\] of a row, and the model takes float32 \[3\]/,
    },
    {
      name: 'a field of two types',
      serving: {
        preprocess: { x: { concat: ['a', { field: 'a', steps: [{ op: 'vocabulary', values: ['u'] }] }, 'b'] } },
      },
      message: /preprocess\.x: input "x" takes field "a" as string/,
    },
    {
      name: 'a resize of no image',
      serving: { preprocess: { x: { shape: [3], steps: [{ op: 'resize', width: 2, height: 2 }] } } },
      message: /steps\.0 \(resize\): found float32 \[3\] in a row, expected \[height, width, channels\]/,
    },
    {
      name: 'an image of any size',
      serving: { preprocess: { x: { steps: [{ op: 'decodeImage' }] } } },
      message: /steps\.0 \(decodeImage\): images have many sizes/,
    },
    {
      name: 'a shape that nothing tells',
      serving: { preprocess: { x: { steps: [{ op: 'reshape', shape: [3] }] } } },
      message: /write shape/,
    },
    {
      name: 'a vocabulary outside the folder',
      serving: { preprocess: { x: { steps: [{ op: 'vocabulary', file: '../words' }] } } },
      message: /relative path inside the model's folder/,
    },
    {
      name: 'an empty vocabulary',
      serving: { preprocess: { x: { steps: [{ op: 'vocabulary', file: 'empty.txt' }] } } },
      message: /empty\.txt holds no line/,
    },
    {
      name: 'a section for a signature that is not',
      serving: { signatures: { train: {} } },
      message: /signatures: the model has no signature "train"/,
    },
  ];
  it.each(refused)('refuses $name', async ({ serving, message }) => {
    await expect(load({ x: {} }, serving, { 'empty.txt': '' })).rejects.toMatchObject({
      name: 'PermanentError',
      status: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message) as string,
    });
  });

  it('a signature without a batch dimension is still given one row a call', async () => {
    const model = await load({ x: { shape: [] } }, { preprocess: { x: { steps: [{ op: 'scale', factor: 2 }] } } });
    expect(inputsOf(model)).toEqual([{ name: 'x', dtype: 'float32', shape: [1] }]);
    expect(await predict(model, { x: float32([1], [4]) })).toEqual({ out_x: float32([], [8]) });
  });
});
