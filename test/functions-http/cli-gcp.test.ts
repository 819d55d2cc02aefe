import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';

import { expect, it, onTestFinished } from 'vitest';

import { jsonLines } from '../functions/memory-pipeline.ts';
import { PLACE, startFunctions } from './server.ts';

const CLI = path.resolve(import.meta.dirname, '../../cli/fanfold.js');

type Listener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

async function listen(listener: Listener): Promise<string> {
  const server = createServer((request, response) => void listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A token that says nothing but when it ends. */
function tokenFor(audience: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ aud: audience, exp: 4_102_444_800 })}.signature`;
}

/** Where this machine would be on Google Cloud, its metadata server makes the tokens. */
function metadataServer(): Promise<string> {
  return listen((request, response) => {
    const url = new URL(request.url ?? '/', 'http://metadata');
    response.writeHead(200, { 'metadata-flavor': 'Google', 'content-type': 'text/plain' });
    response.end(url.pathname.endsWith('/identity') ? tokenFor(url.searchParams.get('audience') ?? '') : 'p1');
    return Promise.resolve();
  });
}

it('`fanfold jobs --target gcp` shows who calls, by Application Default Credentials', async () => {
  const functions = await startFunctions();
  await functions.pipeline.put('a.jsonl', jsonLines(3));
  const seen: (string | undefined)[] = [];
  // In front of the jobs API stands IAM: it lets in who bears a token for this very service.
  const service = await listen(async (request, response) => {
    seen.push(request.headers.authorization);
    if (request.headers.authorization !== `Bearer ${tokenFor(`http://${service}`)}`) {
      response.writeHead(403).end();
      return;
    }
    const body = await text(request);
    const answer = await functions.call('jobs', {
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      ...(body !== '' && { body }),
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.text);
  });
  const metadata = await metadataServer();
  const home = mkdtempSync(path.join(tmpdir(), 'fanfold-home-'));
  onTestFinished(() => {
    rmSync(home, { recursive: true });
  });
  const fanfold = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      const env = {
        PATH: process.env['PATH'],
        HOME: home,
        GCE_METADATA_HOST: metadata,
        FANFOLD_JOBS_URL: `http://${service}${PLACE}`,
      };
      execFile(process.execPath, [CLI, 'jobs', ...args, '--target', 'gcp'], { env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });

  const submitted = await fanfold(
    'submit',
    'gs://input/a.jsonl',
    '--model',
    'm',
    '--key-field',
    'key',
    '--format',
    'json',
  );
  expect(submitted.stderr).toBe('');
  expect(JSON.parse(submitted.stdout)).toMatchObject({
    state: 'JOB_STATE_RUNNING',
    instanceConfig: { keyField: 'key' },
  });
  await functions.pipeline.settle();
  const listed = await fanfold('list', '--filter', 'succeeded');
  expect(listed.stdout).toContain('gs://input/a.jsonl');
  const refused = await fanfold('submit', 'gs://elsewhere/a.jsonl', '--model', 'm');
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('gs://input') as string });
  expect(new Set(seen).size).toBe(1);
});

it('`fanfold predict --endpoint` shows who calls where it is asked to', async () => {
  const functions = await startFunctions();
  const service = await listen(async (request, response) => {
    const body = await text(request);
    if (request.headers.authorization !== `Bearer ${tokenFor(`http://${service}`)}`) {
      response.writeHead(403).end('<html>Forbidden</html>');
      return;
    }
    const answer = await functions.call('predict', { path: request.url ?? '/', body });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.text);
  });
  const metadata = await metadataServer();
  const home = mkdtempSync(path.join(tmpdir(), 'fanfold-home-'));
  onTestFinished(() => {
    rmSync(home, { recursive: true });
  });
  writeFileSync(path.join(home, 'i.jsonl'), '1\n2\n');
  const predict = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      const env = { PATH: process.env['PATH'], HOME: home, GCE_METADATA_HOST: metadata };
      const all = [CLI, 'predict', '--model', 'm', '--json-instances', path.join(home, 'i.jsonl'), ...args];
      execFile(process.execPath, all, { env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  const endpoint = `http://${service}`;
  expect(await predict('--endpoint', endpoint, '--google-identity')).toEqual({
    code: 0,
    stdout: '5\n10\n',
    stderr: '',
  });
  expect(await predict('--endpoint', endpoint)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/Forbidden.*--google-identity/) as string,
  });
});

it('`fanfold jobs --target gcp` says what to set where it does not know the API', async () => {
  const { code, stderr } = await new Promise<{ code: number; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      [CLI, 'jobs', 'list', '--target', 'gcp'],
      { env: { PATH: process.env['PATH'] } },
      (error, _out, said) => {
        resolve({ code: Number(error?.code ?? 0), stderr: said });
      },
    );
  });
  expect(code).toBe(2);
  expect(stderr).toContain('FANFOLD_JOBS_URL is not set');
});
