import { gzipSync } from 'node:zlib';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { InstanceScorer } from '../../infra/gcp/scorer.ts';
import { MemoryModelStore } from '../../infra/memory/model-store.ts';
import { MemoryObjectStore } from '../../infra/memory/object-store.ts';
import { decodeExample, encodeExample } from '../../shared/formats/example/example.ts';
import { ModelLostError } from '../../shared/models/model-lost-error.ts';
import type { Model } from '../../shared/models/model.ts';
import type { ModelStore } from '../../shared/ports.ts';
import { FakeModel, float32, floats, numbersOf } from '../functions/fake-model.ts';
import { MemoryPipeline } from '../functions/memory-pipeline.ts';
import { makeMlp, makeOnnx } from '../shared/models/onnx-maker.ts';
import { startFunctions } from './server.ts';
import type { Answer, Functions, FunctionsOptions } from './server.ts';

/** `twice = x + x`, and the id as it came. */
const WITH_ID = makeOnnx({
  nodes: [
    { op: 'Identity', inputs: ['id'], outputs: ['same'] },
    { op: 'Add', inputs: ['x', 'x'], outputs: ['twice'] },
  ],
  inputs: [
    { name: 'id', type: 'int64', shape: ['N'] },
    { name: 'x', type: 'float32', shape: ['N', 2] },
  ],
  outputs: [
    { name: 'same', type: 'int64', shape: ['N'] },
    { name: 'twice', type: 'float32', shape: ['N', 2] },
  ],
});

function timesOnnx(factor: number): Uint8Array {
  return makeOnnx({
    nodes: [{ op: 'Mul', inputs: ['x', 'factor'], outputs: ['y'] }],
    initializers: [{ name: 'factor', type: 'float32', shape: [], data: Float32Array.of(factor) }],
    inputs: [{ name: 'x', type: 'float32', shape: ['N'] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['N'] }],
  });
}

const FILES: Readonly<Record<string, Uint8Array | string>> = {
  'times/1/model.onnx': timesOnnx(5),
  'times/2/model.onnx': timesOnnx(10),
  'times/config.json': '{"defaultVersion": "1", "labels": {"canary": "2"}}',
  'ids/7/model.onnx': WITH_ID,
  'mlp/1/model.onnx': makeMlp({ inputs: 2, hidden: [4], outputs: 3, last: 'Softmax' }),
  'half/00000123/model.onnx': makeOnnx({
    nodes: [
      { op: 'Mul', inputs: ['x', 'half'], outputs: ['product'] },
      { op: 'Add', inputs: ['product', 'two'], outputs: ['y'] },
    ],
    initializers: [
      { name: 'half', type: 'float32', shape: [], data: Float32Array.of(0.5) },
      { name: 'two', type: 'float32', shape: [], data: Float32Array.of(2) },
    ],
    inputs: [{ name: 'x', type: 'float32', shape: ['N', 1] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['N', 1] }],
  }),
  'broken/1/model.onnx': 'this is no model',
};

/** The predict function in the framework's own server, on real models. */
async function startPredict(
  options: FunctionsOptions = {},
  models: ModelStore = new MemoryModelStore(FILES),
): Promise<Functions> {
  const scorer = new InstanceScorer({ objects: new MemoryObjectStore(), models });
  return startFunctions({ ports: () => ({ models, scorer }), ...options });
}

function get({ call }: Functions, path: string): Promise<Answer> {
  return call('predict', { method: 'GET', path });
}

function post({ call }: Functions, path: string, body: unknown, headers = {}): Promise<Answer> {
  return call('predict', { path, body, headers });
}

/** A metric's value, by its name and model. */
async function metric(functions: Functions, name: string, model: string): Promise<number> {
  const { text, headers } = await get(functions, '/metrics');
  expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const line = text.split('\n').find((one) => one.startsWith(`${name}{model="${model}",`));
  return Number(line?.split(' ').at(-1));
}

describe('a TensorFlow Serving client', () => {
  it('asks for a model’s versions, one version, and a label', async () => {
    const functions = await startPredict();
    const available = (version: string): unknown => ({
      version,
      state: 'AVAILABLE',
      status: { error_code: 'OK', error_message: '' },
    });
    const status = async (path: string): Promise<unknown> => (await get(functions, path)).json;
    expect(await status('/v1/models/times')).toEqual({ model_version_status: [available('1'), available('2')] });
    expect(await status('/v1/models/times/versions/2')).toEqual({ model_version_status: [available('2')] });
    expect(await status('/v1/models/times/labels/canary')).toEqual({ model_version_status: [available('2')] });
  });

  it('asks for a model’s signatures', async () => {
    const functions = await startPredict();
    const { status, json } = await get(functions, '/v1/models/ids/metadata');
    expect(status).toBe(200);
    const dim = (...sizes: string[]): unknown => ({
      dim: sizes.map((size) => ({ size, name: '' })),
      unknown_rank: false,
    });
    expect(json).toMatchObject({
      model_spec: { name: 'ids', signature_name: '', version: '7' },
      metadata: {
        signature_def: {
          signature_def: {
            serving_default: {
              inputs: {
                id: { dtype: 'DT_INT64', tensor_shape: dim('-1'), name: 'id' },
                x: { dtype: 'DT_FLOAT', tensor_shape: dim('-1', '2'), name: 'x' },
              },
              outputs: { same: { dtype: 'DT_INT64' }, twice: { dtype: 'DT_FLOAT', tensor_shape: dim('-1', '2') } },
              method_name: 'tensorflow/serving/predict',
            },
          },
        },
      },
    });
  });

  it('sends rows and gets rows: of the default version, of a version, of a label', async () => {
    const functions = await startPredict();
    const body = { signature_name: 'serving_default', instances: [1, 2.5] };
    for (const [path, expected] of [
      ['times', [5, 12.5]],
      ['times/versions/2', [10, 25]],
      ['times/labels/canary', [10, 25]],
    ] as const)
      expect(await post(functions, `/v1/models/${path}:predict`, body)).toMatchObject({
        status: 200,
        json: { predictions: expected },
      });
  });

  it('sends columns and gets columns; the only output stands bare', async () => {
    const functions = await startPredict();
    const times = await post(functions, '/v1/models/times:predict', { inputs: [1, 2] });
    expect(times.json).toEqual({ outputs: [5, 10] });
    const ids = await post(
      functions,
      '/v1/models/ids:predict',
      '{"inputs":{"x":[[1,2],[3,4]],"id":[9007199254740993,-1]}}',
    );
    expect(ids.text).toBe('{"outputs":{"same":[9007199254740993,-1],"twice":[[2,4],[6,8]]}}');
    expect(ids.headers.get('content-type')).toMatch(/^application\/json/);
  });

  it('gets an object a row where there are several outputs, with every digit of an int64', async () => {
    const functions = await startPredict();
    const body = '{"instances":[{"id":9223372036854775807,"x":[1,2]},{"id":-9007199254740993,"x":[0.5,0.25]}]}';
    expect((await post(functions, '/v1/models/ids:predict', body)).text).toBe(
      '{"predictions":[{"same":9223372036854775807,"twice":[2,4]},{"same":-9007199254740993,"twice":[1,0.5]}]}',
    );
  });

  it('sends the first example of TensorFlow Serving’s documentation: scalars to an input of [-1, 1]', async () => {
    const functions = await startPredict();
    const ask = async (body: unknown): Promise<unknown> =>
      (await post(functions, '/v1/models/half:predict', body)).json;
    expect(await ask({ instances: [1.0, 2.0, 5.0] })).toEqual({ predictions: [2.5, 3, 4.5] });
    expect(await ask({ instances: [{ x: 1.0 }, { x: 2.0 }] })).toEqual({ predictions: [2.5, 3] });
    expect(await ask({ inputs: [1.0, 2.0] })).toEqual({ outputs: [2.5, 3] });
    expect(await ask({ inputs: { x: [1.0] } })).toEqual({ outputs: [2.5] });
    expect(await ask({ instances: [[1.0], [2.0]] })).toEqual({ predictions: [[2.5], [3]] });
    expect(await ask({ instances: [[1.0], 2.0] })).toEqual({ predictions: [[2.5], [3]] });
  });

  it('takes a version for a number: 123 is in a folder called 00000123', async () => {
    const functions = await startPredict();
    const status = {
      model_version_status: [expect.objectContaining({ version: '123', state: 'AVAILABLE' }) as unknown],
    };
    for (const path of ['half', 'half/versions/123', 'half/versions/00000123'])
      expect((await get(functions, `/v1/models/${path}`)).json).toEqual(status);
    expect((await post(functions, '/v1/models/half/versions/123:predict', { instances: [1] })).status).toBe(200);
    expect((await get(functions, '/v1/models/half/versions/124')).status).toBe(404);
  });

  it('may compress its request, which may be large only then', async () => {
    const functions = await startPredict({ env: { FANFOLD_PREDICT_MAX_BODY_BYTES: '100000' } });
    const send = (body: Uint8Array, encoding = 'gzip'): Promise<Answer> =>
      post(functions, '/v1/models/times:predict', body, { 'content-encoding': encoding });
    expect((await send(gzipSync('{"instances":[1]}'))).json).toEqual({ predictions: [5] });
    expect((await send(gzipSync(`{"instances":[${' '.repeat(20_000_000)}1]}`))).status).toBe(413);
    expect((await send(Buffer.from('{"instances":[1]}'))).status).toBe(400);
    expect((await send(Buffer.from('{"instances":[1]}'), 'br')).status).toBe(415);
    expect((await post(functions, '/v1/models/times:predict', `{"instances":[${' '.repeat(100_001)}1]}`)).status).toBe(
      413,
    );
  });

  const refusals = [
    {
      name: 'malformed JSON',
      path: 'times:predict',
      body: '{"instances": [1',
      status: 400,
      error: /malformed JSON at byte/,
    },
    { name: 'no instances', path: 'times:predict', body: {}, status: 400, error: /instances: missing/ },
    {
      name: 'a row that fails',
      path: 'times:predict',
      body: { instances: [1, 'two'] },
      status: 400,
      error: /^instances\[1\]: .*found "two"/,
    },
    {
      name: 'a column’s row that fails',
      path: 'times:predict',
      body: { inputs: [1, 2, 'x'] },
      status: 400,
      error: /^inputs\[2\]: /,
    },
    {
      name: 'an unknown signature',
      path: 'times:predict',
      body: { signature_name: 'no', instances: [1] },
      status: 400,
      error: /no signature "no"; it has serving_default/,
    },
    {
      name: 'a signature’s name that every object has',
      path: 'times:predict',
      body: { signature_name: 'constructor', instances: [1] },
      status: 400,
      error: /no signature/,
    },
    {
      name: 'an unknown model',
      path: 'nobody:predict',
      body: { instances: [1] },
      status: 404,
      error: /no model nobody/,
    },
    {
      name: 'an unknown version',
      path: 'times/versions/3:predict',
      body: { instances: [1] },
      status: 404,
      error: /no version 3.*there are 1, 2/,
    },
    {
      name: 'an unknown label',
      path: 'times/labels/stable:predict',
      body: { instances: [1] },
      status: 404,
      error: /no label stable/,
    },
    {
      name: 'a label that is a number',
      path: 'times/labels/1:predict',
      body: { instances: [1] },
      status: 404,
      error: /no such path/,
    },
    {
      name: 'a path that climbs',
      path: '..%2Ftimes:predict',
      body: { instances: [1] },
      status: 404,
      error: /no such path/,
    },
    { name: 'an unknown verb', path: 'times:explain', body: { instances: [1] }, status: 404, error: /no such path/ },
    {
      name: 'a model that cannot be loaded',
      path: 'broken:predict',
      body: { instances: [1] },
      status: 400,
      error: /broken@1/,
    },
    {
      name: 'too many instances',
      path: 'times:predict',
      body: { instances: [1, 2, 3, 4] },
      status: 400,
      error: /found 4 rows, expected at most 3/,
    },
    {
      name: 'classes of a model without',
      path: 'times:classify',
      body: { examples: [{ x: 1 }] },
      status: 400,
      error: /expects outputs classes or scores/,
    },
  ] as const;
  it.each(refusals)('is refused $name with $status', async ({ path, body, status, error }) => {
    const functions = await startPredict({ env: { FANFOLD_PREDICT_MAX_INSTANCES: '3' } });
    expect(await post(functions, `/v1/models/${path}`, body)).toMatchObject({
      status,
      json: { error: expect.stringMatching(error) as unknown },
    });
  });

  it('is told the method of a path', async () => {
    const functions = await startPredict();
    expect(await get(functions, '/v1/models/times:predict')).toMatchObject({
      status: 405,
      json: { error: 'GET /v1/models/times:predict: expected POST' },
    });
    expect((await post(functions, '/v1/models/times', {})).headers.get('allow')).toBe('GET');
  });
});

/** A signature as an Estimator exports it, computed by a function. */
function estimator(method: string, outputs: readonly string[], width: number): Model {
  const signature = {
    name: 'serving_default',
    inputs: [floats('x', [null])],
    outputs: outputs.map((name) => floats(name, [null, width])),
    method: `tensorflow/serving/${method}`,
  };
  return new FakeModel(signature, (inputs) => {
    const x = numbersOf(inputs);
    const values = [...x].flatMap((value) => Array.from({ length: width }, (_, place) => value + place / 4));
    return Object.fromEntries(outputs.map((name) => [name, float32([x.length, width], values)]));
  });
}

describe('classification and regression', () => {
  const ask = async (model: Model, verb: string, body: unknown): Promise<Answer> => {
    const pipeline = new MemoryPipeline({ model });
    return post(await startFunctions({ pipeline }), `/v1/models/m:${verb}`, body);
  };

  it('give each example’s classes with their scores, the context’s features in every example', async () => {
    const body = { context: { x: 8 }, examples: [{ x: 1 }, {}] };
    expect((await ask(estimator('classify', ['classes', 'scores'], 2), 'classify', body)).text).toBe(
      '{"results":[[[1,1],[1.25,1.25]],[[8,8],[8.25,8.25]]]}',
    );
    expect((await ask(estimator('classify', ['scores'], 2), 'classify', body)).text).toBe(
      '{"results":[[["",1],["",1.25]],[["",8],["",8.25]]]}',
    );
    expect((await ask(estimator('classify', ['classes'], 1), 'classify', body)).text).toBe(
      '{"results":[[[1,0]],[[8,0]]]}',
    );
  });

  it('give each example’s value', async () => {
    const body = { examples: [{ x: 1 }, { x: 2.5 }] };
    expect((await ask(estimator('regress', ['outputs'], 1), 'regress', body)).text).toBe('{"results":[1,2.5]}');
  });

  it('refuse a signature that is for the other, and rows that fail', async () => {
    const classifier = estimator('classify', ['scores'], 2);
    expect(await ask(classifier, 'regress', { examples: [{ x: 1 }] })).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining('tensorflow/serving/classify') as unknown },
    });
    expect(await ask(classifier, 'classify', { examples: [{ x: 1 }, { x: 'y' }] })).toMatchObject({
      status: 400,
      json: { error: expect.stringMatching(/^examples\[1\]: /) as unknown },
    });
    expect((await ask(classifier, 'predict', { instances: [{ x: 1 }] })).json).toEqual({ predictions: [[1, 1.25]] });
  });
});

describe('a signature that takes serialized tf.Examples', () => {
  /** Scores each Example by its features: their names, and `a` + `b`. */
  const model = new FakeModel(
    {
      name: 'serving_default',
      inputs: [{ name: 'inputs', dtype: 'string', shape: [null] }],
      outputs: [
        { name: 'classes', dtype: 'string', shape: [null, 1] },
        { name: 'scores', dtype: 'float32', shape: [null, 1] },
      ],
      method: 'tensorflow/serving/classify',
      examples: { input: 'inputs' },
    },
    ({ inputs }) => {
      if (inputs?.dtype !== 'string') throw new Error('no examples');
      const examples = inputs.data.map((bytes) => decodeExample(Buffer.from(bytes as Uint8Array)));
      const sums = examples.map((example) => {
        const values = ['a', 'b'].flatMap((name) => [...(example.get(name)?.values ?? [])]);
        return values.reduce<number>((sum, value) => sum + Number(value), 0);
      });
      return {
        classes: {
          dtype: 'string',
          shape: [sums.length, 1],
          data: examples.map((one) => [...one.keys()].sort().join()),
        },
        scores: float32([sums.length, 1], sums),
      };
    },
  );
  const ask = async (verb: string, body: unknown): Promise<Answer> =>
    post(await startFunctions({ pipeline: new MemoryPipeline({ model }) }), `/v1/models/m:${verb}`, body);

  it('is given the examples of :classify, with their context', async () => {
    const body = { context: { a: 1 }, examples: [{ b: [0.5, 2] }, { a: 3, text: 'x' }] };
    expect((await ask('classify', body)).text).toBe('{"results":[[["a,b",3.5]],[["a,text",3]]]}');
  });

  it('is given objects and bytes by :predict, in rows and in columns', async () => {
    const bytes = encodeExample(new Map([['a', { kind: 'float', values: [4] }]]));
    const b64 = Buffer.from(bytes).toString('base64');
    const predictions = [
      { classes: ['b'], scores: [1] },
      { classes: ['a'], scores: [4] },
    ];
    expect((await ask('predict', { instances: [{ b: 1 }, { b64 }] })).json).toEqual({ predictions });
    const outputs = { classes: [['a'], ['a']], scores: [[4], [4]] };
    expect((await ask('predict', { inputs: { inputs: [{ b64 }, { b64 }] } })).json).toEqual({ outputs });
    expect((await ask('predict', { inputs: [{ b64 }, { b64 }] })).json).toEqual({ outputs });
  });
});

describe('concurrent requests', () => {
  it('are scored together, and each gets its own answer', async () => {
    const functions = await startPredict();
    const ids = fc.uniqueArray(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 30, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(ids, fc.integer({ min: 1, max: 3 }), async (all, rows) => {
        const requests = Array.from({ length: Math.floor(all.length / rows) }, (_, index) =>
          all.slice(index * rows, index * rows + rows),
        );
        const answers = await Promise.all(
          requests.map((own) => {
            const instances = own.map((id) => `{"id":${id},"x":[${rows},0.5]}`);
            return post(functions, '/v1/models/ids:predict', `{"instances":[${instances.join()}]}`);
          }),
        );
        const expected = requests.map(
          (own) => `{"predictions":[${own.map((id) => `{"same":${id},"twice":[${2 * rows},1]}`).join()}]}`,
        );
        expect(answers.map(({ text }) => text)).toEqual(expected);
      }),
      { numRuns: 10 },
    );
    const given = await metric(functions, 'num_inferences', 'ids');
    const calls = await metric(functions, 'inference_request_batch_size_count', 'ids');
    expect(await metric(functions, 'inference_request_batch_size_max', 'ids')).toBeGreaterThan(3);
    expect(calls).toBeLessThan(given / 3);
    expect(await metric(functions, 'load_model_latency_milli_secs_count', 'ids')).toBe(1);
  });

  it('do not suffer from a bad one among them', async () => {
    const functions = await startPredict();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        post(functions, '/v1/models/times:predict', { instances: [index, index % 3 === 1 ? 'bad' : 1] }),
      ),
    );
    for (const [index, { status, json }] of answers.entries()) {
      if (index % 3 === 1) {
        expect(status).toBe(400);
        expect(json['error']).toMatch(/^instances\[1\]: /);
      } else expect(json).toEqual({ predictions: [index * 5, 5] });
    }
  });
});

describe('the service', () => {
  it('takes another default version within seconds', async () => {
    let files = FILES;
    let store = new MemoryModelStore(files);
    const current: ModelStore = {
      resolve: (reference) => store.resolve(reference),
      open: (model, version) => store.open(model, version),
      list: () => store.list(),
    };
    const functions = await startPredict({}, current);
    const ask = async (): Promise<unknown> =>
      (await post(functions, '/v1/models/times:predict', { instances: [1] })).json['predictions'];
    expect(await ask()).toEqual([5]);
    files = { ...files, 'times/config.json': '{"defaultVersion": "2"}' };
    store = new MemoryModelStore(files);
    functions.pipeline.clock.advance(2_000);
    expect(await ask()).toEqual([10]);
  });

  it('is ready when the models to warm up with are loaded', async () => {
    const functions = await startPredict({ env: { FANFOLD_PREDICT_WARM_UP: 'times@canary, mlp' } });
    expect((await get(functions, '/livez')).status).toBe(200);
    expect(await get(functions, '/readyz')).toMatchObject({ status: 503, json: { error: 'models are being loaded' } });
    await expect.poll(async () => (await get(functions, '/ready')).status).toBe(200);
    const loaded = functions.pipeline.logger.entries.filter(({ message }) => message === 'model loaded');
    expect(loaded.map(({ fields }) => `${String(fields['model'])}@${String(fields['version'])}`)).toEqual([
      'times@2',
      'mlp@1',
    ]);
  });

  it('says why it is not ready', async () => {
    const functions = await startPredict({ env: { FANFOLD_PREDICT_WARM_UP: 'nobody' } });
    await expect.poll(async () => (await get(functions, '/readyz')).json['error']).toMatch(/^no model nobody/);
    expect((await startPredict().then((other) => get(other, '/readyz'))).status).toBe(200);
  });

  it('answers what breaks with 500 and no detail, and ends where the runtime is lost', async () => {
    const failing = (error: Error): Promise<Functions> =>
      startFunctions({ ports: ({ scorer }) => ({ scorer: { ...scorer, score: () => Promise.reject(error) } }) });
    const broken = await failing(new Error('secret'));
    expect(await post(broken, '/v1/models/m:predict', { instances: [1] })).toMatchObject({
      status: 500,
      json: { error: 'internal error: see the log' },
    });
    expect(broken.pipeline.logger.entries.at(-1)).toMatchObject({ message: 'predict failed: secret' });
    expect(broken.exits).toEqual([]);
    const lost = await failing(new ModelLostError('the runtime aborted'));
    expect((await post(lost, '/v1/models/m:predict', { instances: [1] })).status).toBe(503);
    await expect.poll(() => lost.exits).toEqual([1]);
  });
});
