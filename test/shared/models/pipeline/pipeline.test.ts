import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PermanentError } from '../../../../shared/errors.ts';
import { loadModel } from '../../../../shared/models/load.ts';
import { DEFAULT_SIGNATURE } from '../../../../shared/models/model.ts';
import type { Model, ModelFiles } from '../../../../shared/models/model.ts';
import { RowFailures } from '../../../../shared/models/row-failures.ts';
import type { Tensor, Tensors } from '../../../../shared/tensor.ts';
import { float32, memoryFiles } from '../model-files.ts';
import { makeOnnx } from '../onnx-maker.ts';
import type { OnnxType } from '../onnx-maker.ts';
import { graphFiles, placeholder, type } from '../tfjs-maker.ts';

type Shape = readonly (number | string)[];

/** ONNX: y = factor · x. */
function times(factor: number, shape: Shape = ['N'], output = 'y'): ModelFiles {
  const onnx = makeOnnx({
    nodes: [{ op: 'Mul', inputs: ['x', 'factor'], outputs: [output] }],
    initializers: [{ name: 'factor', type: 'float32', shape: [], data: Float32Array.of(factor) }],
    inputs: [{ name: 'x', type: 'float32', shape }],
    outputs: [{ name: output, type: 'float32', shape }],
  });
  return memoryFiles({ 'm.onnx': onnx });
}

/** ONNX: returns x as it is. */
function same(dtype: OnnxType, shape: Shape = ['N']): ModelFiles {
  const onnx = makeOnnx({
    nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
    inputs: [{ name: 'x', type: dtype, shape }],
    outputs: [{ name: 'y', type: dtype, shape }],
  });
  return memoryFiles({ 'm.onnx': onnx });
}

/** TensorFlow.js: sum = a + b. */
const adder = graphFiles({
  nodes: [
    placeholder('a', 'DT_FLOAT', [-1]),
    placeholder('b', 'DT_FLOAT', [-1]),
    { name: 'sum', op: 'AddV2', input: ['a', 'b'], attr: { T: type('DT_FLOAT') } },
  ],
  inputs: [
    ['a', 'a:0', 'DT_FLOAT', [-1]],
    ['b', 'b:0', 'DT_FLOAT', [-1]],
  ],
  outputs: [['sum', 'sum:0', 'DT_FLOAT', [-1]]],
});

/** A version whose folders hold models. */
function pipeline(
  config: object,
  folders: Readonly<Record<string, ModelFiles>>,
  others: Record<string, object> = {},
): ModelFiles {
  const own = memoryFiles({ 'pipeline.json': config, ...others }, 'p@1');
  const inner = Object.entries(folders).flatMap(([folder, files]) =>
    files.names.map((name) => [`${folder}/${name}`, () => files.read(name)] as const),
  );
  const reads = new Map<string, () => Promise<Uint8Array>>(inner);
  return {
    label: own.label,
    names: [...own.names, ...reads.keys()],
    read: (name) => reads.get(name)?.() ?? own.read(name),
  };
}

async function predict(model: Model, inputs: Tensors): Promise<Tensors> {
  try {
    return await model.predict(DEFAULT_SIGNATURE, inputs);
  } finally {
    await model.dispose();
  }
}

const signatureOf = (model: Model) => model.signatures[DEFAULT_SIGNATURE];
const text = (...data: string[]): Tensor => ({ dtype: 'string', shape: [data.length], data });

describe('a pipeline of models', () => {
  it('gives one instance to models of several runtimes, in parallel and in sequence', async () => {
    const config = {
      steps: [
        // Written before what it needs.
        { name: 'all', folder: 'add', inputs: { a: 'five.y', b: 'ten.product' } },
        { name: 'five', folder: 'five' },
        { name: 'ten', folder: 'models/ten' },
        { name: 'fifty', folder: 'five', inputs: { x: 'ten.product' } },
      ],
      outputs: { five: 'five.y', ten: 'ten.product', fifty: 'fifty.y', sum: 'all.sum' },
    };
    const folders = { five: times(5), 'models/ten': times(10, ['N'], 'product'), add: adder };
    const model = await loadModel(pipeline(config, folders), { tfjsNode: false });
    expect(model.runtime).toMatch(
      /^pipeline \(tfjs [\d.]+ \(wasm\), onnxruntime [\d.]+\)$|^pipeline \(onnxruntime .*, tfjs .*\)$/,
    );
    expect(signatureOf(model)).toEqual({
      name: DEFAULT_SIGNATURE,
      inputs: [{ name: 'x', dtype: 'float32', shape: [null] }],
      outputs: ['five', 'ten', 'fifty', 'sum'].map((name) => ({ name, dtype: 'float32', shape: [null] })),
    });
    expect(model.byteSize).toBeGreaterThan(0);
    expect(await predict(model, { x: float32([2], [1, 2]) })).toEqual({
      five: float32([2], [5, 10]),
      ten: float32([2], [10, 20]),
      fifty: float32([2], [50, 100]),
      sum: float32([2], [15, 30]),
    });
  });

  it('computes what its models compute one after the other', async () => {
    const config = {
      steps: [
        { name: 'a', folder: 'a' },
        { name: 'b', folder: 'b', inputs: { x: 'a.y' } },
      ],
      outputs: { y: 'b.y', mean: { mean: ['a.y', 'b.y', 'instance.x'] } },
    };
    const model = await loadModel(pipeline(config, { a: times(2), b: times(-3) }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 50 }),
        async (values) => {
          const outputs = await model.predict(DEFAULT_SIGNATURE, { x: float32([values.length], values) });
          expect(outputs['y']?.data).toEqual(Float32Array.from(values, (x) => x * 2 * -3));
          expect(outputs['mean']?.data).toEqual(Float32Array.from(values, (x) => (2 * x) / 3 + (-6 * x) / 3 + x / 3));
        },
      ),
      { numRuns: 20 },
    );
    await model.dispose();
  });

  it('passes fields of the instance on exactly, taken by a step or not', async () => {
    const config = {
      steps: [{ name: 'id', folder: 'id', inputs: { x: 'instance.key' } }],
      outputs: { key: 'instance.key', back: 'id.y', note: 'instance.note', words: 'instance.words' },
      instance: { note: { dtype: 'int64' }, words: { dtype: 'string', shape: [null] } },
    };
    const model = await loadModel(pipeline(config, { id: same('int64') }));
    expect(signatureOf(model)?.inputs).toEqual([
      { name: 'note', dtype: 'int64', shape: [null] },
      { name: 'words', dtype: 'string', shape: [null, null] },
      { name: 'key', dtype: 'int64', shape: [null] },
    ]);
    const key: Tensor = { dtype: 'int64', shape: [2], data: BigInt64Array.of(2n ** 62n + 1n, -1n) };
    const words: Tensor = { dtype: 'string', shape: [2, 1], data: [new Uint8Array([0, 255]), 'é'] };
    const outputs = await predict(model, { key, note: key, words });
    expect(outputs).toEqual({ key, back: key, note: key, words });
    expect(outputs['note']).toBe(key);
  });

  it('makes an ensemble: a weighted mean, and a vote', async () => {
    const config = {
      steps: [
        { name: 'a', folder: 'one' },
        { name: 'b', folder: 'two' },
        { name: 'c', folder: 'two' },
      ],
      outputs: {
        weighted: { mean: ['a.y', 'b.y'], weights: [1, 3] },
        voted: { vote: ['a.y', 'b.y', 'c.y'] },
        tie: { vote: ['b.y', 'a.y'] },
      },
    };
    const model = await loadModel(pipeline(config, { one: times(1), two: times(2) }));
    expect(await predict(model, { x: float32([2], [1, 2]) })).toEqual({
      weighted: float32([2], [1.75, 3.5]),
      voted: float32([2], [2, 4]),
      tie: float32([2], [2, 4]),
    });
  });

  it('votes on labels', async () => {
    const config = {
      steps: ['a', 'b', 'c'].map((name) => ({ name, folder: 'same', inputs: { x: `instance.${name}` } })),
      outputs: { label: { vote: ['a.y', 'b.y', 'c.y'] } },
    };
    const model = await loadModel(pipeline(config, { same: same('string') }));
    const outputs = await predict(model, { a: text('cat', 'a'), b: text('dog', 'b'), c: text('dog', 'c') });
    expect(outputs).toEqual({ label: text('dog', 'a') });
  });

  it('a step that takes a fixed batch is given its batches, and others the whole', async () => {
    const config = {
      steps: [
        { name: 'two', folder: 'two' },
        { name: 'scalar', folder: 'scalar' },
        { name: 'all', folder: 'add', inputs: { a: 'two.y', b: 'scalar.y' } },
      ],
      outputs: { sum: 'all.sum' },
    };
    const folders = { two: times(2, [2]), scalar: times(3, []), add: adder };
    const model = await loadModel(pipeline(config, folders), { tfjsNode: false });
    expect(signatureOf(model)?.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: [null] }]);
    expect(await predict(model, { x: float32([5], [1, 2, 3, 4, 5]) })).toEqual({
      sum: float32([5], [5, 10, 15, 20, 25]),
    });
  });

  it('steps have their own serving.json, and so has the pipeline', async () => {
    const labelled = times(1);
    const config = { steps: [{ name: 'a', folder: 'a' }], outputs: { sure: 'a.sure' } };
    const folder: ModelFiles = {
      ...labelled,
      names: [...labelled.names, 'serving.json'],
      read: (name) =>
        name === 'serving.json'
          ? Promise.resolve(
              new TextEncoder().encode(
                '{"postprocess": [{"op": "threshold", "output": "y", "value": 1, "as": "sure"}]}',
              ),
            )
          : labelled.read(name),
    };
    const serving = { preprocess: { x: { field: 'score', steps: [{ op: 'scale', factor: 0.5 }] } } };
    const model = await loadModel(pipeline(config, { a: folder }, { 'serving.json': serving }));
    expect(signatureOf(model)).toMatchObject({
      inputs: [{ name: 'score' }],
      outputs: [{ name: 'sure', dtype: 'bool' }],
    });
    expect(await predict(model, { score: float32([2], [1, 2]) })).toEqual({
      sure: { dtype: 'bool', shape: [2], data: Uint8Array.of(0, 1) },
    });
  });

  it('a step may be a pipeline, and a version of the registry', async () => {
    const inner = { steps: [{ name: 'a', folder: 'a' }], outputs: { y: 'a.y' } };
    const outer = {
      steps: [
        { name: 'inner', folder: 'inner' },
        { name: 'other', model: 'times-ten@3', inputs: { x: 'inner.y' } },
        { name: 'again', model: 'times-ten@3' },
      ],
      outputs: { y: 'other.y', again: 'again.y' },
    };
    const opened: string[] = [];
    const model = await loadModel(pipeline(outer, { inner: pipeline(inner, { a: times(2) }) }), {
      open: (name, version) => {
        opened.push(`${name} ${version}`);
        return Promise.resolve(times(10));
      },
    });
    expect(opened).toEqual(['times-ten 3']);
    expect(await predict(model, { x: float32([1], [1]) })).toEqual({
      y: float32([1], [20]),
      again: float32([1], [10]),
    });
  });
});

describe('a failing step', () => {
  const vocabulary = (files: ModelFiles): ModelFiles => ({
    ...files,
    names: [...files.names, 'serving.json'],
    read: (name) =>
      name === 'serving.json'
        ? Promise.resolve(
            new TextEncoder().encode('{"preprocess": {"x": {"steps": [{"op": "vocabulary", "values": ["a", "b"]}]}}}'),
          )
        : files.read(name),
  });
  const config = {
    steps: [
      { name: 'left', folder: 'word', inputs: { x: 'instance.l' } },
      { name: 'right', folder: 'word', inputs: { x: 'instance.r' } },
      { name: 'after', folder: 'add', inputs: { a: 'left.y', b: 'right.y' } },
    ],
    outputs: { y: 'after.sum' },
  };

  it('names itself, and the failed rows of steps beside it count too', async () => {
    // The preprocessing takes text for numbers.
    const folders = { word: vocabulary(same('float32')), add: adder };
    const model = await loadModel(pipeline({ ...config }, folders), { tfjsNode: false });
    expect(signatureOf(model)?.inputs.map(({ name, dtype }) => [name, dtype])).toEqual([
      ['l', 'string'],
      ['r', 'string'],
    ]);
    const inputs = { l: text('a', '?', 'b', '?'), r: text('a', 'b', '!', '!') };
    const error: unknown = await predict(model, inputs).catch((reason: unknown) => reason);
    if (!(error instanceof RowFailures)) throw error;
    expect([...error.failures].map(([row, { message }]) => [row, message])).toEqual([
      [1, 'step "left": field "x": found "?", expected one of the vocabulary\'s 2 values'],
      [3, 'step "left": field "x": found "?", expected one of the vocabulary\'s 2 values'],
      [2, 'step "right": field "x": found "!", expected one of the vocabulary\'s 2 values'],
    ]);
  });

  it('of a runtime names itself', async () => {
    const shape = ['N', 'M'];
    const one = { steps: [{ name: 'mul', folder: 'mul' }], outputs: { y: 'mul.y' } };
    const product = makeOnnx({
      nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
      initializers: [{ name: 'w', type: 'float32', shape: [2, 1], data: Float32Array.of(1, 1) }],
      inputs: [{ name: 'x', type: 'float32', shape }],
      outputs: [{ name: 'y', type: 'float32', shape }],
    });
    const model = await loadModel(pipeline(one, { mul: memoryFiles({ 'm.onnx': product }) }));
    await expect(predict(model, { x: float32([1, 3], [1, 2, 3]) })).rejects.toThrow(/^step "mul": /);
  });
});

describe('what a pipeline refuses', () => {
  const a = { name: 'a', folder: 'a' };
  const outputs = { y: 'a.y' };
  const cases: {
    name: string;
    config: object;
    folders?: Record<string, ModelFiles>;
    status?: string;
    message: RegExp;
  }[] = [
    {
      name: 'an unknown key',
      config: { steps: [a], outputs, ensemble: 1 },
      message: /p@1: pipeline\.json: .*ensemble/,
    },
    { name: 'no steps', config: { steps: [], outputs }, message: /pipeline\.json: steps: / },
    { name: 'no outputs', config: { steps: [a], outputs: {} }, message: /pipeline\.json: outputs: / },
    { name: 'two steps of a name', config: { steps: [a, a], outputs }, message: /steps: two steps have the same name/ },
    {
      name: 'a step called instance',
      config: { steps: [{ ...a, name: 'instance' }], outputs },
      message: /steps\.0\.name: "instance" is what/,
    },
    {
      name: 'a step without a model',
      config: { steps: [{ name: 'a' }], outputs },
      message: /steps\.0: give either folder/,
    },
    {
      name: 'a folder outside',
      config: { steps: [{ name: 'a', folder: '../a' }], outputs },
      message: /steps\.0\.folder: expected a folder inside/,
    },
    { name: 'its own folder', config: { steps: [{ name: 'a', folder: '.' }], outputs }, message: /steps\.0\.folder: / },
    {
      name: 'an open version',
      config: { steps: [{ name: 'a', model: 'm' }], outputs },
      message: /steps\.0\.model: expected model@version/,
    },
    {
      name: 'a label for a version',
      config: { steps: [{ name: 'a', model: 'm@canary' }], outputs },
      message: /steps\.0\.model: /,
    },
    {
      name: 'an empty folder',
      config: { steps: [{ name: 'a', folder: 'none' }], outputs },
      status: 'FAILED_PRECONDITION',
      message: /step "a": the version holds no file in the folder none/,
    },
    {
      name: 'a registry that is not',
      config: { steps: [{ name: 'a', model: 'm@1' }], outputs },
      status: 'FAILED_PRECONDITION',
      message: /step "a": m@1 is a model of the registry, and here is none/,
    },
    {
      name: 'a folder without a model',
      config: { steps: [{ name: 'a', folder: 'b' }], outputs },
      folders: { b: memoryFiles({ 'x.txt': 'x' }) },
      status: 'FAILED_PRECONDITION',
      message: /step "a": p@1\/b holds no model|step "a": .* holds no model/,
    },
    {
      name: 'a cycle',
      config: {
        steps: [a, { name: 'b', folder: 'a', inputs: { x: 'c.y' } }, { name: 'c', folder: 'a', inputs: { x: 'b.y' } }],
        outputs,
      },
      message: /the steps "b", "c" need each other's outputs/,
    },
    {
      name: 'a step that needs itself',
      config: { steps: [{ ...a, inputs: { x: 'a.y' } }], outputs },
      message: /the steps "a" need each other/,
    },
    {
      name: 'an unknown step',
      config: { steps: [{ ...a, inputs: { x: 'z.y' } }], outputs },
      message: /step "a" takes an input from "z", and there is no such step/,
    },
    {
      name: 'an unknown input',
      config: { steps: [{ ...a, inputs: { z: 'instance.x' } }], outputs },
      message: /step "a": the model has no input "z"; it has "x"/,
    },
    {
      name: 'an unknown output of a step',
      config: { steps: [a, { name: 'b', folder: 'a', inputs: { x: 'a.z' } }], outputs },
      message: /step "b": step "a" has no output "z"; it has "y"/,
    },
    {
      name: 'an unknown output',
      config: { steps: [a], outputs: { y: 'a.z' } },
      message: /output "y": step "a" has no output "z"/,
    },
    {
      name: 'an output of an unknown step',
      config: { steps: [a], outputs: { y: 'b.y' } },
      message: /output "y": there is no step "b"/,
    },
    {
      name: 'an unknown signature',
      config: { steps: [{ ...a, signature: 'train' }], outputs },
      message: /step "a": the model has no signature "train"; it has serving_default/,
    },
    { name: 'no reference', config: { steps: [a], outputs: { y: 'a' } }, message: /outputs\.y: expected/ },
    {
      name: 'a field whose type nobody says',
      config: { steps: [a], outputs: { y: 'instance.note' } },
      message: /output "y": no step takes field "note" of the instance: say its type/,
    },
    {
      name: 'another dtype',
      config: { steps: [a, { name: 'b', folder: 'b', inputs: { x: 'a.y' } }], outputs },
      folders: { b: same('int64') },
      message: /step "b": input "x" takes int64 \[\] a row, and a\.y is float32 \[\]/,
    },
    {
      name: 'another shape',
      config: { steps: [a, { name: 'b', folder: 'b', inputs: { x: 'a.y' } }], outputs },
      folders: { b: times(1, ['N', 2]) },
      message: /step "b": input "x" takes float32 \[2\] a row, and a\.y is float32 \[\]/,
    },
    {
      name: 'a field of two types',
      config: { steps: [a, { name: 'b', folder: 'b' }], outputs },
      folders: { b: same('int64') },
      message:
        /step "b", input "x" takes field "x" of the instance as int64 \[\]; step "a", input "x" takes it as float32 \[\]/,
    },
    {
      name: 'a mean of text',
      config: { steps: [{ name: 'a', folder: 'b' }], outputs: { y: { mean: ['a.y'] } } },
      folders: { b: same('string') },
      message: /output "y": there is no mean of strings/,
    },
    {
      name: 'a vote of several dtypes',
      config: {
        steps: [a, { name: 'b', folder: 'b', inputs: { x: 'instance.i' } }],
        outputs: { y: { vote: ['a.y', 'b.y'] } },
      },
      folders: { b: same('int64') },
      message: /output "y": found float32 and int64, expected one dtype/,
    },
    {
      name: 'a mean of several shapes',
      config: {
        steps: [a, { name: 'b', folder: 'b', inputs: { x: 'instance.i' } }],
        outputs: { y: { mean: ['a.y', 'b.y'] } },
      },
      folders: { b: times(1, ['N', 2]) },
      message: /expected rows of one shape/,
    },
    {
      name: 'weights for others',
      config: { steps: [a], outputs: { y: { mean: ['a.y'], weights: [1, 2] } } },
      message: /outputs\.y: /,
    },
  ];
  it.each(cases)('$name', async ({ config, folders = {}, status = 'INVALID_ARGUMENT', message }) => {
    await expect(loadModel(pipeline(config, { a: times(5), ...folders }))).rejects.toMatchObject({
      name: 'PermanentError',
      status,
      message: expect.stringMatching(message) as string,
    });
  });

  it('itself', async () => {
    const loop = (next: string): ModelFiles => pipeline({ steps: [{ name: 'a', model: next }], outputs }, {});
    const open = (name: string): Promise<ModelFiles> => Promise.resolve(loop(name === 'p' ? 'q@1' : 'p@1'));
    await expect(loadModel(loop('q@1'), { open })).rejects.toThrow(/p@1 → q@1 → p@1: a pipeline inside itself/);
  });

  it('pipelines in pipelines without end', async () => {
    let opened = 0;
    const open = (_name: string, version: string): Promise<ModelFiles> => {
      opened++;
      return Promise.resolve(pipeline({ steps: [{ name: 'a', model: `p@${Number(version) + 1}` }], outputs }, {}));
    };
    const first = pipeline({ steps: [{ name: 'a', model: 'p@2' }], outputs }, {});
    await expect(loadModel(first, { open })).rejects.toThrow(/more than 5 deep/);
    expect(opened).toBeLessThan(10);
  });

  it('more models than a few', async () => {
    let opened = 0;
    const open = (_name: string, version: string): Promise<ModelFiles> => {
      opened++;
      const steps = Array.from({ length: 60 }, (_, i) => ({
        name: `s${i}`,
        model: `p@${Number(version) * 100 + i + 10}`,
      }));
      return Promise.resolve(opened < 4 ? pipeline({ steps, outputs: { y: 's0.y' } }, {}) : times(1));
    };
    const first = pipeline({ steps: [{ name: 'a', model: 'p@2' }], outputs }, {});
    await expect(loadModel(first, { open })).rejects.toThrow(/more than 64 models/);
  });

  it('a model that the registry has not', async () => {
    const open = (): Promise<ModelFiles> => Promise.reject(new PermanentError('NOT_FOUND', 'model m has no version 7'));
    const files = pipeline({ steps: [{ name: 'a', model: 'm@7' }], outputs }, {});
    await expect(loadModel(files, { open })).rejects.toMatchObject({
      status: 'NOT_FOUND',
      message: 'p@1: pipeline.json: step "a": model m has no version 7',
    });
  });
});
