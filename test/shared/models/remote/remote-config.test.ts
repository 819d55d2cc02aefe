import { describe, expect, it } from 'vitest';

import { guardedLookup } from '../../../../shared/models/remote/remote-url.ts';
import { expectPermanent } from '../../../contract/builders.ts';
import { load, ROWS_OF_TWO, serve } from './server.ts';

const GOOD = { protocol: 'tf-serving', url: 'https://models.example.com/v1/models/m', signature: ROWS_OF_TWO };

describe('remote.json', () => {
  it.each([
    { change: { protocol: 'grpc' }, message: /protocol/ },
    { change: { urll: 'x' }, message: /urll/ },
    { change: { url: 'models.example.com' }, message: /expected https:\/\/host\/path/ },
    { change: { url: 'ftp://models.example.com/m' }, message: /scheme ftp:/ },
    { change: { url: 'https://user:secret@models.example.com/m' }, message: /a user or a password/ },
    { change: { url: 'https://models.example.com/m?key=1' }, message: /a query/ },
    { change: { url: 'http://models.example.com/m' }, message: /expected https/ },
    { change: { url: 'http://a.com/m', allowHttp: true, auth: 'google-id-token' }, message: /in the clear/ },
    { change: { auth: 'google-access-token' }, message: /an access token is for Google's own APIs/ },
    { change: { signature: undefined }, message: /no signature: declare/ },
    { change: { signatures: { a: ROWS_OF_TWO } }, message: /exclude each other/ },
    { change: { batchSize: 0 }, message: /batchSize/ },
    { change: { timeoutSeconds: 1e9 }, message: /timeoutSeconds/ },
    { change: { retries: { max: 99 } }, message: /retries\.max/ },
    { change: { retries: { most: 1 } }, message: /retries.*most/ },
    { change: { maxConcurrency: 1000 }, message: /maxConcurrency/ },
    { change: { circuitBreaker: { failures: 0 } }, message: /circuitBreaker\.failures/ },
    { change: { headers: { Authorization: 'Bearer x' } }, message: /headers: names a header of secrets/ },
    { change: { headers: { cookie: 'x' } }, message: /headers: names a header of secrets/ },
    { change: { headers: { 'x-a': 'b\r\nx-c: d' } }, message: /headers/ },
    { change: { protocol: 'vertex', metadata: true }, message: /tells no signatures/ },
    { change: { protocol: 'vertex', signature: { inputs: ROWS_OF_TWO.inputs } }, message: /tells no signatures/ },
    { change: { protocol: 'kserve-v2', signature: undefined, signatures: { a: ROWS_OF_TWO } }, message: /signature a/ },
    {
      change: { signature: { ...ROWS_OF_TWO, inputs: [{ name: 'x', dtype: 'float32', shape: [] }] } },
      message: /input x has the shape \[\]/,
    },
    {
      change: { signature: { ...ROWS_OF_TWO, inputs: [...ROWS_OF_TWO.inputs, ...ROWS_OF_TWO.inputs] } },
      message: /same name/,
    },
    {
      change: { signature: { ...ROWS_OF_TWO, outputs: [{ name: 'y', dtype: 'DT_FLOAT', shape: null }] } },
      message: /dtype/,
    },
  ])('refuses $change', async ({ change, message }) => {
    await expectPermanent(load({ ...GOOD, ...change }), 'INVALID_ARGUMENT', message);
  });

  it.each([
    'https://169.254.169.254/computeMetadata/v1',
    'https://metadata.google.internal/computeMetadata/v1',
    'https://METADATA.google.internal./x',
    'https://2852039166/x',
    'https://0xa9fea9fe/x',
    'https://[fe80::1]/x',
    'https://[::ffff:169.254.169.254]/x',
    'https://[fd00:ec2::254]/x',
    'https://0.0.0.0/x',
  ])('refuses %s, where credentials are to be had', async (url) => {
    await expectPermanent(
      load({ ...GOOD, url, allowHttp: true }),
      'INVALID_ARGUMENT',
      /link-local or metadata address/,
    );
  });

  it.each(['http://localhost:8501/v1/models/m', 'http://127.0.0.1:8501/v1/models/m', 'http://[::1]:8501/v1/models/m'])(
    'takes plain HTTP to this machine: %s',
    async (url) => {
      expect((await load({ ...GOOD, url })).runtime).toBe(`remote tf-serving ${new URL(url).origin}`);
    },
  );

  it('asks nobody where it declares everything', async () => {
    const server = await serve(() => ({ status: 500, body: '' }));
    const model = await load({ ...GOOD, url: `${server.url}/v1/models/m` });
    expect(model.signatures).toEqual({ serving_default: { name: 'serving_default', ...ROWS_OF_TWO } });
    expect(server.asked).toEqual([]);
  });

  it.each([
    { status: 404, body: '{"error":"no model m"}', message: /signatures cannot be read from .*\/metadata|no model m/ },
    { status: 200, body: '{', message: /JSON/ },
    { status: 200, body: '{"metadata":{}}', message: /found no metadata/ },
    { status: 200, body: '{"metadata":{"signature_def":{"signature_def":{}}}}', message: /none of its signatures/ },
  ])('refuses a server that tells nothing of use: $status $body', async ({ status, body, message }) => {
    const server = await serve(() => ({ status, body }));
    const config = { protocol: 'tf-serving', url: `${server.url}/v1/models/m`, metadata: true };
    await expectPermanent(load(config), 'FAILED_PRECONDITION', message);
  });
});

describe('a host name', () => {
  it('that leads to this machine is looked up as always', async () => {
    const address = await new Promise((resolve, reject) => {
      guardedLookup('localhost', { family: 4 }, (error, found) => {
        if (error === null) resolve(found);
        else reject(error);
      });
    });
    expect(address).toBe('127.0.0.1');
  });

  it('that leads to a link-local address is refused', async () => {
    const looking = new Promise((resolve, reject) => {
      // A name of digits and dots leads to itself, without a resolver.
      guardedLookup('169.254.169.254', { all: true }, (error, found) => {
        if (error === null) resolve(found);
        else reject(error);
      });
    });
    await expectPermanent(looking, 'PERMISSION_DENIED', /leads to 169\.254\.169\.254/);
  });
});
