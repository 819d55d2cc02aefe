import { expect, it } from 'vitest';

import { smokeTest } from '../../cli/models-smoke-test.ts';
import { decodeExample } from '../../shared/formats/example/example.ts';
import type { Model, Signature } from '../../shared/models/model.ts';
import type { Tensors } from '../../shared/tensor.ts';

/** A model of such signatures that gives back its inputs, and keeps them. */
function modelOf(signatures: readonly Signature[], fails = false): { readonly model: Model; readonly seen: Tensors[] } {
  const seen: Tensors[] = [];
  const model: Model = {
    runtime: 'test',
    signatures: Object.fromEntries(signatures.map((signature) => [signature.name, signature])),
    byteSize: 0,
    predict: (_signature, inputs) => {
      seen.push(inputs);
      return fails ? Promise.reject(new Error('no\n such  thing')) : Promise.resolve(inputs);
    },
    dispose: () => Promise.resolve(),
  };
  return { model, seen };
}

function signature(inputs: Signature['inputs'], more: Partial<Signature> = {}): Signature {
  return { name: 'serving_default', inputs, outputs: inputs, ...more };
}

const FLOATS = { name: 'x', dtype: 'float32', shape: [null, 2, null] } as const;
const TEXT = { name: 's', dtype: 'string', shape: [null] } as const;

it('tries one row of zeros and empty texts, sizes that are not fixed being 1', async () => {
  const { model, seen } = modelOf([signature([FLOATS, TEXT, { name: 'i', dtype: 'int64', shape: [] }])]);
  expect(await smokeTest(model)).toEqual([{ signature: 'serving_default', outcome: 'passed' }]);
  expect(seen).toEqual([
    {
      x: { dtype: 'float32', shape: [1, 2, 1], data: new Float32Array(2) },
      s: { dtype: 'string', shape: [1], data: [''] },
      i: { dtype: 'int64', shape: [], data: new BigInt64Array(1) },
    },
  ]);
});

it('fills a batch dimension of fixed size', async () => {
  const { model, seen } = modelOf([signature([{ ...FLOATS, shape: [3, 2] }])]);
  await smokeTest(model);
  expect(seen[0]?.['x']?.shape).toEqual([3, 2]);
});

it('makes a tf.Example of the features that the model parses', async () => {
  const features = [
    { name: 'a', dtype: 'float32', shape: [2], optional: false },
    { name: 'b', dtype: 'int64', shape: [], optional: false },
    { name: 'c', dtype: 'string', shape: null, optional: true },
  ] as const;
  const { model, seen } = modelOf([signature([TEXT], { examples: { input: 's', features } })]);
  expect(await smokeTest(model)).toMatchObject([{ outcome: 'passed' }]);
  const example = decodeExample(seen[0]?.['s']?.data[0] as Uint8Array);
  expect(example.get('a')).toMatchObject({ kind: 'float' });
  expect([...example.keys()]).toEqual(['a', 'b', 'c']);
});

it.each([
  { name: 'of unknown rank', inputs: [{ ...FLOATS, shape: null }], message: 'input x has no known rank' },
  {
    name: 'too large',
    inputs: [{ ...FLOATS, shape: [null, 1e9] }],
    message: 'a row of input x has 1000000000 elements',
  },
])('does not try an input $name, and says so', async ({ inputs, message }) => {
  const { model, seen } = modelOf([signature(inputs)]);
  expect(await smokeTest(model)).toEqual([{ signature: 'serving_default', outcome: 'not tried', message }]);
  expect(seen).toEqual([]);
});

it('does not try Examples of features that nobody tells', async () => {
  const { model } = modelOf([signature([TEXT], { examples: { input: 's' } })]);
  expect(await smokeTest(model)).toMatchObject([
    { outcome: 'not tried', message: expect.stringContaining('features') as string },
  ]);
});

it('fails numbers that the model cannot score, and is unsure of an empty text', async () => {
  const message = 'no such thing';
  expect(await smokeTest(modelOf([signature([FLOATS])], true).model)).toMatchObject([{ outcome: 'failed', message }]);
  expect(await smokeTest(modelOf([signature([TEXT])], true).model)).toMatchObject([{ outcome: 'unsure', message }]);
});

it('fails a model that leaves an output out', async () => {
  const { model } = modelOf([signature([FLOATS], { outputs: [{ ...FLOATS, name: 'y' }] })]);
  expect(await smokeTest(model)).toMatchObject([{ outcome: 'failed', message: 'it returned no output y' }]);
});
