import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { InstanceScorer } from '../../infra/gcp/scorer.ts';
import { openModels } from '../../infra/local/model-source.ts';
import { MemoryObjectStore } from '../../infra/memory/object-store.ts';
import { describeFixtures, FIXTURES } from '../shared/models/model-files.ts';
import { startFunctions } from './server.ts';

const MODEL = 'serving_half_plus_two_cpu';

interface Golden {
  readonly signatures: Readonly<
    Record<string, { readonly outputs: Readonly<Record<string, { readonly data: readonly number[] }>> }>
  >;
}

/** TensorFlow Serving's own test model, asked as its documentation asks it. */
describeFixtures('half_plus_two', () => {
  const outputOf = (signature: string, output: string): readonly number[] => {
    const golden = JSON.parse(readFileSync(join(FIXTURES, 'savedmodel', MODEL, 'golden.json'), 'utf8')) as Golden;
    return golden.signatures[signature]?.outputs[output]?.data ?? [];
  };
  const ask = async (verb: string, body: unknown): Promise<Record<string, unknown>> => {
    const models = openModels({ kind: 'root', folder: join(FIXTURES, 'savedmodel') });
    const scorer = new InstanceScorer({ objects: new MemoryObjectStore(), models });
    const { call } = await startFunctions({ ports: () => ({ models, scorer }) });
    return (await call('predict', { path: `/v1/models/${MODEL}/versions/123:${verb}`, body })).json;
  };
  // The features of the Examples in the golden file.
  const examples = [
    { x: 1, x2: 2 },
    { x: 10, x2: 11 },
    { x: -2.5, x2: -1.5 },
  ];

  it('predicts rows and columns', async () => {
    expect(await ask('predict', { instances: [1.0, 2.0, 5.0] })).toEqual({ predictions: [2.5, 3, 4.5] });
    expect(await ask('predict', { inputs: { x: [[1.0], [2.0]] } })).toEqual({ outputs: [[2.5], [3]] });
  });

  it('classifies and regresses what TensorFlow does, an example or its context having the features', async () => {
    const scores = outputOf('classify_x_to_y', 'scores');
    expect(await ask('classify', { signature_name: 'classify_x_to_y', examples })).toEqual({
      results: scores.map((score) => [['', score]]),
    });
    const outputs = outputOf('regress_x_to_y2', 'outputs');
    expect(await ask('regress', { signature_name: 'regress_x_to_y2', examples })).toEqual({ results: outputs });
    const context = { x: 10, x2: 11 };
    expect(await ask('regress', { signature_name: 'regress_x_to_y2', context, examples: [{}] })).toEqual({
      results: outputs.slice(1, 2),
    });
  });

  it('tells which example misses a feature', async () => {
    const body = { signature_name: 'regress_x_to_y', examples: [{ x: 1 }, { x2: 1 }] };
    expect(await ask('regress', body)).toEqual({ error: expect.stringMatching(/^examples\[1\]: .*"x"/) as unknown });
  });
});
