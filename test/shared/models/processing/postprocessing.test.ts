import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../../shared/models/load.ts';
import { DEFAULT_SIGNATURE } from '../../../../shared/models/model.ts';
import type { Model } from '../../../../shared/models/model.ts';
import { processModel } from '../../../../shared/models/processing/processed-model.ts';
import type { Processing } from '../../../../shared/models/processing/schema.ts';
import { argmax, topK } from '../../../../shared/models/processing/ranking.ts';
import { RowFailures } from '../../../../shared/models/row-failures.ts';
import type { Tensor, Tensors } from '../../../../shared/tensor.ts';
import { float32, memoryFiles } from '../model-files.ts';
import { makeOnnx } from '../onnx-maker.ts';

/** Returns its input x `[N, 3]` as `y`, and its sums as `sum` `[N]`. */
const onnx = makeOnnx({
  nodes: [
    { op: 'Identity', inputs: ['x'], outputs: ['y'] },
    { op: 'ReduceSum', inputs: ['x', 'axes'], outputs: ['sum'], attributes: { keepdims: 0 } },
  ],
  initializers: [{ name: 'axes', type: 'int64', shape: [1], data: BigInt64Array.of(1n) }],
  inputs: [{ name: 'x', type: 'float32', shape: ['N', 3] }],
  outputs: [
    { name: 'y', type: 'float32', shape: ['N', 3] },
    { name: 'sum', type: 'float32', shape: ['N'] },
  ],
});

const load = (postprocess: readonly object[], files: Readonly<Record<string, string>> = {}): Promise<Model> =>
  loadModel(memoryFiles({ 'm.onnx': onnx, 'serving.json': { postprocess }, ...files }));

async function predict(model: Model, ...rows: (readonly [number, number, number])[]): Promise<Tensors> {
  try {
    return await model.predict(DEFAULT_SIGNATURE, { x: float32([rows.length, 3], rows.flat()) });
  } finally {
    await model.dispose();
  }
}

describe('postprocess', () => {
  it('makes classes of scores: the signature, the order and the values', async () => {
    const model = await load(
      [
        { op: 'drop', outputs: ['sum'] },
        { op: 'rename', output: 'y', as: 'scores' },
        { op: 'softmax', output: 'scores' },
        { op: 'topK', output: 'scores', k: 2, values: 'best', indices: 'classes' },
        { op: 'labels', output: 'classes', file: 'labels.txt' },
        { op: 'threshold', output: 'best', value: 0.5, as: 'sure' },
        { op: 'argmax', output: 'scores', as: 'class' },
        { op: 'round', output: 'scores', decimals: 2 },
      ],
      { 'labels.txt': 'cat\ndog\nbird\n' },
    );
    expect(model.signatures[DEFAULT_SIGNATURE]?.outputs).toEqual([
      { name: 'scores', dtype: 'float32', shape: [null, 3] },
      { name: 'best', dtype: 'float32', shape: [null, 2] },
      { name: 'classes', dtype: 'string', shape: [null, 2] },
      { name: 'sure', dtype: 'bool', shape: [null, 2] },
      { name: 'class', dtype: 'int32', shape: [null] },
    ]);
    const outputs = await predict(model, [Math.log(1), Math.log(3), Math.log(4)], [0, 0, -100]);
    expect(Object.keys(outputs)).toEqual(['scores', 'best', 'classes', 'sure', 'class']);
    expect(outputs).toEqual({
      scores: float32([2, 3], [0.13, 0.38, 0.5, 0.5, 0.5, 0]),
      best: float32([2, 2], [4 / 8, 3 / 8, 0.5, 0.5]),
      classes: { dtype: 'string', shape: [2, 2], data: ['bird', 'dog', 'cat', 'dog'] },
      sure: { dtype: 'bool', shape: [2, 2], data: Uint8Array.of(1, 0, 1, 1) },
      class: { dtype: 'int32', shape: [2], data: Int32Array.of(2, 0) },
    });
  });

  it('scales and squashes', async () => {
    const steps = [
      { op: 'scale', output: 'sum', factor: 0.5, offset: 1, as: 'half' },
      { op: 'sigmoid', output: 'sum' },
      { op: 'drop', outputs: ['y'] },
    ];
    expect(await predict(await load(steps), [1, 1, 2], [-1, 1, 0])).toEqual({
      sum: float32([2], [1 / (1 + Math.exp(-4)), 0.5]),
      half: float32([2], [3, 1]),
    });
  });

  it('a class without a label is the error of its row', async () => {
    const steps = [
      { op: 'argmax', output: 'y' },
      { op: 'labels', output: 'y', values: ['no', 'yes'] },
    ];
    const error: unknown = await predict(await load(steps), [1, 0, 0], [0, 0, 1], [0, 1, 0]).catch((e: unknown) => e);
    if (!(error instanceof RowFailures)) throw error;
    expect([...error.failures].map(([row, { message }]) => [row, message])).toEqual([
      [1, 'output "y": found 2, expected an index of one of the 2 labels'],
    ]);
  });

  const refused = [
    {
      name: 'an unknown output',
      steps: [{ op: 'argmax', output: 'z' }],
      message: /postprocess: no signature has the outputs "z": serving_default has "y", "sum"/,
    },
    {
      name: 'an output that is dropped already',
      steps: [
        { op: 'drop', outputs: ['y'] },
        { op: 'argmax', output: 'y' },
      ],
      message: /postprocess\.1 \(argmax\): there is no output "y" here; there are "sum"/,
    },
    {
      name: 'an output of the same name',
      steps: [{ op: 'rename', output: 'y', as: 'sum' }],
      message: /postprocess\.0 \(rename\): there is an output "sum" already/,
    },
    {
      name: 'labels of scores',
      steps: [{ op: 'labels', output: 'y', values: ['a'] }],
      message: /output "y" is float32; expected an integer dtype/,
    },
    {
      name: 'more best values than there are',
      steps: [{ op: 'topK', output: 'y', k: 4, values: 'best' }],
      message: /expected at least k = 4/,
    },
    { name: 'the best of one', steps: [{ op: 'argmax', output: 'sum' }], message: /found one number in a row/ },
    {
      name: 'no output at all',
      steps: [{ op: 'drop', outputs: ['y', 'sum'] }],
      message: /postprocess: no output is left/,
    },
    { name: 'an unknown key', steps: [{ op: 'argmax', output: 'y', k: 1 }], message: /postprocess\.0: .*"k"/ },
    { name: 'a topK that makes nothing', steps: [{ op: 'topK', output: 'y', k: 1 }], message: /name what it makes/ },
    {
      name: 'labels from a missing file',
      steps: [
        { op: 'argmax', output: 'y' },
        { op: 'labels', output: 'y', file: 'labels.txt' },
      ],
      status: 'FAILED_PRECONDITION',
      message: /needs the file labels\.txt/,
    },
  ];
  it.each(refused)('refuses $name', async ({ steps, status = 'INVALID_ARGUMENT', message }) => {
    await expect(load(steps)).rejects.toMatchObject({ status, message: expect.stringMatching(message) as string });
  });
});

describe('topK', () => {
  const numbers = fc.array(fc.oneof(fc.float(), fc.constantFrom(0, 1, NaN)), { minLength: 1, maxLength: 60 });

  it('is the beginning of the sorted values, the first of equal ones first', () => {
    fc.assert(
      fc.property(numbers, fc.nat(), (values, seed) => {
        const k = 1 + (seed % values.length);
        const data = Float32Array.from(values);
        const rank = (value: number): number => (Number.isNaN(value) ? -Infinity : value);
        const sorted = [...data.keys()].sort((a, b) => {
          const [left, right] = [data[a] ?? 0, data[b] ?? 0];
          if (Number.isNaN(left) !== Number.isNaN(right)) return Number.isNaN(left) ? 1 : -1;
          return rank(left) === rank(right) ? a - b : rank(right) - rank(left);
        });
        const { values: best, indices } = topK(float32([1, data.length], data), k);
        expect([...(indices.data as Int32Array)]).toEqual(sorted.slice(0, k));
        expect([...(best.data as Float32Array)]).toEqual(sorted.slice(0, k).map((place) => data[place]));
      }),
    );
  });

  it('the largest of int64s differs in digits that a double has not', () => {
    const data = BigInt64Array.of(2n ** 60n, 2n ** 60n + 1n);
    expect(argmax({ dtype: 'int64', shape: [1, 2], data }).data).toEqual(Int32Array.of(1));
  });
});

describe('several signatures', () => {
  /** `score` and `rank` return their input; `parse` takes serialized tf.Examples. */
  const several: Model = {
    runtime: 'test',
    byteSize: 0,
    signatures: Object.fromEntries(
      ['score', 'rank', 'parse'].map((name) => {
        const inputs =
          name === 'parse'
            ? ([{ name: 'examples', dtype: 'string', shape: [null] }] as const)
            : ([{ name: 'x', dtype: 'float32', shape: [null, 2] }] as const);
        const outputs = [{ name: name === 'rank' ? 'rank' : 'y', dtype: 'float32', shape: [null, 2] }] as const;
        return [name, { name, inputs, outputs, ...(name === 'parse' && { examples: { input: 'examples' } }) }];
      }),
    ),
    predict: (signature, inputs) =>
      Promise.resolve({ [signature === 'rank' ? 'rank' : 'y']: Object.values(inputs)[0] as Tensor }),
    dispose: () => Promise.resolve(),
  };
  const open = (processing: Processing): Promise<Model> => processModel(several, memoryFiles({}), processing);
  const kindsOf = (model: Model) =>
    Object.fromEntries(
      Object.values(model.signatures).map(({ name, inputs, outputs }) => [
        name,
        [...inputs, ...outputs].map((spec) => `${spec.name} ${spec.dtype}`),
      ]),
    );

  it('what is said for all applies to those that have the inputs and outputs', async () => {
    const model = await open({
      preprocess: { x: { field: 'raw', steps: [{ op: 'scale', factor: 2, offset: 0 }] } },
      postprocess: [{ op: 'argmax', output: 'y' }],
    });
    expect(kindsOf(model)).toEqual({
      score: ['raw float32', 'y int32'],
      rank: ['raw float32', 'rank float32'],
      parse: ['examples string', 'y int32'],
    });
    expect(model.signatures['parse']?.examples).toEqual({ input: 'examples' });
    const raw = float32([1, 2], [1, 3]);
    expect(await model.predict('score', { raw })).toEqual({
      y: { dtype: 'int32', shape: [1], data: Int32Array.of(1) },
    });
    expect(await model.predict('rank', { raw })).toEqual({ rank: float32([1, 2], [2, 6]) });
  });

  it('a section of its own is used instead of what is said for all', async () => {
    const model = await open({
      postprocess: [{ op: 'argmax', output: 'y' }],
      signatures: {
        score: { postprocess: [{ op: 'threshold', output: 'y', value: 1 }] },
        parse: { preprocess: { examples: { field: 'bytes', steps: [] } } },
      },
    }).catch((error: unknown) => error);
    // No signature is left to which the argmax could apply.
    expect(model).toMatchObject({
      message: expect.stringMatching(/postprocess: no signature has the outputs "y"/) as string,
    });
    const own = await open({
      signatures: {
        score: { postprocess: [{ op: 'threshold', output: 'y', value: 1 }] },
        parse: { preprocess: { examples: { field: 'bytes', steps: [] } } },
      },
    });
    expect(kindsOf(own)).toEqual({
      score: ['x float32', 'y bool'],
      rank: ['x float32', 'rank float32'],
      parse: ['bytes string', 'y float32'],
    });
    // What is made of a field of another name is not made of Examples.
    expect(own.signatures['parse']).not.toHaveProperty('examples');
  });

  it('names the section that does not fit', async () => {
    const signatures = { rank: { postprocess: [{ op: 'argmax', output: 'y' }] } } as const;
    await expect(open({ signatures })).rejects.toThrow(
      'm@1: serving.json: signatures.rank.postprocess.0 (argmax): there is no output "y" here; there are "rank"',
    );
  });
});
