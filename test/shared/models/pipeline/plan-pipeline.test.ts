import { describe, expect, it } from 'vitest';
import { DEFAULT_SIGNATURE } from '../../../../shared/models/model.ts';
import type { FeatureSpec, Model, Signature } from '../../../../shared/models/model.ts';
import { planPipeline } from '../../../../shared/models/pipeline/plan-pipeline.ts';

/** What a plan looks at of a model that takes serialized tf.Examples. */
function parser(features: readonly FeatureSpec[] | undefined): Model {
  const signature: Signature = {
    name: DEFAULT_SIGNATURE,
    inputs: [{ name: 'examples', dtype: 'string', shape: [null] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [null, 1] }],
    examples: { input: 'examples', ...(features && { features }) },
  };
  return {
    runtime: 'test',
    byteSize: 0,
    signatures: { [DEFAULT_SIGNATURE]: signature },
    predict: () => Promise.reject(new Error('only planned')),
    dispose: () => Promise.resolve(),
  };
}

const feature = (name: string, others: Partial<FeatureSpec> = {}): FeatureSpec => ({
  name,
  dtype: 'float32',
  shape: [],
  optional: false,
  ...others,
});

function plan(models: Readonly<Record<string, Model>>, field: (step: string) => string = () => 'examples'): Signature {
  const steps = Object.keys(models).map((name) => ({
    name,
    folder: name,
    inputs: { examples: `instance.${field(name)}` },
  }));
  const loaded = new Map(
    steps.map((spec) => [spec.name, { spec, model: models[spec.name] as Model, defaultSignature: undefined }]),
  );
  const outputs = Object.fromEntries(steps.map(({ name }) => [name, `${name}.y`]));
  return planPipeline({ steps, outputs }, steps, loaded).signature;
}

describe('a pipeline over serialized tf.Examples', () => {
  it('takes Examples with the features of all its steps', () => {
    const a = parser([feature('x'), feature('note', { dtype: 'string', optional: true })]);
    const b = parser([feature('x', { optional: true }), feature('z', { shape: null })]);
    expect(plan({ a, b })).toMatchObject({
      inputs: [{ name: 'examples', dtype: 'string', shape: [null] }],
      examples: {
        input: 'examples',
        features: [feature('x'), feature('note', { dtype: 'string', optional: true }), feature('z', { shape: null })],
      },
    });
  });

  it('says nothing of features where one of its steps does not', () => {
    expect(plan({ a: parser([feature('x')]), b: parser(undefined) }).examples).toEqual({ input: 'examples' });
  });

  it('takes bytes as they come where the steps read several fields', () => {
    const models = { a: parser([feature('x')]), b: parser([feature('x')]) };
    expect(plan(models, (step) => `of_${step}`)).not.toHaveProperty('examples');
  });

  it('refuses a feature that two steps parse differently', () => {
    const models = { a: parser([feature('x')]), b: parser([feature('x', { dtype: 'int64' })]) };
    expect(() => plan(models)).toThrow(/step "b" parses feature "x" as int64, step "a" as float32/);
  });
});
