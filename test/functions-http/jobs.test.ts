import { describe, expect, it } from 'vitest';

import { failFirst, jsonLines } from '../functions/memory-pipeline.ts';
import { PLACE, startFunctions } from './server.ts';
import type { Answer, Functions } from './server.ts';

const BODY = {
  model: 'm',
  inputConfig: { gcsSource: { uris: ['gs://input/a.jsonl'] } },
  instanceConfig: { keyField: 'key' },
};

async function withInput(name = 'a.jsonl', content = jsonLines(3)): Promise<Functions> {
  const functions = await startFunctions();
  await functions.pipeline.put(name, content);
  return functions;
}

function submit({ call }: Functions, change: Record<string, unknown> = {}, query = ''): Promise<Answer> {
  return call('jobs', { path: `${PLACE}${query}`, body: { ...BODY, ...change } });
}

function get({ call }: Functions, path = ''): Promise<Answer> {
  return call('jobs', { method: 'GET', path: `${PLACE}${path}` });
}

function idOf({ json }: Answer): string {
  return String(json['name']).split('/').at(-1) ?? '';
}

function jobsOf({ json }: Answer): Record<string, unknown>[] {
  return json['batchPredictionJobs'] as Record<string, unknown>[];
}

describe('a submitted job', () => {
  it('is created by the same code as an upload, runs, and is shown as Vertex AI shows it', async () => {
    const functions = await withInput();
    const created = await submit(functions, {
      displayName: 'first',
      outputConfig: { predictionsFormat: 'jsonl', gcsDestination: { outputUriPrefix: 'gs://output/mine' } },
    });
    expect(created.status).toBe(200);
    expect(created.json).toMatchObject({
      displayName: 'first',
      model: 'm',
      modelVersionId: '1',
      state: 'JOB_STATE_RUNNING',
    });
    expect(created.json['name']).toMatch(/^projects\/p1\/locations\/us-central1\/batchPredictionJobs\/j[0-9a-f]{20}$/);
    await functions.pipeline.settle('split');
    const running = await get(functions, `/${idOf(created)}`);
    expect(running.json).toMatchObject({
      phase: 'scoring',
      completionStats: { successfulCount: 0, failedCount: 0, incompleteCount: 3 },
    });
    await functions.pipeline.settle();
    const ended = await get(functions, `/${idOf(created)}`);
    expect(ended.json).toMatchObject({
      state: 'JOB_STATE_SUCCEEDED',
      completionStats: { successfulCount: 3, failedCount: 0, incompleteCount: 0 },
      outputInfo: { gcsOutputDirectory: expect.stringMatching(/^gs:\/\/output\/mine\/prediction-m-.*\/$/) as string },
    });
  });

  it('writes its results in the format that it asks for, wherever they go', async () => {
    const functions = await withInput();
    const created = await submit(functions, { outputConfig: { predictionsFormat: 'csv' } });
    await functions.pipeline.settle();
    const { json } = await get(functions, `/${idOf(created)}`);
    expect(json).toMatchObject({ state: 'JOB_STATE_SUCCEEDED', outputConfig: { predictionsFormat: 'csv' } });
    const { results } = json['outputInfo'] as { results: string };
    expect(await functions.pipeline.text('output', results.slice('gs://output/'.length))).toMatch(
      /^key,prediction,error\n0,0,\n/,
    );
  });

  it('may take all files that a pattern matches', async () => {
    const functions = await withInput('in/a.jsonl');
    await functions.pipeline.put('in/b.jsonl', jsonLines(2));
    await functions.pipeline.put('in/deep/c.jsonl', jsonLines(2));
    await functions.pipeline.put('in/b.txt', 'no');
    const uris = async (pattern: string): Promise<unknown> => {
      const { json } = await submit(functions, { inputConfig: { gcsSource: { uris: [pattern] } } });
      return json['inputConfig'];
    };
    expect(await uris('gs://input/in/*.jsonl')).toMatchObject({
      gcsSource: { uris: ['gs://input/in/a.jsonl', 'gs://input/in/b.jsonl'] },
    });
    expect(await uris('gs://input/**.jsonl')).toMatchObject({ gcsSource: { uris: { length: 3 } } });
  });

  it('keeps the id that its caller chose; another of that id is refused', async () => {
    const functions = await withInput();
    const first = await submit(functions, {}, '?batchPredictionJobId=my-job');
    expect(idOf(first)).toBe('my-job');
    expect(await submit(functions, {}, '?batchPredictionJobId=my-job')).toMatchObject({
      status: 409,
      json: { error: { code: 409, status: 'ALREADY_EXISTS' } },
    });
    expect((await submit(functions, {}, '?batchPredictionJobId=My_Job')).status).toBe(400);
  });

  it('is there already where the same request is repeated', async () => {
    const functions = await withInput();
    const first = await submit(functions, {}, '?requestId=r1');
    const again = await submit(functions, {}, '?requestId=r1');
    const other = await submit(functions, { displayName: 'other' }, '?requestId=r1');
    expect(again).toMatchObject({ status: 200, json: { name: first.json['name'] } });
    expect(idOf(other)).not.toBe(idOf(first));
    expect(functions.pipeline.waiting()).toEqual({ split: 2 });
  });

  it('never shares an output folder with another of the same moment', async () => {
    const functions = await withInput();
    const created = await Promise.all(Array.from({ length: 5 }, () => submit(functions)));
    const folders = created.map(({ json }) => JSON.stringify(json['outputConfig']));
    expect(new Set(folders).size).toBe(5);
  });
});

describe('a submission that cannot become a job', () => {
  const cases = [
    { name: 'an unknown field', change: { modle: 'm' }, status: 'INVALID_ARGUMENT', message: 'modle' },
    { name: 'no model', change: { model: undefined }, status: 'INVALID_ARGUMENT', message: 'model' },
    {
      name: 'a field that is ours to set',
      change: { state: 'JOB_STATE_SUCCEEDED' },
      status: 'INVALID_ARGUMENT',
      message: 'state',
    },
    { name: 'a model that is not there', change: { model: 'nobody' }, status: 'NOT_FOUND', message: 'nobody' },
    {
      name: 'a version that is not there',
      change: { model: 'm', modelVersionId: '7' },
      status: 'NOT_FOUND',
      message: '7',
    },
    {
      name: 'no inputs',
      change: { inputConfig: { gcsSource: { uris: [] } } },
      status: 'INVALID_ARGUMENT',
      message: 'uris',
    },
    { name: 'an input that is not there', change: uris('gs://input/b.jsonl'), status: 'NOT_FOUND', message: 'b.jsonl' },
    {
      name: 'an input of another bucket',
      change: uris('gs://elsewhere/a.jsonl'),
      status: 'INVALID_ARGUMENT',
      message: 'gs://input',
    },
    { name: 'an input that is no URI', change: uris('/etc/passwd'), status: 'INVALID_ARGUMENT', message: 'gs://' },
    { name: 'a bucket as input', change: uris('gs://input'), status: 'INVALID_ARGUMENT', message: 'names no object' },
    {
      name: 'an input named twice',
      change: uris('gs://input/a.jsonl', 'gs://input/*.jsonl'),
      status: 'INVALID_ARGUMENT',
      message: 'twice',
    },
    {
      name: 'a pattern without a match',
      change: uris('gs://input/x*'),
      status: 'NOT_FOUND',
      message: 'matches no object',
    },
    {
      name: 'output in another bucket',
      change: output('gs://elsewhere/'),
      status: 'INVALID_ARGUMENT',
      message: 'gs://output',
    },
    {
      name: 'output in the scratch',
      change: output('gs://output/_fanfold/x'),
      status: 'INVALID_ARGUMENT',
      message: '_fanfold',
    },
    {
      name: 'a batch size of zero',
      change: { manualBatchTuningParameters: { batchSize: 0 } },
      status: 'INVALID_ARGUMENT',
      message: 'batchSize',
    },
  ];
  it.each(cases)('($name) is refused in Google’s shape, and leaves nothing', async ({ change, status, message }) => {
    const functions = await withInput();
    const answer = await submit(functions, change);
    const code = status === 'NOT_FOUND' ? 404 : 400;
    expect(answer).toMatchObject({
      status: code,
      json: { error: { code, status, message: expect.stringContaining(message) as string } },
    });
    expect(answer.json['error']).toHaveProperty('details');
    expect(jobsOf(await get(functions))).toEqual([]);
  });

  it('because it is not JSON is refused in Google’s shape too', async () => {
    const { call } = await startFunctions();
    const answer = await call('jobs', { path: PLACE, body: '{"model": ' });
    expect(answer).toMatchObject({ status: 400, json: { error: { status: 'INVALID_ARGUMENT' } } });
  });

  it('because it is too large is refused with 413', async () => {
    const { call } = await startFunctions();
    const answer = await call('jobs', { path: PLACE, body: { ...BODY, displayName: 'x'.repeat(5_000_000) } });
    expect(answer).toMatchObject({ status: 413, json: { error: { code: 400 } } });
  });
});

function uris(...list: string[]): Record<string, unknown> {
  return { inputConfig: { gcsSource: { uris: list } } };
}

function output(outputUriPrefix: string): Record<string, unknown> {
  return { outputConfig: { gcsDestination: { outputUriPrefix } } };
}

describe('the list of jobs', () => {
  it('comes in pages, newest first', async () => {
    const functions = await withInput();
    const ids: string[] = [];
    for (let job = 0; job < 5; job++) ids.unshift(idOf(await submit(functions)));
    const found: string[] = [];
    let token = '';
    do {
      const page = await get(functions, `?pageSize=2&pageToken=${token}`);
      expect(jobsOf(page).length).toBeLessThanOrEqual(2);
      found.push(...jobsOf(page).map((job) => String(job['name']).split('/').at(-1) ?? ''));
      token = (page.json['nextPageToken'] as string | undefined) ?? '';
    } while (token !== '');
    expect(found).toEqual(ids);
  });

  it('can be narrowed to states', async () => {
    const functions = await withInput();
    const done = idOf(await submit(functions));
    await functions.pipeline.settle();
    const running = idOf(await submit(functions));
    const ids = async (filter: string): Promise<string[]> =>
      jobsOf(await get(functions, `?filter=${encodeURIComponent(filter)}`)).map(
        (job) => String(job['name']).split('/').at(-1) ?? '',
      );
    expect(await ids('state="JOB_STATE_RUNNING"')).toEqual([running]);
    expect(await ids('state=JOB_STATE_SUCCEEDED')).toEqual([done]);
    expect(await ids('state="JOB_STATE_RUNNING" OR state = "JOB_STATE_SUCCEEDED"')).toEqual([running, done]);
    expect(await ids('state!="JOB_STATE_RUNNING"')).toEqual([done]);
    expect(await ids('state="JOB_STATE_PAUSED"')).toEqual([]);
  });

  it.each([
    '?filter=state',
    '?filter=state%3D"RUNNING"',
    '?filter=model%3D"m"',
    '?pageSize=-1',
    '?pageSize=many',
    '?pageToken=x',
  ])('refuses %s', async (query) => {
    expect(await get(await startFunctions(), query)).toMatchObject({
      status: 400,
      json: { error: { status: 'INVALID_ARGUMENT' } },
    });
  });
});

describe('a job', () => {
  it('that runs is cancelled, once', async () => {
    const functions = await withInput();
    const id = idOf(await submit(functions));
    const cancel = (): Promise<Answer> => functions.call('jobs', { path: `${PLACE}/${id}:cancel`, body: {} });
    expect(await cancel()).toMatchObject({ status: 200, json: {} });
    expect((await get(functions, `/${id}`)).json).toMatchObject({ state: 'JOB_STATE_CANCELLED' });
    expect(await cancel()).toMatchObject({ status: 400, json: { error: { status: 'FAILED_PRECONDITION' } } });
  });

  it('that runs is not deleted; one that has ended is', async () => {
    const functions = await withInput();
    const id = idOf(await submit(functions));
    const remove = (): Promise<Answer> => functions.call('jobs', { method: 'DELETE', path: `${PLACE}/${id}` });
    expect(await remove()).toMatchObject({ status: 400, json: { error: { status: 'FAILED_PRECONDITION' } } });
    await functions.pipeline.settle();
    expect((await remove()).status).toBe(200);
    expect((await remove()).status).toBe(404);
    expect((await get(functions, `/${id}`)).status).toBe(404);
  });

  it('with failed rows is redriven as a job of its own; one without is not', async () => {
    const functions = await withInput(
      'a.jsonl',
      jsonLines(3, (row) => (row === 1 ? 'one' : row)),
    );
    const id = idOf(await submit(functions));
    await functions.pipeline.settle();
    const redrive = (of: string, body: unknown = {}): Promise<Answer> =>
      functions.call('jobs', { path: `${PLACE}/${of}:redrive`, body });
    const redriven = await redrive(id, { manualBatchTuningParameters: { batchSize: 1 } });
    expect(redriven).toMatchObject({
      status: 200,
      json: { redriveOf: id, state: 'JOB_STATE_RUNNING', manualBatchTuningParameters: { batchSize: 1 } },
    });
    expect(await redrive('nobody')).toMatchObject({ status: 404 });
    expect(await redrive(id, { batch: 1 })).toMatchObject({ status: 400 });
    await functions.pipeline.put('b.jsonl', jsonLines(1));
    const sound = idOf(await submit(functions, uris('gs://input/b.jsonl')));
    await functions.pipeline.settle();
    expect(await redrive(sound)).toMatchObject({ status: 400, json: { error: { status: 'FAILED_PRECONDITION' } } });
  });
});

describe('a path', () => {
  it.each([
    ['GET', '/', 404],
    ['GET', '/v1/projects/p1/locations/us-central1/models', 404],
    ['GET', '/v1/projects/other/locations/us-central1/batchPredictionJobs', 404],
    ['GET', '/v1/projects/p1/locations/mars/batchPredictionJobs', 404],
    ['GET', '/v1/projects/123/locations/us-central1/batchPredictionJobs', 200],
    ['GET', `${PLACE}/nobody`, 404],
    ['GET', `${PLACE}/..%2Fx`, 404],
    ['POST', `${PLACE}/nobody:frobnicate`, 404],
    ['POST', `${PLACE}/nobody%3Acancel`, 404],
    ['GET', `${PLACE}/nobody:cancel`, 405],
    ['PUT', `${PLACE}/nobody`, 405],
    ['DELETE', PLACE, 405],
  ] as const)('%s %s is answered with %i', async (method, path, status) => {
    const { call } = await startFunctions();
    const answer = await call('jobs', { method, path });
    expect(answer.status).toBe(status);
    if (status !== 200) expect(answer.json).toHaveProperty('error.message');
  });

  it('whose work fails is answered with 500 and no detail; the log has it', async () => {
    const functions = await startFunctions({ ports: ({ ledger }) => ({ ledger: failFirst(ledger, 'getJob') }) });
    const answer = await get(functions, '/j1');
    expect(answer).toMatchObject({ status: 500, json: { error: { status: 'INTERNAL' } } });
    expect(answer.text).not.toContain('getJob');
    expect(functions.pipeline.logger.entries).toMatchObject([
      { severity: 'ERROR', message: 'jobs failed: getJob failed' },
    ]);
  });
});
