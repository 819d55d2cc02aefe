import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { RowFailures } from '../../../../shared/models/row-failures.ts';
import { DTYPES, elementCount } from '../../../../shared/tensor.ts';
import type { DType, StringElement, Tensor } from '../../../../shared/tensor.ts';
import { float32 } from '../model-files.ts';
import { load, ROWS_OF_TWO, serve } from './server.ts';
import type { Answer, Asked } from './server.ts';

const PATHS = {
  'tf-serving': '/v1/models/m',
  vertex: '/v1/projects/p/locations/l/endpoints/5',
  'kserve-v2': '/v2/models/m/versions/1',
} as const;
type Protocol = keyof typeof PATHS;

/** Gives back what it is sent, digit by digit: input `x` comes out as output `x`. */
function echo({ path, body }: Asked): Answer {
  if (path.endsWith('/infer')) {
    const inputs = body.slice(body.indexOf('"inputs":') + 9, body.lastIndexOf(',"outputs":'));
    return { body: `{"model_name":"m","outputs":${inputs}}` };
  }
  return { body: `{"predictions":${body.slice(body.indexOf('"instances":') + 12, -1)}}` };
}

const whole = (bits: number, signed: boolean): fc.Arbitrary<number> =>
  fc.integer({ min: signed ? -(2 ** (bits - 1)) : 0, max: 2 ** (signed ? bits - 1 : bits) - 1 });
const text: fc.Arbitrary<StringElement> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('NaN', '-Infinity ]}', '\\"NaN', '12345678901234567890'),
);
const bytes: fc.Arbitrary<StringElement> = fc.uint8Array({ maxLength: 6 }).map((tail) => Uint8Array.of(0xff, ...tail));

/** Elements of a dtype, and how they are stored. */
const ELEMENTS: { readonly [D in DType]: [fc.Arbitrary<unknown>, (values: readonly never[]) => Tensor['data']] } = {
  float16: [fc.float().map((value) => Math.f16round(value)), (values) => Float16Array.from(values)],
  float32: [fc.float(), (values) => Float32Array.from(values)],
  float64: [fc.double(), (values) => Float64Array.from(values)],
  int8: [whole(8, true), (values) => Int8Array.from(values)],
  uint8: [whole(8, false), (values) => Uint8Array.from(values)],
  int16: [whole(16, true), (values) => Int16Array.from(values)],
  uint16: [whole(16, false), (values) => Uint16Array.from(values)],
  int32: [whole(32, true), (values) => Int32Array.from(values)],
  uint32: [whole(32, false), (values) => Uint32Array.from(values)],
  int64: [fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (values) => BigInt64Array.from(values)],
  uint64: [fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (values) => BigUint64Array.from(values)],
  bool: [fc.constantFrom(0, 1), (values) => Uint8Array.from(values)],
  string: [text, (values) => [...values]],
};

function tensors(dtype: DType, elements: fc.Arbitrary<unknown>): fc.Arbitrary<Tensor> {
  const shapes = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }));
  return shapes.chain(([rows, rest]) => {
    const shape = [rows, ...rest];
    const size = elementCount(shape);
    return fc
      .array(elements, { minLength: size, maxLength: size })
      .map((values) => ({ dtype, shape, data: ELEMENTS[dtype][1](values as never[]) }) as Tensor);
  });
}

describe.each(Object.keys(PATHS) as Protocol[])('%s', (protocol) => {
  it.each(DTYPES)('carries every %s there and back', async (dtype) => {
    const server = await serve(echo);
    const spec = { name: 'x', dtype, shape: null };
    const signature = { inputs: [spec], outputs: [spec] };
    const model = await load({ protocol, url: server.url + PATHS[protocol], signature, batchSize: 2 });
    const elements = dtype === 'string' && protocol !== 'kserve-v2' ? fc.oneof(text, bytes) : ELEMENTS[dtype][0];
    await fc.assert(
      fc.asyncProperty(tensors(dtype, elements), async (tensor) => {
        const { x } = await model.predict('serving_default', { x: tensor });
        expect(x).toEqual(tensor);
      }),
      { numRuns: 40 },
    );
  });

  it('sends what its specification says', async () => {
    const server = await serve(echo);
    const signature = {
      inputs: [...ROWS_OF_TWO.inputs, { name: 'id', dtype: 'int64', shape: [null] }],
      outputs: [{ name: 'id', dtype: 'int64', shape: [null] }],
    };
    const parameters = { threshold: 0.5 };
    const headers = { 'x-team': 'maps' };
    const config = { protocol, url: `${server.url}${PATHS[protocol]}/`, signature, parameters, headers };
    const model = await load(config);
    const id = { dtype: 'int64', shape: [2], data: BigInt64Array.of(9007199254740993n, -1n) } as const;
    const outputs = await model.predict('serving_default', { x: float32([2, 2], [0.1, NaN, -Infinity, 2]), id });
    expect(outputs).toEqual({ id });
    const [asked] = server.asked;
    expect(asked?.headers).toMatchObject({ 'content-type': 'application/json', 'x-team': 'maps' });
    expect([asked?.path, asked?.body]).toEqual(
      {
        'tf-serving': [
          '/v1/models/m:predict',
          '{"signature_name":"serving_default","instances":[{"x":[0.1,NaN],"id":9007199254740993},{"x":[-Infinity,2],"id":-1}]}',
        ],
        vertex: [
          '/v1/projects/p/locations/l/endpoints/5:predict',
          '{"instances":[{"x":[0.1,"NaN"],"id":9007199254740993},{"x":["-Infinity",2],"id":-1}],"parameters":{"threshold":0.5}}',
        ],
        'kserve-v2': [
          '/v2/models/m/versions/1/infer',
          '{"parameters":{"threshold":0.5},"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[0.1,NaN,-Infinity,2]},{"name":"id","shape":[2],"datatype":"INT64","data":[9007199254740993,-1]}],"outputs":[{"name":"id"}]}',
        ],
      }[protocol],
    );
  });
});

describe('tf-serving', () => {
  it('sends bare values where asked to, and takes several outputs by name', async () => {
    const server = await serve(() => ({
      body: '{"predictions":[{"a":NaN,"b":"x"},{"a":-Infinity,"b":{"b64":"/w=="}}]}',
    }));
    const outputs = [
      { name: 'a', dtype: 'float32', shape: [null] },
      { name: 'b', dtype: 'string', shape: [null] },
    ];
    const signature = { inputs: ROWS_OF_TWO.inputs, outputs };
    const url = `${server.url}/v1/models/m`;
    const model = await load({ protocol: 'tf-serving', url, signature, instances: 'value' });
    expect(await model.predict('serving_default', { x: float32([2, 2], [1, 2, 3, 4]) })).toEqual({
      a: float32([2], [NaN, -Infinity]),
      b: { dtype: 'string', shape: [2], data: ['x', Uint8Array.of(0xff)] },
    });
    expect(server.asked[0]?.body).toContain('"instances":[[1,2],[3,4]]');
  });

  it('is sent large floats as floats: it takes integers from 2^24 on for a mistake', async () => {
    const server = await serve(echo);
    const spec = { name: 'x', dtype: 'float32', shape: [null, 5] };
    const url = `${server.url}/v1/models/m`;
    const model = await load({ protocol: 'tf-serving', url, signature: { inputs: [spec], outputs: [spec] } });
    const x = float32([1, 5], [16777216, -1e20, 0.12345678, 1e30, 7]);
    expect(await model.predict('serving_default', { x })).toEqual({ x });
    expect(server.asked[0]?.body).toContain('{"x":[16777216.0,-100000000000000000000.0,0.12345678,1e+30,7');
  });

  it('tells its signatures, and those that Fanfold cannot serve are left out', async () => {
    const info = (dtype: string, ...sizes: readonly string[]): object => ({
      dtype,
      tensor_shape: { dim: sizes.map((size) => ({ size, name: '' })), unknown_rank: false },
      name: 'serving_x:0',
    });
    const method_name = 'tensorflow/serving/predict';
    const signature_def = {
      serving_default: {
        inputs: { x: info('DT_FLOAT', '-1', '2') },
        outputs: { y: info('DT_INT64', '-1') },
        method_name,
      },
      text: {
        inputs: { s: { dtype: 'DT_STRING', tensor_shape: { dim: [], unknown_rank: true } } },
        outputs: { y: info('DT_BOOL', '-1') },
        method_name,
      },
      complex: { inputs: { x: info('DT_COMPLEX64', '-1') }, outputs: { y: info('DT_FLOAT', '-1') }, method_name },
      scalar: { inputs: { x: info('DT_FLOAT') }, outputs: { y: info('DT_FLOAT') }, method_name },
      __saved_model_init_op: { inputs: {}, outputs: { op: info('DT_INVALID') }, method_name: '' },
    };
    const server = await serve(() => ({ body: JSON.stringify({ metadata: { signature_def: { signature_def } } }) }));
    const url = `${server.url}/v1/models/m/labels/canary`;
    const model = await load({ protocol: 'tf-serving', url, metadata: true });
    expect(server.asked[0]).toMatchObject({ method: 'GET', path: '/v1/models/m/labels/canary/metadata' });
    const method = method_name;
    expect(model.signatures).toEqual({
      serving_default: {
        name: 'serving_default',
        method,
        inputs: [{ name: 'x', dtype: 'float32', shape: [null, 2] }],
        outputs: [{ name: 'y', dtype: 'int64', shape: [null] }],
      },
      text: {
        name: 'text',
        method,
        inputs: [{ name: 's', dtype: 'string', shape: null }],
        outputs: [{ name: 'y', dtype: 'bool', shape: [null] }],
      },
    });
    const declared = { inputs: [{ name: 'x', dtype: 'float64', shape: [null, 2] }] };
    const half = await load({ protocol: 'tf-serving', url, signature: declared });
    expect(half.signatures['serving_default']).toMatchObject({ ...declared, outputs: [{ name: 'y', dtype: 'int64' }] });
    const other = { protocol: 'tf-serving', url, signatures: { other: declared } };
    await expect(load(other)).rejects.toThrow(/tells no signature other \(it has serving_default, text, scalar\)/);
  });
});

describe('kserve-v2', () => {
  const signature = {
    inputs: [{ name: 's', dtype: 'string', shape: [null, 1] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [null, 2] }],
  };
  const input = (...data: StringElement[]): { s: Tensor } => ({
    s: { dtype: 'string', shape: [data.length, 1], data },
  });

  it('has no way to send bytes that are no text: such a row fails, the others are scored', async () => {
    const server = await serve(({ body }) => {
      const { inputs } = JSON.parse(body) as { inputs: readonly { shape: readonly number[] }[] };
      const rows = inputs[0]?.shape[0] ?? 0;
      const data = Array.from({ length: rows }, (_, row) => [row, 0.5]);
      return { body: JSON.stringify({ outputs: [{ name: 'y', datatype: 'FP32', shape: [rows, 2], data }] }) };
    });
    const model = await load({ protocol: 'open-inference', url: `${server.url}/v2/models/m`, signature });
    const error: unknown = await model.predict('serving_default', input('a', Uint8Array.of(255), 'c', 'd')).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(RowFailures);
    const message = expect.stringMatching(/input s: found bytes that are not UTF-8/) as string;
    expect(error).toMatchObject({
      failures: new Map([[1, { code: 3, status: 'INVALID_ARGUMENT', message }]]),
      scored: { y: float32([3, 2], [0, 0.5, 0, 0.5, 1, 0.5]) },
    });
  });

  it.each([
    {
      outputs: [{ name: 'z', datatype: 'FP32', shape: [1, 2], data: [1, 2] }],
      message: /found the outputs "z", expected y/,
    },
    { outputs: [{ name: 'y', datatype: 'FP64', shape: [1, 2], data: [1, 2] }], message: /found the datatype "FP64"/ },
    { outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 1], data: [1, 2] }], message: /expected 1 rows first/ },
    { outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }], message: /expected \[-1, 2\]/ },
    { outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 2], data: [1] }], message: /found 1 elements/ },
    { outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 2], data: null }], message: /found null as its data/ },
    { outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 2 ** 40], data: [] }], message: /expected \[-1, 2\]/ },
    { outputs: [null], message: /found the outputs/ },
  ])("an answer that is wrong is the row's error: $message", async ({ outputs, message }) => {
    const server = await serve(() => ({ body: JSON.stringify({ outputs }) }));
    const model = await load({ protocol: 'kserve-v2', url: `${server.url}/v2/models/m`, signature });
    await expect(model.predict('serving_default', input('a'))).rejects.toThrow(message);
  });

  it('tells its signature', async () => {
    const metadata = {
      name: 'm',
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'label', datatype: 'BYTES', shape: [-1] }],
    };
    const server = await serve(() => ({ body: JSON.stringify(metadata) }));
    const model = await load({ protocol: 'kserve-v2', url: `${server.url}/v2/models/m`, metadata: true });
    expect(server.asked[0]).toMatchObject({ method: 'GET', path: '/v2/models/m' });
    expect(model.signatures['serving_default']).toEqual({
      name: 'serving_default',
      inputs: [{ name: 'x', dtype: 'float32', shape: [null, 2] }],
      outputs: [{ name: 'label', dtype: 'string', shape: [null] }],
    });
  });
});
