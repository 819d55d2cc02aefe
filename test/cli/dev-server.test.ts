import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request as send } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { FANFOLD, timesOnnx, Workspace } from './workspace.ts';

const START_MS = 30_000;
const JOBS = '/v1/projects/local/locations/local/batchPredictionJobs';

const workspace = new Workspace();
let dev: ChildProcess;
let url = '';
let log = '';

beforeAll(async () => {
  workspace.write('twin/models/net/1/model.onnx', timesOnnx(5, ['N']));
  workspace.write('twin/models/net/2/model.onnx', timesOnnx(7, ['N']));
  workspace.write('twin/models/net/config.json', '{"defaultVersion": "1"}');
  const args = ['dev', workspace.path('twin'), '--workers', '2', '--port', '0'];
  dev = spawn(process.execPath, [FANFOLD, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  dev.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const deadline = Date.now() + START_MS;
  while (!log.includes('drop files into')) {
    if (Date.now() > deadline) throw new Error(`fanfold dev did not start:\n${log}`);
    await sleep(50);
  }
  url = /serving (http:\/\/127\.0\.0\.1:\d+)/.exec(log)?.[1] ?? '';
}, 2 * START_MS);

afterAll(async () => {
  if (dev.exitCode === null && dev.signalCode === null) {
    dev.kill('SIGKILL');
    await once(dev, 'exit');
  }
  workspace.remove();
});

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
}

describe('fanfold dev', () => {
  it('predicts online, with the models of its folder', async () => {
    const answer = await post('/v1/models/net:predict', { instances: [1, 2] });
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await answer.json()).toEqual({ predictions: [5, 10] });
    expect(await (await post('/v1/models/net/versions/2:predict', { inputs: [1, 2] })).json()).toEqual({
      outputs: [7, 14],
    });
    const packed = await post('/v1/models/net:predict', gzipSync('{"instances":[3]}'), { 'content-encoding': 'gzip' });
    expect(await packed.json()).toEqual({ predictions: [15] });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it('joins concurrent requests, and gives each its own answer', async () => {
    const before = await calls();
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, index) =>
        (await post('/v1/models/net:predict', { instances: [index] })).json(),
      ),
    );
    expect(answers).toEqual(Array.from({ length: 60 }, (_, index) => ({ predictions: [5 * index] })));
    expect((await calls()) - before).toBeLessThan(60);
  });

  it('serves the jobs API beside it, and counts what jobs score', async () => {
    workspace.write('twin/input/a.jsonl', '1\n2\n3\n');
    const inputConfig = { instancesFormat: 'jsonl', gcsSource: { uris: ['gs://input/a.jsonl'] } };
    const submitted = await post(JOBS, { model: 'net@2', inputConfig });
    expect(submitted.status).toBe(200);
    const { name } = (await submitted.json()) as { readonly name: string };
    const job = async (): Promise<Record<string, unknown>> =>
      (await (await fetch(`${url}/v1/${name}`)).json()) as Record<string, unknown>;
    await expect.poll(async () => (await job())['state'], { timeout: START_MS }).toBe('JOB_STATE_SUCCEEDED');
    const { results } = (await job())['outputInfo'] as { readonly results: string };
    expect(workspace.lines(results.replace('gs://output/', 'twin/output/'))).toEqual([
      '{"instance":1,"prediction":7}',
      '{"instance":2,"prediction":14}',
      '{"instance":3,"prediction":21}',
    ]);
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^num_inferences\{model="net",version="2"\} 5$/m);
    expect((await fetch(`${url}${JOBS}/nobody`)).status).toBe(404);
  });

  it('is what `fanfold predict --endpoint` asks', async () => {
    workspace.write('i.jsonl', '1\n"two"\n3\n');
    const { code, stdout, stderr } = await workspace.fanfold(
      ...['predict', '--model', 'net@2', '--json-instances', 'i.jsonl', '--endpoint', url],
    );
    expect(code, stderr).toBe(3);
    expect(stdout.split('\n').filter((_, row) => row !== 1)).toEqual(['7', '21', '']);
    expect(stderr).toContain('row 1:');
  });

  it('refuses a body that is too large before it has come', async () => {
    const outgoing = send(`${url}/v1/models/net:predict`, { method: 'POST' });
    const answered = once(outgoing, 'response') as Promise<[{ readonly statusCode: number }]>;
    const chunk = Buffer.alloc(1 << 20, 0x20);
    outgoing.on('error', () => undefined); // the server closes while we still send
    for (let sent = 0; sent < 34; sent++) outgoing.write(chunk);
    expect((await answered)[0].statusCode).toBe(413);
    outgoing.destroy();
  });

  it('answers nobody but this machine', async () => {
    const asked = async (headers: Record<string, string>): Promise<number> => {
      const outgoing = send(`${url}/v1/models/net`, { headers });
      outgoing.end();
      const [{ statusCode }] = (await once(outgoing, 'response')) as [{ readonly statusCode: number }];
      return statusCode;
    };
    expect(await asked({})).toBe(200);
    expect(await asked({ origin: 'http://localhost:3000' })).toBe(200);
    expect(await asked({ origin: 'https://example.com' })).toBe(403);
    expect(await asked({ host: 'example.com' })).toBe(403);
  });

  it('refuses a port that is taken', async () => {
    const port = new URL(url).port;
    const other = await workspace.fanfold('dev', workspace.path('other'), '--port', port);
    expect(other).toMatchObject({ code: 1, stderr: `fanfold: port ${port} is taken: choose another (--port)\n` });
  });

  it('told to stop, ends cleanly', async () => {
    const ended = once(dev, 'exit');
    dev.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
    expect(log).not.toMatch(/"severity":"ERROR"/);
  });
});

/** Calls to the model so far. */
async function calls(): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^inference_request_batch_size_count\{model="net",version="1"\} (\d+)$/m.exec(text)?.[1]);
}
