import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DT } from '../../../../shared/models/saved-model/graph-def.ts';
import { loadSavedModel } from '../../../../shared/models/saved-model/load-saved-model.ts';
import { ModelLostError } from '../../../../shared/models/model-lost-error.ts';
import { onBackend } from '../../../../shared/models/tfjs-backend.ts';
import type { Tensor } from '../../../../shared/tensor.ts';
import { float32 } from '../model-files.ts';
import { RowFailures } from '../../../../shared/models/row-failures.ts';
import { add, call, constant, graphModel, placeholder, tensor, type } from './graph-maker.ts';
import { bundleFiles } from './saved-model-maker.ts';

const text = (key: string, value: string) => ({ key, value: { s: Buffer.from(value) } });
const int = (key: string, value: number) => ({ key, value: { i: value } });
const ints = (key: string, values: readonly number[]) => ({ key, value: { list: { i: values } } });
const T = type('T', DT.FLOAT);
const xy = {
  serving_default: {
    inputs: { x: tensor('x:0', DT.FLOAT, []), w: tensor('w:0', DT.FLOAT, []) },
    outputs: { y: tensor('y:0', DT.FLOAT, []) },
  },
};
const tensorCount = () => onBackend('cpu', (tf) => tf.memory().numTensors);

describe('a loop without end', () => {
  it('fails all rows of its batch, once', async () => {
    const always = { dtype: DT.BOOL, tensorShape: {}, boolVal: [true] };
    const model = await loadSavedModel(
      await graphModel(
        [
          placeholder('x'),
          {
            name: 'y',
            op: 'While',
            input: ['x'],
            attr: [{ key: 'T', value: { list: { type: [DT.FLOAT] } } }, call('cond', 'always'), call('body', 'twice')],
          },
        ],
        {
          functions: [
            {
              name: 'always',
              nodes: [
                {
                  name: 't',
                  op: 'Const',
                  attr: [type('dtype', DT.BOOL), { key: 'value', value: { tensor: always } }],
                },
              ],
              ret: { r: 't:output:0' },
            },
            { name: 'twice', nodes: [add('s', 'a', 'a')], ret: { r: 's:z:0' } },
          ],
        },
      ),
      { tfjsNode: false },
    );
    const failed: unknown = await model
      .predict('serving_default', { x: float32([2], [1, 2]) })
      .catch((e: unknown) => e);
    expect(failed).toBeInstanceOf(RowFailures);
    const message = 'the loop y has not ended after 250,000 rounds';
    expect([...(failed as RowFailures).failures.values()]).toEqual([
      expect.objectContaining({ status: 'RESOURCE_EXHAUSTED', message }),
      expect.objectContaining({ status: 'RESOURCE_EXHAUSTED', message }),
    ]);
    await model.dispose();
  });
});

describe('a model on TensorFlow.js', () => {
  const nodes = [placeholder('x'), constant('c', 2), add('y', 'x', 'c')];

  it('names the runtime and the backend that it runs on, and how large its weights are', async () => {
    const model = await loadSavedModel(await graphModel(nodes), { tfjsNode: false });
    expect(model.runtime).toBe('tfjs 4.22.0 (wasm)');
    expect(model.byteSize).toBe(4);
    await model.dispose();
  });

  it('runs on the backend that it is told to', async () => {
    const model = await loadSavedModel(await graphModel(nodes), { tfjsBackend: 'cpu' });
    expect(model.runtime).toBe('tfjs 4.22.0 (cpu)');
    expect(await model.predict('serving_default', { x: float32([2], [1, 2]) })).toEqual({ y: float32([2], [3, 4]) });
    await model.dispose();
  });

  it('leaves no tensor behind, whether its batches fail or not', async () => {
    const before = await tensorCount();
    const model = await loadSavedModel(await graphModel(nodes), { tfjsNode: false });
    await model.predict('serving_default', { x: float32([2], [1, 2]) });
    await expect(model.predict('serving_default', {})).rejects.toThrow(/input x/);
    await model.dispose();
    await model.dispose();
    expect(await tensorCount()).toBe(before);
    await expect(model.predict('serving_default', { x: float32([1], [1]) })).rejects.toThrow(/disposed/);
  });

  it('is lost with the WebAssembly module that holds its weights', async () => {
    const model = await loadSavedModel(await graphModel(nodes), { tfjsNode: false });
    await model.predict('serving_default', { x: float32([1], [1]) });
    const abort = onBackend('wasm', () => {
      throw Object.assign(new Error('memory access out of bounds'), { name: 'RuntimeError' });
    });
    await expect(abort).rejects.toBeInstanceOf(ModelLostError);
    await expect(model.predict('serving_default', { x: float32([1], [1]) })).rejects.toBeInstanceOf(ModelLostError);
    await model.dispose();
  });
});

describe('state', () => {
  const counter = [
    { name: 'n', op: 'VariableV2', attr: [type('dtype', DT.FLOAT)] },
    constant('one', 1),
    { name: 'count', op: 'AssignAdd', input: ['n', 'one'], attr: [T] },
  ];
  const stored = { n: { dtype: DT.FLOAT, shape: [], data: Float32Array.of(5) } };
  const counting = (op: string, ...input: string[]) => [
    placeholder('x'),
    ...counter,
    { name: 'y', op, input: [...input, '^count'], attr: [T] },
  ];

  it('that no output is made of is left alone', async () => {
    const files = await graphModel(counting('Neg', 'x'), { files: await bundleFiles(stored) });
    const model = await loadSavedModel(files);
    expect(await model.predict('serving_default', { x: float32([1], [3]) })).toEqual({ y: float32([1], [-3]) });
    await model.dispose();
  });

  it('that an output is made of is refused', async () => {
    const files = await graphModel(counting('AddV2', 'x', 'n'), { files: await bundleFiles(stored) });
    await expect(loadSavedModel(files)).rejects.toMatchObject({
      status: 'UNIMPLEMENTED',
      message: expect.stringContaining('keeps state from batch to batch') as string,
    });
  });
});

describe('random operations', () => {
  const shape = { name: 's', op: 'Shape', input: ['x'], attr: [T, type('out_type', DT.INT32)] };
  const uniform = (name: string) => ({
    name,
    op: 'RandomUniform',
    input: ['s'],
    attr: [type('dtype', DT.FLOAT), type('T', DT.INT32)],
  });

  it('draw the same values for every batch, and each its own', async () => {
    const minus = { name: 'y', op: 'Sub', input: ['u', 'v'], attr: [T] };
    const model = await loadSavedModel(await graphModel([placeholder('x'), shape, uniform('u'), uniform('v'), minus]));
    const x = float32([3], [1, 2, 3]);
    const first = await model.predict('serving_default', { x });
    expect(await model.predict('serving_default', { x })).toEqual(first);
    expect(Array.from(first['y']?.data as Float32Array).every((value) => value !== 0 && Math.abs(value) < 1)).toBe(
      true,
    );
    await model.dispose();
  });
});

describe('Einsum', () => {
  const load = async (equation: string) =>
    loadSavedModel(
      await graphModel(
        [
          placeholder('x'),
          placeholder('w'),
          { name: 'y', op: 'Einsum', input: ['x', 'w'], attr: [T, int('N', 2), text('equation', equation)] },
        ],
        { signatures: xy },
      ),
    );
  const random = (shape: readonly number[]): Tensor => {
    const size = shape.reduce((product, part) => product * part, 1);
    return float32(
      [...shape],
      Array.from({ length: size }, (_, i) => ((i * 37) % 11) - 5),
    );
  };
  /** Every product of elements that agree in their labels, added up where it goes. */
  const byHand = (equation: string, a: Tensor, b: Tensor): number[] => {
    const [left = '', out = ''] = equation.split('->');
    const [la = '', lb = ''] = left.split(',');
    const sizes = new Map([
      ...Array.from(la, (l, i) => [l, a.shape[i] ?? 1] as const),
      ...Array.from(lb, (l, i) => [l, b.shape[i] ?? 1] as const),
    ]);
    const labels = [...sizes.keys()];
    const place = (at: ReadonlyMap<string, number>, term: string): number =>
      Array.from(term).reduce((sum, label) => sum * (sizes.get(label) ?? 1) + (at.get(label) ?? 0), 0);
    const result = new Array<number>(
      Array.from(out).reduce((product, label) => product * (sizes.get(label) ?? 1), 1),
    ).fill(0);
    const total = [...sizes.values()].reduce((product, size) => product * size, 1);
    for (let n = 0; n < total; n++) {
      let rest = n;
      const at = new Map<string, number>();
      for (const label of labels) {
        at.set(label, rest % (sizes.get(label) ?? 1));
        rest = Math.floor(rest / (sizes.get(label) ?? 1));
      }
      const to = place(at, out);
      result[to] = (result[to] ?? 0) + Number(a.data[place(at, la)]) * Number(b.data[place(at, lb)]);
    }
    return result;
  };

  it('is the sum of the products that its equation says, for any equation of two terms', async () => {
    const term = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 }).map((labels) => labels.join(''));
    await fc.assert(
      fc.asyncProperty(term, term, fc.nat(), async (left, right, pick) => {
        const all = [...new Set(left + right)];
        const out = all.filter((_, i) => (pick >> i) & 1).join('');
        const equation = `${left},${right}->${out}`;
        const sizes: Readonly<Record<string, number>> = { a: 2, b: 3, c: 1, d: 4 };
        const shaped = (labels: string): Tensor => random(Array.from(labels, (label) => sizes[label] ?? 1));
        const [x, w] = [shaped(left), shaped(right)];
        const model = await load(equation);
        const { y } = await model.predict('serving_default', { x, w });
        expect(y?.shape).toEqual(Array.from(out, (label) => sizes[label]));
        expect(Array.from(y?.data as Float32Array)).toEqual(byHand(equation, x, w));
        await model.dispose();
      }),
      { numRuns: 30 },
    );
  });

  it('stretches what an ellipsis stands for', async () => {
    const model = await load('...ab,...bc->...ac');
    const [x, w] = [random([5, 2, 3]), random([3, 4])];
    const { y } = await model.predict('serving_default', { x, w });
    expect(y?.shape).toEqual([5, 2, 4]);
    expect(Array.from(y?.data as Float32Array)).toEqual(byHand('eab,bc->eac', x, w));
    await model.dispose();
  });

  it('of a label twice in a term is refused', async () => {
    const model = await load('aa,b->ab');
    const failing = model.predict('serving_default', { x: random([2, 2]), w: random([3]) });
    await expect(failing).rejects.toMatchObject({ status: 'UNIMPLEMENTED' });
    await model.dispose();
  });
});

describe('a convolution of groups', () => {
  it.each([
    { groups: 'each channel by itself', depth: 1, outputs: 4, kernels: [11, 10.5, 0.25, -3] },
    { groups: 'two outputs of each channel', depth: 1, outputs: 8, kernels: [1, 2, 3, 4, 5, 6, 7, 8] },
    { groups: 'channels in pairs', depth: 2, outputs: 2, kernels: [1, 100, 21, 23] },
  ])('$groups', async ({ depth, outputs, kernels }) => {
    const attr = [T, ints('strides', [1, 1, 1, 1]), text('padding', 'VALID'), text('data_format', 'NHWC')];
    const nodes = [placeholder('x'), placeholder('w'), { name: 'y', op: 'Conv2D', input: ['x', 'w'], attr }];
    const model = await loadSavedModel(await graphModel(nodes, { signatures: xy }));
    // One pixel of four channels.
    const x = float32([1, 1, 1, 4], [1, 2, 3, 4]);
    const w = float32([1, 1, depth, outputs], kernels);
    const { y } = await model.predict('serving_default', { x, w });
    const group = 4 / depth;
    const byHand = Array.from({ length: outputs }, (_, o) => {
      const first = Math.floor(o / (outputs / group)) * depth;
      return Array.from({ length: depth }, (__, i) => (first + i + 1) * (kernels[i * outputs + o] ?? 0)).reduce(
        (a, b) => a + b,
      );
    });
    expect(Array.from(y?.data as Float32Array)).toEqual(byHand);
    await model.dispose();
  });
});
