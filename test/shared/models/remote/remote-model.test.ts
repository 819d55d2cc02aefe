import { describe, expect, it } from 'vitest';

import { RowFailures } from '../../../../shared/models/row-failures.ts';
import type { Model } from '../../../../shared/models/model.ts';
import type { Tensors } from '../../../../shared/tensor.ts';
import { float32 } from '../model-files.ts';
import { doubleInstances, fakePorts, load, ROWS_OF_TWO, serve } from './server.ts';
import type { Answer } from './server.ts';

const ramp = (rows: number): Tensors => ({
  x: float32(
    [rows, 2],
    Array.from({ length: 2 * rows }, (_, i) => i),
  ),
});
const doubled = (rows: number): Float32Array => Float32Array.from({ length: 2 * rows }, (_, i) => 2 * i);
const config = (url: string, more: object = {}): object => ({
  protocol: 'tf-serving',
  url: `${url}/v1/models/double/versions/3`,
  signature: ROWS_OF_TWO,
  ...more,
});

const like = (pattern: RegExp): string => expect.stringMatching(pattern) as string;

async function failuresOf(model: Model, inputs: Tensors): Promise<RowFailures> {
  const error: unknown = await model.predict('serving_default', inputs).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RowFailures);
  return error as RowFailures;
}

const UNAVAILABLE: Answer = { status: 503, body: '{"error":"warming up"}' };

describe('a batch', () => {
  it('is sent as requests of batchSize rows, and comes back in order', async () => {
    const server = await serve(doubleInstances);
    const model = await load(config(server.url, { batchSize: 4 }));
    const { y } = await model.predict('serving_default', ramp(10));
    expect(y).toEqual({ dtype: 'float32', shape: [10, 2], data: doubled(10) });
    const sizes = server.asked.map(({ body }) => (JSON.parse(body) as { instances: unknown[] }).instances.length);
    expect(sizes.sort()).toEqual([2, 4, 4]);
    expect(server.asked[0]).toMatchObject({ method: 'POST', path: '/v1/models/double/versions/3:predict' });
    expect(model).toMatchObject({ runtime: `remote tf-serving ${server.url}`, byteSize: 0 });
  });

  it('never has more than maxConcurrency requests under way', async () => {
    const server = await serve(async (asked) => {
      await new Promise((resolve) => setImmediate(resolve));
      return doubleInstances(asked);
    });
    const model = await load(config(server.url, { batchSize: 1, maxConcurrency: 3 }));
    await Promise.all([model.predict('serving_default', ramp(12)), model.predict('serving_default', ramp(12))]);
    expect(server.asked).toHaveLength(24);
    expect(server.mostAtOnce).toBeLessThanOrEqual(3);
    expect(server.mostAtOnce).toBeGreaterThan(1);
  });

  it('over maxRequestBytes goes as smaller requests, down to the row that is too long by itself', async () => {
    const server = await serve(({ body }) => {
      const { instances } = JSON.parse(body) as { instances: { s: string }[] };
      return { body: JSON.stringify({ predictions: instances.map(({ s }) => s.length) }) };
    });
    const signature = {
      inputs: [{ name: 's', dtype: 'string', shape: [null] }],
      outputs: [{ name: 'length', dtype: 'int32', shape: [null] }],
    };
    const model = await load(config(server.url, { signature, maxRequestBytes: 1000 }));
    const data = ['a'.repeat(400), 'b'.repeat(400), 'c'.repeat(2000), 'd'.repeat(400)];
    const error = await failuresOf(model, { s: { dtype: 'string', shape: [4], data } });
    expect([...error.failures.keys()]).toEqual([2]);
    expect(error.failures.get(2)).toMatchObject({ status: 'INVALID_ARGUMENT', message: like(/maxRequestBytes/) });
    expect(error.scored?.['length']?.data).toEqual(Int32Array.of(400, 400, 400));
    for (const { body } of server.asked) expect(body.length).toBeLessThanOrEqual(1000);
  });
});

describe('a refused request', () => {
  it('is halved down to the bad row; the other rows are not asked for twice by the caller', async () => {
    const server = await serve(doubleInstances);
    const model = await load(config(server.url, { batchSize: 8 }));
    const x = float32([8, 2], [1, 1, 2, 2, 3, 3, 4, 4, 5, -5, 6, 6, 7, 7, 8, 8]);
    const error = await failuresOf(model, { x });
    expect([...error.failures]).toEqual([
      [
        4,
        {
          code: 3,
          status: 'INVALID_ARGUMENT',
          message: like(/127\.0\.0\.1:\d+ answered 400: x must not be negative/),
        },
      ],
    ]);
    expect(error.scored?.['y']?.shape).toEqual([7, 2]);
    expect(error.scored?.['y']?.data.slice(6, 10)).toEqual(Float32Array.of(8, 8, 12, 12));
  });

  it.each([
    { status: 403, becomes: 'PERMISSION_DENIED' },
    { status: 404, becomes: 'NOT_FOUND' },
    { status: 301, becomes: 'FAILED_PRECONDITION' },
    { status: 501, becomes: 'UNIMPLEMENTED' },
  ])('with $status is the error of all its rows at once: $becomes', async ({ status, becomes }) => {
    const headers = { location: 'http://127.0.0.1:1/elsewhere' };
    const server = await serve(() => ({ status, body: '{"error":{"message":"no,\\n  never"}}', headers }));
    const model = await load(config(server.url));
    const { failures, scored } = await failuresOf(model, ramp(3));
    expect([...failures.keys()]).toEqual([0, 1, 2]);
    expect(failures.get(0)).toMatchObject({ status: becomes, message: like(/no, never/) });
    expect(scored).toBeUndefined();
    expect(server.asked).toHaveLength(1);
  });
});

describe('a failing server', () => {
  it('is asked again, after pauses of full jitter', async () => {
    const server = await serve((asked, index) => (index < 3 ? UNAVAILABLE : doubleInstances(asked)));
    const ports = fakePorts();
    const retries = { max: 4, initialBackoffSeconds: 1, maxBackoffSeconds: 3 };
    const model = await load(config(server.url, { retries }), ports);
    expect((await model.predict('serving_default', ramp(2)))['y']?.data).toEqual(doubled(2));
    expect(ports.pauses).toEqual([500, 1000, 1500]);
  });

  it('that asks for a pause gets it', async () => {
    const busy: Answer = { status: 429, body: 'slow down', headers: { 'retry-after': '7' } };
    const server = await serve((asked, index) => (index === 0 ? busy : doubleInstances(asked)));
    const ports = fakePorts();
    const model = await load(config(server.url), ports);
    await model.predict('serving_default', ramp(2));
    expect(ports.pauses).toEqual([7000]);
  });

  it('that asks for a pause over the bound is not asked again', async () => {
    const server = await serve(() => ({ status: 429, body: 'slow down', headers: { 'retry-after': '3600' } }));
    const model = await load(config(server.url), fakePorts());
    const { failures } = await failuresOf(model, ramp(2));
    expect(failures.get(1)).toMatchObject({ status: 'RESOURCE_EXHAUSTED', message: like(/answered 429: slow down/) });
    expect(server.asked).toHaveLength(1);
  });

  it('is the error of each of its rows once the attempts are used up, and no row is asked for alone', async () => {
    const server = await serve(() => UNAVAILABLE);
    const model = await load(config(server.url, { retries: { max: 2 } }), fakePorts());
    const { failures } = await failuresOf(model, ramp(5));
    expect([...failures.keys()]).toEqual([0, 1, 2, 3, 4]);
    expect(failures.get(0)).toMatchObject({ code: 14, status: 'UNAVAILABLE', message: like(/503: warming up/) });
    expect(server.asked).toHaveLength(3);
  });

  it('that fails for some rows only leaves the others their predictions', async () => {
    const server = await serve((asked) => (asked.body.includes('[0,1]') ? UNAVAILABLE : doubleInstances(asked)));
    const model = await load(config(server.url, { batchSize: 2, retries: { max: 0 } }));
    const { failures, scored } = await failuresOf(model, ramp(6));
    expect([...failures.keys()]).toEqual([0, 1]);
    expect(scored?.['y']?.data).toEqual(doubled(6).slice(4));
  });

  it('that does not answer in time is DEADLINE_EXCEEDED', async () => {
    const server = await serve(() => () => undefined);
    const model = await load(config(server.url, { timeoutSeconds: 0.05, retries: { max: 1 } }), fakePorts());
    const { failures } = await failuresOf(model, ramp(1));
    expect(failures.get(0)).toMatchObject({ status: 'DEADLINE_EXCEEDED', message: like(/within 0\.05 s/) });
    expect(server.asked).toHaveLength(2);
  });

  it('that cuts its answer, or hangs up, is asked again', async () => {
    const answers: readonly Answer[] = [
      (response) => {
        response.writeHead(200, { 'content-length': 1000 }).write('{"predictions":[[');
        setImmediate(() => response.destroy());
      },
      (response) => response.destroy(),
    ];
    const server = await serve((asked, index) => answers[index] ?? doubleInstances(asked));
    const model = await load(config(server.url), fakePorts());
    expect((await model.predict('serving_default', ramp(2)))['y']?.data).toEqual(doubled(2));
    expect(server.asked).toHaveLength(3);
  });

  it('that nobody runs is UNAVAILABLE', async () => {
    const model = await load(config('http://127.0.0.1:9', { retries: { max: 0 } }));
    const { failures } = await failuresOf(model, ramp(1));
    expect(failures.get(0)).toMatchObject({ status: 'UNAVAILABLE', message: like(/127\.0\.0\.1:9 cannot be reached/) });
  });
});

describe('an answer that is no prediction', () => {
  it.each([
    { body: '{"predictions":[[1,2],[3', message: /JSON/ },
    { body: '{"outputs":[[1,2],[3,4]]}', message: /found nothing as "predictions"/ },
    { body: '{"predictions":[[1,2]]}', message: /found 1 predictions, expected 2/ },
    { body: '{"predictions":[[1,2],[3]]}', message: /output y, row 1: found a list of 1, expected a list of 2/ },
    { body: '{"predictions":[[1,2,3],[4,5,6]]}', message: /found the shape \[2, 3\], expected \[-1, 2\]/ },
    { body: '{"predictions":[[1,2],[3,"four"]]}', message: /output y, row 1: found "four", expected a number/ },
    { body: `{"predictions":${'['.repeat(100_000)}`, message: /no tf-serving prediction/ },
    { body: 'null', message: /found nothing as "predictions"/ },
  ])("is the rows' error: $message", async ({ body, message }) => {
    const server = await serve(() => ({ body }));
    const model = await load(config(server.url));
    const { failures } = await failuresOf(model, ramp(2));
    expect(failures.get(1)).toMatchObject({ status: 'INTERNAL', message: like(message) });
    expect(server.asked).toHaveLength(1);
  });

  it('whose first row promises more than there is takes no memory for it', async () => {
    const wide = `[[${'0,'.repeat(1_000_000)}0]${',0'.repeat(1_000_000)}]`;
    const server = await serve(() => ({ body: `{"predictions":[${wide},${wide}]}` }));
    const signature = { ...ROWS_OF_TWO, outputs: [{ name: 'y', dtype: 'float64', shape: null }] };
    const { failures } = await failuresOf(await load(config(server.url, { signature })), ramp(2));
    expect(failures.get(0)).toMatchObject({ message: like(/output y, row 0: found 0, expected a list of 1000001/) });
  });

  it.each([
    { name: 'with its length', headers: { 'content-length': 5_000_000 } },
    { name: 'in chunks', headers: { 'transfer-encoding': 'chunked' } },
  ])('may not be longer than maxResponseBytes, $name', async ({ headers }) => {
    const server = await serve(() => (response) => response.writeHead(200, headers).end(' '.repeat(5_000_000)));
    const model = await load(config(server.url, { maxResponseBytes: 10_000 }));
    const { failures } = await failuresOf(model, ramp(2));
    expect(failures.get(0)).toMatchObject({ status: 'OUT_OF_RANGE', message: like(/more than 10000 bytes/) });
  });

  it('may not hold what is no text', async () => {
    const server = await serve(() => (response) => response.end(Buffer.from('7b22ff7d', 'hex')));
    const { failures } = await failuresOf(await load(config(server.url)), ramp(1));
    expect(failures.get(0)).toMatchObject({ status: 'INTERNAL', message: like(/not UTF-8/) });
  });

  it('may not be compressed: nobody asked for it', async () => {
    const server = await serve(() => ({ body: 'x', headers: { 'content-encoding': 'gzip' } }));
    const { failures } = await failuresOf(await load(config(server.url)), ramp(1));
    expect(failures.get(0)).toMatchObject({ status: 'INTERNAL', message: like(/answered in gzip/) });
  });
});

describe('the circuit', () => {
  it('opens after failures in a row, lets one trial through after its pause, and closes when that succeeds', async () => {
    let down = true;
    const server = await serve((asked) => (down ? UNAVAILABLE : doubleInstances(asked)));
    const ports = fakePorts();
    const circuitBreaker = { failures: 3, resetSeconds: 30 };
    const model = await load(config(server.url, { retries: { max: 0 }, circuitBreaker }), ports);
    for (let failure = 0; failure < 3; failure++) await failuresOf(model, ramp(1));
    expect(server.asked).toHaveLength(3);

    const open = await failuresOf(model, ramp(1));
    expect(open.failures.get(0)).toMatchObject({
      status: 'UNAVAILABLE',
      message: like(/is not asked now.*left alone for 30 s/),
    });
    expect(server.asked).toHaveLength(3);

    ports.time += 30_000;
    await failuresOf(model, ramp(1));
    expect(server.asked).toHaveLength(4);
    await failuresOf(model, ramp(1));
    expect(server.asked).toHaveLength(4);

    ports.time += 30_000;
    down = false;
    expect((await model.predict('serving_default', ramp(2)))['y']?.data).toEqual(doubled(2));
    expect((await model.predict('serving_default', ramp(2)))['y']?.data).toEqual(doubled(2));
  });

  it('stays closed for a server that refuses what it is sent', async () => {
    const server = await serve(doubleInstances);
    const model = await load(config(server.url, { circuitBreaker: { failures: 1 } }));
    const bad = { x: float32([1, 2], [-1, -1]) };
    for (let refusal = 0; refusal < 3; refusal++) await failuresOf(model, bad);
    expect((await model.predict('serving_default', ramp(2)))['y']?.data).toEqual(doubled(2));
  });
});
