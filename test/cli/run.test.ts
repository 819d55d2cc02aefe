import { gzipSync } from 'node:zlib';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { acquireLock } from '../../infra/local/lock.ts';
import { newWorkspace } from './workspace.ts';

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `{"key":${from + index},"x":${from + index}}\n`).join('');
const scored = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `{"key":${from + index},"prediction":${5 * (from + index)}}`);

describe('fanfold run', () => {
  it('makes one job of several files, plain and gzipped, in the order given; a glob’s in order of their names', async () => {
    const workspace = newWorkspace();
    workspace.write('b.jsonl', lines(0, 30));
    workspace.write('logs/2.jsonl.gz', gzipSync(lines(50, 70)));
    workspace.write('logs/1.jsonl', lines(30, 50));
    workspace.write('logs/other.txt', 'no input');
    const { code, stdout, stderr } = await workspace.fanfold(
      ...['run', 'b.jsonl', 'logs/*.jsonl*', '--model', 'five', '--key-field', 'key', '--output', 'out.jsonl'],
      ...['--max-items-per-batch', '7', '--workers', '2'],
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^succeeded: 70 rows, 0 of them errors, in /);
    expect(workspace.lines('out.jsonl')).toEqual(scored(0, 70));
    expect(workspace.has('out.jsonl.fanfold')).toBe(false);
  });

  it('takes two files of one name from different folders', async () => {
    const workspace = newWorkspace();
    workspace.write('one/a.jsonl', lines(0, 3));
    workspace.write('two/a.jsonl', lines(3, 5));
    const args = ['--model', 'five', '--key-field', 'key', '--output', 'out.jsonl'];
    expect((await workspace.fanfold('run', 'two/a.jsonl', 'one/a.jsonl', ...args)).code).toBe(0);
    expect(workspace.lines('out.jsonl')).toEqual([...scored(3, 5), ...scored(0, 3)]);
  });

  it('gives the fields of an object as an array: in the order of includedFields, or as written without excludedFields', async () => {
    const workspace = newWorkspace();
    workspace.write('a.csv', 'id,b,a,c\nr1,1,2,9\nr2,3,4,9\n');
    workspace.write('a.jsonl.gz', gzipSync('{"id":"r1","b":1,"a":2,"c":9}\n{"a":4,"c":9,"b":3,"id":"r2"}\n'));
    const args = [
      '--model',
      'pair',
      '--key-field',
      'id',
      '--instance-type',
      'array',
      '--force',
      '--output',
      'out.jsonl',
    ];
    const outputs: string[][] = [];
    for (const file of ['a.csv', 'a.jsonl.gz']) {
      for (const fields of ['--included-fields=a,b', '--excluded-fields=c']) {
        expect((await workspace.fanfold('run', file, ...args, fields)).code).toBe(0);
        outputs.push(workspace.lines('out.jsonl'));
      }
    }
    const byName = ['{"key":"r1","prediction":[10,5]}', '{"key":"r2","prediction":[20,15]}'];
    expect(outputs).toEqual([
      byName,
      ['{"key":"r1","prediction":[5,10]}', '{"key":"r2","prediction":[15,20]}'],
      byName,
      ['{"key":"r1","prediction":[5,10]}', '{"key":"r2","prediction":[20,15]}'],
    ]);
  });

  it('never overwrites output without --force, and leaves all of it as it is', async () => {
    const workspace = newWorkspace();
    workspace.write('a.jsonl', '1\n');
    workspace.write('out.jsonl.manifest.json', 'mine');
    const args = ['run', 'a.jsonl', '--model', 'five', '--output', 'out.jsonl'];
    const refused = await workspace.fanfold(...args);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toBe(
      'fanfold: output out.jsonl exists already (out.jsonl.manifest.json): choose another, or overwrite it with --force\n',
    );
    expect(workspace.read('out.jsonl.manifest.json')).toBe('mine');
    expect(workspace.has('out.jsonl')).toBe(false);
    expect((await workspace.fanfold(...args, '--force')).code).toBe(0);
    expect(workspace.lines('out.jsonl')).toEqual(['{"instance":1,"prediction":5}']);
    expect(workspace.json('out.jsonl.manifest.json')).toMatchObject({ counts: { rows: 1 } });
  });

  it('makes a new folder in an output folder, every time', async () => {
    const workspace = newWorkspace();
    workspace.write('a.jsonl', '1\n');
    const args = ['run', 'a.jsonl', '--model', 'five@1', '--output', 'deep/out/'];
    for (let run = 0; run < 2; run++) expect((await workspace.fanfold(...args)).code).toBe(0);
    const folders = readdirSync(workspace.path('deep/out'));
    expect(folders).toHaveLength(2);
    for (const folder of folders) {
      expect(folder).toMatch(/^prediction-five-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(workspace.lines(`deep/out/${folder}/prediction.results-00000-of-00001`)).toHaveLength(1);
      expect(workspace.json(`deep/out/${folder}/manifest.json`)).toMatchObject({
        model: { model: 'five', version: '1', runtimes: [expect.stringMatching(/^onnxruntime/) as unknown] },
        files: [{ name: 'prediction.results-00000-of-00001', rows: 1 }, { size: 0 }],
      });
    }
  });

  it('with --format json, writes the job resource to stdout and nothing else there', async () => {
    const workspace = newWorkspace();
    workspace.write('a.jsonl', '1\n"two"\n');
    const args = [
      '--output',
      'out.jsonl',
      '--format',
      'json',
      '--display-name',
      'nightly',
      '--signature',
      'serving_default',
    ];
    const { code, stdout, stderr } = await workspace.fanfold('run', 'a.jsonl', '--model', 'five', ...args);
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      displayName: 'nightly',
      model: 'five',
      modelVersionId: '2',
      state: 'JOB_STATE_PARTIALLY_SUCCEEDED',
      completionStats: { successfulCount: 1, failedCount: 1, incompleteCount: 0 },
      outputInfo: { results: `file://${workspace.path('out.jsonl')}` },
    });
  });

  it('fails, with all its output, where more rows failed than tolerated', async () => {
    const workspace = newWorkspace();
    workspace.write('a.jsonl', '1\n"two"\n3\n4\n');
    const args = ['run', 'a.jsonl', '--model', 'five', '--output', 'out.jsonl', '--force'];
    const share = await workspace.fanfold(...args, '--tolerated-failure-percentage', '24');
    expect(share.code).toBe(1);
    expect(share.stderr).toMatch(/^failed: 1 of 4 rows failed: more than the tolerated 24 %/);
    expect(workspace.lines('out.jsonl')).toHaveLength(4);
    const counted = await workspace.fanfold(...args, '--tolerated-failure-count', '0');
    expect(counted.code).toBe(1);
    expect(counted.stderr).toMatch(/^failed: 1 of 4 rows failed: more than the tolerated count of 0/);
    expect((await workspace.fanfold(...args, '--tolerated-failure-percentage', '25')).code).toBe(3);
  });

  it('takes a model folder that is itself a version, the version of a name, and another folder of models', async () => {
    const workspace = newWorkspace();
    workspace.write('a.jsonl', '1\n');
    const versionOf = async (...model: readonly string[]): Promise<unknown> => {
      const args = ['--output', 'out.jsonl', '--force', '--format', 'json'];
      const { stdout } = await workspace.fanfold('run', 'a.jsonl', ...args, ...model);
      const { model: name, modelVersionId } = JSON.parse(stdout) as Record<string, unknown>;
      return [name, modelVersionId];
    };
    expect(await versionOf('--model', 'models/five/1')).toEqual(['five', '1']);
    expect(await versionOf('--model', './models/five')).toEqual(['five', '2']);
    expect(await versionOf('--model', 'five@1', '--models', workspace.path('models'))).toEqual(['five', '1']);
  });

  it('refuses to write an output that another run is writing', async () => {
    const workspace = newWorkspace();
    workspace.write('a.jsonl', '1\n');
    workspace.write('out.jsonl.fanfold/other', '');
    const lock = acquireLock(workspace.path('out.jsonl.fanfold/lock'));
    try {
      const { code, stderr } = await workspace.fanfold('run', 'a.jsonl', '--model', 'five', '--output', 'out.jsonl');
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: 'fanfold: another fanfold run is writing out.jsonl: wait for it, or stop it\n',
      });
    } finally {
      lock?.release();
    }
    expect(workspace.has('out.jsonl')).toBe(false);
  });
});
