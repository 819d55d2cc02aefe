import { afterEach, describe, expect, it, vi } from 'vitest';

import { float32 } from '../model-files.ts';
import { doubleInstances, fakePorts, load, ROWS_OF_TWO, serve } from './server.ts';
import type { Server } from './server.ts';

const X = { x: float32([1, 2], [1, 2]) };

/** Google's metadata server, as a function on Cloud Run finds it: https://cloud.google.com/run/docs/container-contract#metadata-server */
async function serveMetadata(isBroken = false): Promise<Server> {
  const server = await serve(({ path }) => {
    const headers = { 'metadata-flavor': 'Google', 'content-type': 'application/json' };
    if (isBroken && path.includes('/service-accounts/')) return { status: 404, body: 'no service account', headers };
    if (path.includes('/identity'))
      return { body: idToken(new URL(path, 'http://x').searchParams.get('audience')), headers };
    if (path.includes('/token'))
      return { body: '{"access_token":"access-1","expires_in":3600,"token_type":"Bearer"}', headers };
    return { body: '{}', headers };
  });
  vi.stubEnv('GCE_METADATA_HOST', new URL(server.url).host);
  vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present');
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', undefined);
  vi.stubEnv('CLOUDSDK_CONFIG', '/nonexistent');
  vi.stubEnv('HOME', '/nonexistent');
  return server;
}

/** A token that tells whom it is for; nobody here checks its signature. */
function idToken(audience: string | null): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part({ aud: audience, exp: Math.floor(Date.now() / 1000) + 3600 })}.signature`;
}

const config = (server: Server, auth: string): object => ({
  protocol: 'tf-serving',
  url: `${server.url}/v1/models/m`,
  signature: ROWS_OF_TWO,
  auth,
});

describe('a model that asks who calls', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('gets an identity token for its origin, which is fetched once', async () => {
    const metadata = await serveMetadata();
    const server = await serve(doubleInstances);
    const model = await load(config(server, 'google-id-token'));
    await model.predict('serving_default', X);
    await model.predict('serving_default', X);
    const tokens = server.asked.map(({ headers }) => headers.authorization);
    expect(tokens).toEqual([expect.stringMatching(/^Bearer /), tokens[0]]);
    const claims = JSON.parse(Buffer.from(tokens[0]?.split('.')[1] ?? '', 'base64url').toString()) as object;
    expect(claims).toMatchObject({ aud: server.url });
    expect(metadata.asked.filter(({ path }) => path.includes('/identity'))).toHaveLength(1);
  });

  it('gets an access token', async () => {
    await serveMetadata();
    const server = await serve(doubleInstances);
    const model = await load(config(server, 'google-access-token'));
    await model.predict('serving_default', X);
    expect(server.asked[0]?.headers.authorization).toBe('Bearer access-1');
  });

  it("is not asked without a token: that is the rows' error", async () => {
    await serveMetadata(true);
    const server = await serve(doubleInstances);
    const model = await load(config(server, 'google-access-token'), fakePorts());
    const message = expect.stringMatching(/no Google credentials \(google-access-token\) for 127\.0\.0\.1/) as string;
    await expect(model.predict('serving_default', X)).rejects.toMatchObject({
      failures: new Map([[0, { code: 7, status: 'PERMISSION_DENIED', message }]]),
    });
    expect(server.asked).toEqual([]);
  });

  it('otherwise is told nothing', async () => {
    const metadata = await serveMetadata();
    const server = await serve(doubleInstances);
    await (await load(config(server, 'none'))).predict('serving_default', X);
    expect(server.asked[0]?.headers.authorization).toBeUndefined();
    expect(metadata.asked).toEqual([]);
  });
});
