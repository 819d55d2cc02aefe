import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { FANFOLD, timesOnnx, Workspace } from './workspace.ts';

interface Resource {
  readonly name: string;
  readonly state: string;
  readonly phase?: string;
  readonly redriveOf?: string;
  readonly modelVersionId: string;
  readonly error?: { readonly status: string; readonly message: string };
  readonly completionStats: { readonly successfulCount: number; readonly failedCount: number };
  readonly outputInfo?: { readonly results: string };
}

const START_MS = 30_000;
const JOB_MS = 30_000;

const workspace = new Workspace();
const state = workspace.path('twin');
let dev: ChildProcess;
let log = '';

async function startDev(): Promise<void> {
  dev = spawn(process.execPath, [FANFOLD, 'dev', state, '--workers', '1'], { stdio: ['ignore', 'ignore', 'pipe'] });
  log = '';
  dev.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  await until('fanfold dev to start', () => log.includes('drop files into'), START_MS);
}

async function stopDev(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null> {
  const ended = once(dev, 'exit') as Promise<[number | null]>;
  dev.kill(signal);
  const [code] = await ended;
  return code;
}

async function until(what: string, condition: () => boolean | Promise<boolean>, withinMs = JOB_MS): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}; it said:\n${log}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

/** As a user drops a file: whole, under its name. */
function drop(name: string, content: string): void {
  workspace.write(`twin/input/${name}.part`, content);
  renameSync(workspace.path(`twin/input/${name}.part`), workspace.path(`twin/input/${name}`));
}

async function jobs(...args: readonly string[]): Promise<Resource[]> {
  const { code, stdout } = await workspace.fanfold('jobs', 'list', '--state', state, '--format', 'json', ...args);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Resource[];
}

/** The job that the dropped file became, once it has that state. */
async function jobOf(name: string, wanted: RegExp): Promise<Resource> {
  let found: Resource | undefined;
  await until(`${name} to be ${wanted.source}`, async () => {
    const all = await jobs();
    found = all.find((job) => JSON.stringify(job).includes(`/input/${name}"`) && wanted.test(job.state));
    return found !== undefined;
  });
  if (found === undefined) throw new Error(`no job of ${name}`);
  return found;
}

function outputOf(name: string): string[] {
  return readdirSync(workspace.path('twin/output', name)).sort();
}

beforeAll(async () => {
  mkdirSync(workspace.path('twin/models'), { recursive: true });
  for (const [version, factor] of [
    ['1', 5],
    ['2', 7],
  ] as const)
    workspace.write(`twin/models/net/${version}/model.onnx`, timesOnnx(factor, ['N']));
  workspace.write('twin/models/net/config.json', '{"defaultVersion": "1", "labels": {"canary": "2"}}');
  workspace.write('twin/input/net/fanfold.json', '{"instanceConfig": {"keyField": "key"}, "maxItemsPerBatch": 2}');
  await startDev();
}, 2 * START_MS);

afterAll(async () => {
  if (dev.exitCode === null && dev.signalCode === null) await stopDev('SIGKILL');
  workspace.remove();
});

describe('fanfold dev', () => {
  it('scores a dropped file, and its output appears under its own path', async () => {
    drop('net/deep/a.jsonl', '{"key":"a","x":1}\n{"key":"b","x":2}\n{"key":"c","x":3}\n');
    const job = await jobOf('net/deep/a.jsonl', /SUCCEEDED/);
    expect(job).toMatchObject({ modelVersionId: '1', completionStats: { successfulCount: 3, failedCount: 0 } });
    const [folder = ''] = outputOf('net/deep/a.jsonl');
    expect(readdirSync(workspace.path('twin/output/net/deep/a.jsonl', folder)).sort()).toEqual([
      'manifest.json',
      'prediction.errors_stats-00000-of-00001',
      'prediction.results-00000-of-00001',
    ]);
    expect(workspace.lines(`twin/output/net/deep/a.jsonl/${folder}/prediction.results-00000-of-00001`)).toEqual([
      '{"key":"a","prediction":5}',
      '{"key":"b","prediction":10}',
      '{"key":"c","prediction":15}',
    ]);
  });

  it('takes the version of the folder, and makes a FAILED job that says why of what cannot be one', async () => {
    drop('net@canary/b.jsonl', '{"key":1,"x":1}\n');
    drop('nobody/c.jsonl', '1\n');
    expect(await jobOf('net@canary/b.jsonl', /SUCCEEDED/)).toMatchObject({ modelVersionId: '2' });
    const failed = await jobOf('nobody/c.jsonl', /FAILED/);
    expect(failed.error?.message).toMatch(/no model nobody in .*: there are net$/);
    const described = await workspace.fanfold('jobs', 'describe', failed.name.slice(0, 8), '--state', state);
    expect(described.stdout).toMatch(/^state {7}failed\nerror {7}no model nobody/m);
    expect((await jobs('--filter', 'failed')).map(({ name }) => name)).toEqual([failed.name]);
  });

  it('lists and describes jobs as tables too, and refuses states and jobs that there are not', async () => {
    const listed = await workspace.fanfold('jobs', 'list', '--state', state);
    expect(listed.stdout).toMatch(/^JOB {2,}STATE {2,}MODEL {2,}ROWS {2,}FAILED {2,}CREATED {2,}INPUT\n/);
    expect(listed.stdout).toMatch(/succeeded +net@1 +3 +0 /);
    const noState = await workspace.fanfold('jobs', 'list', '--state', state, '--filter', 'done');
    expect(noState).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such state; there are queued,') as unknown,
    });
    const noJob = await workspace.fanfold('jobs', 'describe', 'jx', '--state', state);
    expect(noJob).toMatchObject({ code: 1, stderr: 'fanfold: no job jx: see `fanfold jobs list`\n' });
    const noFolder = await workspace.fanfold('jobs', 'list', '--state', 'nowhere');
    expect(noFolder).toMatchObject({ code: 1, stderr: expect.stringContaining('nowhere does not exist') as unknown });
  });

  it('watches a job to its end: the exit code tells how', async () => {
    drop('net/d.jsonl', '{"key":1,"x":1}\n{"key":2,"x":"two"}\n{"key":3,"x":3}\n{"key":4,"x":4}\n');
    const { name } = await jobOf('net/d.jsonl', /./);
    const { code, stdout } = await workspace.fanfold('jobs', 'watch', name, '--state', state, '--format', 'json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ name, state: 'JOB_STATE_PARTIALLY_SUCCEEDED' });
  });

  it('cancels a job under way', async () => {
    workspace.write('twin/models/slow/1/model.onnx', timesOnnx(5, ['N']));
    workspace.write(
      'twin/input/slow/fanfold.json',
      '{"manualBatchTuningParameters": {"batchSize": 1}, "maxItemsPerBatch": 500}',
    );
    drop('slow/e.jsonl', '1\n'.repeat(2_000_000));
    const { name } = await jobOf('slow/e.jsonl', /RUNNING/);
    const { code, stdout } = await workspace.fanfold('jobs', 'cancel', name, '--state', state);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^state {7}cancelled$/m);
    const again = await workspace.fanfold('jobs', 'cancel', name, '--state', state);
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has ended already: JOB_STATE_CANCELLED') as unknown,
    });
    const watched = await workspace.fanfold('jobs', 'watch', name, '--state', state);
    expect(watched.code).toBe(1);
    expect(workspace.has('twin/output/slow/e.jsonl')).toBe(false);
  });

  it('redrives the failed rows of a job, with another model version', async () => {
    drop('net/f.jsonl', '{"key":1,"x":1}\n{"key":2,"x":2}\n{"key":3,"x":"three"}\n{"key":4,"x":4}\n');
    const first = await jobOf('net/f.jsonl', /PARTIALLY_SUCCEEDED/);
    const { code, stdout } = await workspace.fanfold(
      'jobs',
      'redrive',
      first.name,
      '--model',
      'net@2',
      '--state',
      state,
      '--format',
      'json',
    );
    expect(code).toBe(0);
    const { name } = JSON.parse(stdout) as Resource;
    const watched = await workspace.fanfold('jobs', 'watch', name, '--state', state, '--format', 'json');
    expect(watched.code).toBe(3);
    const second = JSON.parse(watched.stdout) as Resource;
    expect(second).toMatchObject({ redriveOf: first.name, modelVersionId: '2' });
    const results = second.outputInfo?.results.replace('file://', '') ?? '';
    copyFileSync(results, workspace.path('redriven.jsonl'));
    expect(workspace.lines('redriven.jsonl')).toEqual([
      '{"key":1,"prediction":5}',
      '{"key":2,"prediction":10}',
      expect.stringContaining('"key":3,"error"') as unknown,
      '{"key":4,"prediction":28}',
    ]);
    const nothing = await workspace.fanfold(
      'jobs',
      'redrive',
      (await jobOf('net/deep/a.jsonl', /./)).name,
      '--state',
      state,
    );
    expect(nothing).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no failed row: there is nothing to redrive') as unknown,
    });
  });

  it('lists and shows models', async () => {
    const list = await workspace.fanfold('models', 'list', '--state', state);
    expect(list.stdout.split('\n').map((line) => line.trim().split(/ {2,}/))).toContainEqual([
      'net',
      '1',
      '1, 2',
      'canary=2',
    ]);
    const listed = await workspace.fanfold('models', 'list', '--state', state, '--format', 'json');
    expect(JSON.parse(listed.stdout)).toContainEqual({
      model: 'net',
      versions: ['1', '2'],
      defaultVersion: '1',
      labels: { canary: '2' },
    });
    const shown = await workspace.fanfold('models', 'show', 'net@canary', '--state', state);
    expect(shown.stdout).toMatch(/^net@2 on onnxruntime /);
    expect(shown.stdout).toContain("signature_def['serving_default']:\n");
    expect(shown.stdout).toContain("inputs['x'] tensor_info:\n        dtype: DT_FLOAT\n        shape: (-1)\n");
    const json = await workspace.fanfold('models', 'show', 'net', '--state', state, '--format', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({ model: 'net', version: '1', signatures: { serving_default: {} } });
    const none = await workspace.fanfold('models', 'show', 'gone', '--state', state);
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('no model gone in') as unknown });
  });

  it('refuses a second one on the same folder', async () => {
    const second = await workspace.fanfold('dev', state);
    expect(second).toMatchObject({ code: 1, stderr: `fanfold: another fanfold dev runs on ${state}\n` });
  });

  it('killed in the middle of a job, goes on with it when it is started again', async () => {
    drop('slow/g.jsonl', '1\n'.repeat(60_000));
    const { name } = await jobOf('slow/g.jsonl', /RUNNING/);
    await stopDev('SIGKILL');
    await startDev();
    const watched = await workspace.fanfold('jobs', 'watch', name, '--state', state, '--format', 'json');
    expect(watched.code).toBe(0);
    expect(JSON.parse(watched.stdout)).toMatchObject({ completionStats: { successfulCount: 60_000 } });
  });

  it('told to stop, ends cleanly; jobs and models are there afterwards, and a redrive runs by itself', async () => {
    expect(await stopDev('SIGTERM')).toBe(0);
    expect(log).not.toMatch(/"severity":"ERROR"/);
    const [job] = (await jobs('--filter', 'partially_succeeded')).filter(({ redriveOf }) => redriveOf === undefined);
    expect((await workspace.fanfold('models', 'list', '--state', state)).stdout).toContain('net');
    const redriven = await workspace.fanfold(
      'jobs',
      'redrive',
      job?.name ?? '',
      '--state',
      state,
      '--format',
      'json',
      '--workers',
      '1',
    );
    expect(redriven.code).toBe(3);
    expect(JSON.parse(redriven.stdout)).toMatchObject({ redriveOf: job?.name, state: 'JOB_STATE_PARTIALLY_SUCCEEDED' });
    const described = await workspace.fanfold(
      'jobs',
      'describe',
      job?.name ?? '',
      '--state',
      state,
      '--format',
      'json',
    );
    expect(JSON.parse(described.stdout)).toMatchObject({ name: job?.name, state: 'JOB_STATE_PARTIALLY_SUCCEEDED' });
  });
});
