import { describe, expect, it } from 'vitest';
import { DT } from '../../../../shared/models/saved-model/graph-def.ts';
import { loadSavedModel } from '../../../../shared/models/saved-model/load-saved-model.ts';
import { RowFailures } from '../../../../shared/models/row-failures.ts';
import { float32 } from '../model-files.ts';
import { add, call, callOf, constant, graphModel, placeholder, tensor, type, types } from './graph-maker.ts';

const doubled = [placeholder('x'), add('y', 'x', 'x')];

describe('a graph that is none is refused, naming the node', () => {
  const levels = 60;
  /** Each function calls the one below twice. */
  const laughs = Array.from({ length: levels }, (_, level) => ({
    name: `f${level}`,
    nodes:
      level === 0
        ? [add('s', 'a', 'a')]
        : [callOf('l', `f${level - 1}`, 'a'), callOf('m', `f${level - 1}`, 'a'), add('s', 'l:output:0', 'm:output:0')],
    ret: { r: 's:z:0' },
  }));
  const branch = {
    name: 'c',
    op: 'StatelessIf',
    input: ['x', 'x'],
    attr: [
      call('then_branch', 'f'),
      call('else_branch', 'f'),
      type('Tcond', DT.FLOAT),
      types('Tin', 1),
      types('Tout', 1),
    ],
  };
  const refusals = [
    { name: 'a circle', nodes: [placeholder('x'), add('y', 'x', 'z'), add('z', 'y', 'x')], message: /in a circle at/ },
    { name: 'a node that takes itself', nodes: [placeholder('x'), add('y', 'x', 'y')], message: /in a circle at y/ },
    { name: 'an input that is not there', nodes: [placeholder('x'), add('y', 'x', 'gone')], message: /no node "gone"/ },
    {
      name: 'two nodes of a name',
      nodes: [placeholder('x'), add('y', 'x', 'x'), add('y', 'x', 'x')],
      message: /two nodes of the same name/,
    },
    {
      name: 'a function that calls itself',
      nodes: [placeholder('x'), callOf('y', 'f', 'x')],
      functions: [{ name: 'f', nodes: [callOf('again', 'f', 'a')], ret: { r: 'again:output:0' } }],
      message: /calls itself/,
    },
    {
      name: 'a function that runs itself by control flow',
      nodes: [placeholder('x'), callOf('y', 'f', 'x')],
      functions: [{ name: 'f', nodes: [{ ...branch, input: ['a', 'a'] }], ret: { r: 'c:output:0' } }],
      message: /runs itself/,
    },
    {
      name: 'a function that is not there',
      nodes: [placeholder('x'), callOf('y', 'gone', 'x')],
      message: /function gone, which is not there/,
    },
    {
      name: 'functions that double with every level',
      nodes: [placeholder('x'), callOf('y', `f${levels - 1}`, 'x')],
      functions: laughs,
      message: /expand to more than/,
    },
  ];
  for (const { name, message, ...graph } of refusals) {
    it(name, async () => {
      const files = await graphModel(graph.nodes, { functions: 'functions' in graph ? graph.functions : [] });
      const refusal = expect(loadSavedModel(files)).rejects;
      await refusal.toMatchObject({ name: 'PermanentError', status: 'INVALID_ARGUMENT' });
      await expect(loadSavedModel(files)).rejects.toThrow(message);
    });
  }
});

describe('what the runtime lacks is refused with the names of operation and signature', () => {
  it('a model that has nothing else', async () => {
    const files = await graphModel([placeholder('x'), { name: 'y', op: 'MyOp', input: ['x'] }]);
    const refusal = expect(loadSavedModel(files)).rejects;
    await refusal.toMatchObject({
      status: 'UNIMPLEMENTED',
      message: 'm@1: signature "serving_default": the operation MyOp (node "y") is not supported',
    });
  });

  it('and only the signatures that need it', async () => {
    const signatures = {
      good: { inputs: { x: tensor('x:0') }, outputs: { y: tensor('y:0') } },
      bad: { inputs: { x: tensor('x:0') }, outputs: { y: tensor('odd:0') } },
    };
    const files = await graphModel([...doubled, { name: 'odd', op: 'MyOp', input: ['x'] }], { signatures });
    const model = await loadSavedModel(files);
    expect(Object.keys(model.signatures)).toEqual(['good']);
    expect(model.refused).toEqual({ bad: 'm@1: signature "bad": the operation MyOp (node "odd") is not supported' });
    await expect(model.predict('bad', {})).rejects.toMatchObject({
      status: 'UNIMPLEMENTED',
      message: model.refused?.['bad'],
    });
    const { y } = await model.predict('good', { x: float32([2], [1, 2]) });
    expect(y).toEqual(float32([2], [2, 4]));
    await model.dispose();
  });

  it('a variable that nothing restores', async () => {
    const variable = { name: 'v', op: 'VariableV2', attr: [type('dtype', DT.FLOAT)] };
    await expect(
      loadSavedModel(await graphModel([placeholder('x'), variable, add('y', 'x', 'v')])),
    ).rejects.toMatchObject({
      status: 'UNIMPLEMENTED',
      message: 'm@1: signature "serving_default": the variable v (VariableV2) has no value: nothing restores it',
    });
  });

  it('a sparse input', async () => {
    const sparse = {
      cooSparse: { valuesTensorName: 'x:0', indicesTensorName: 'x:0', denseShapeTensorName: 'x:0' },
      dtype: DT.FLOAT,
    };
    const signatures = {
      serving_default: { inputs: { s: sparse }, outputs: { y: tensor('y:0') } },
      dense: { inputs: { x: tensor('x:0') }, outputs: { y: tensor('y:0') } },
    };
    const model = await loadSavedModel(await graphModel(doubled, { signatures }));
    expect(model.refused?.['serving_default']).toContain('the input "s" is a sparse tensor');
    await model.dispose();
  });

  it('a placeholder that no input feeds', async () => {
    const files = await graphModel([placeholder('x'), placeholder('p'), add('y', 'x', 'p')]);
    await expect(loadSavedModel(files)).rejects.toThrow('the placeholder "p" is needed and no input of the signature');
  });
});

describe('integers', () => {
  const whole = (op: string) => [
    placeholder('x', DT.INT64),
    { name: 'y', op, input: op === 'Identity' ? ['x'] : ['x', 'x'], attr: [type('T', DT.INT64)] },
  ];
  const signatures = {
    serving_default: { inputs: { x: tensor('x:0', DT.INT64) }, outputs: { y: tensor('y:0', DT.INT64) } },
  };
  const big = { dtype: 'int64', shape: [3], data: BigInt64Array.of(1n, 2n ** 60n, -3n) } as const;

  it('that go through untouched keep all digits', async () => {
    const model = await loadSavedModel(await graphModel(whole('Identity'), { signatures }));
    expect(await model.predict('serving_default', { x: big })).toEqual({ y: big });
    await model.dispose();
  });

  it('beyond int32 that are computed with are the error of their row', async () => {
    const model = await loadSavedModel(await graphModel(whole('AddV2'), { signatures }));
    const failure: unknown = await model.predict('serving_default', { x: big }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RowFailures);
    expect([...(failure as RowFailures).failures.keys()]).toEqual([1]);
    expect((failure as RowFailures).message).toContain('input x: found 1152921504606846976');
    await model.dispose();
  });
});

it('a file of random bytes is no model', async () => {
  const bytes = Uint8Array.from({ length: 200 }, (_, i) => (i * 7919) % 256);
  const files = await graphModel([], { files: { 'saved_model.pb': bytes } });
  await expect(loadSavedModel(files)).rejects.toMatchObject({ status: 'INVALID_ARGUMENT' });
});

it('a truncated file is no model', async () => {
  const whole = await (await graphModel([...doubled, constant('c', 1)])).read('saved_model.pb');
  const files = await graphModel([], { files: { 'saved_model.pb': whole.subarray(0, whole.length - 5) } });
  await expect(loadSavedModel(files)).rejects.toMatchObject({ status: 'INVALID_ARGUMENT' });
});
