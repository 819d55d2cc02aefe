import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { idOf, jsonLines, KEYED } from './running.ts';
import type { JobView, Running } from './running.ts';

/** The jobs API of the running stack. */
export function jobsSuite(of: () => Running): void {
  const submit = async (body: object): Promise<JobView> => {
    const answer = await of().call('POST', '', body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body as JobView;
  };

  describe('the jobs API', () => {
    it('runs a job over several files, into the folder that it was given', async () => {
      const { input, output } = of().stack.buckets;
      // At the top of the bucket no upload makes a job of them.
      await of().put(input, 'first.jsonl', jsonLines(300));
      await of().put(input, 'second.jsonl', jsonLines(200, { bad: () => false }));
      const job = await submit({
        ...KEYED,
        model: 'mlp@1',
        inputConfig: { gcsSource: { uris: [`gs://${input}/first.jsonl`, `gs://${input}/second.jsonl`] } },
        outputConfig: { gcsDestination: { outputUriPrefix: `gs://${output}/of/two` } },
      });
      const ended = await of().ended(idOf(job));
      expect(ended.outputInfo?.results).toMatch(new RegExp(`^gs://${output}/of/two/prediction-mlp-`));
      const keys = (await of().results(ended))
        .trim()
        .split('\n')
        .map((line) => /"key":(\d+)/.exec(line)?.[1]);
      const expected = [...Array(300).keys(), ...Array(200).keys()].map(
        (row) => `90071992547409930${String(row).padStart(5, '0')}`,
      );
      expect(keys).toEqual(expected);
    });

    it('cancels a job under way: it ends, and leaves no output', async () => {
      const { score } = of().stack.functions;
      score.intercept = () => 503;
      try {
        const running = await of().jobOf(await of().drop('mlp/cancelled.jsonl', jsonLines(2_000), KEYED));
        expect((await of().call('POST', `/${idOf(running)}:cancel`, {})).status).toBe(200);
        expect((await of().ended(idOf(running))).state).toBe('JOB_STATE_CANCELLED');
      } finally {
        score.intercept = undefined;
      }
      await sleep(1_000);
      expect((await of().outputNames()).filter((name) => name.includes('cancelled'))).toEqual([]);
    });

    it('is what `fanfold jobs` talks to: submit a file here, watch, list, describe, redrive', async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'fanfold-cli-'));
      const file = path.join(folder, 'mine.jsonl');
      writeFileSync(file, jsonLines(300));
      const fanfold = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
        of().fanfold('jobs', ...args);
      const submitted = await fanfold(
        'submit',
        file,
        '--model',
        'mlp@2',
        '--key-field',
        'key',
        '--watch',
        '--format',
        'json',
      );
      expect(submitted.code, submitted.stderr).toBe(3);
      const job = JSON.parse(submitted.stdout) as JobView;
      expect(job).toMatchObject({ state: 'JOB_STATE_PARTIALLY_SUCCEEDED', modelVersionId: '2' });
      const name = idOf(job);
      expect((await fanfold('list', '--filter', 'partially-succeeded')).stdout).toContain(name);
      expect((await fanfold('describe', name.slice(0, 12))).stdout).toContain('partially succeeded');
      expect(await fanfold('cancel', name)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('has ended already') as string,
      });
      const redriven = await fanfold('redrive', name, '--batch-size', '1', '--format', 'json');
      expect(redriven.code, redriven.stderr).toBe(0);
      expect((await fanfold('watch', idOf(JSON.parse(redriven.stdout) as JobView))).code).toBe(3);
      rmSync(folder, { recursive: true });
    });

    it('redrives only the shards that failed, with another version', async () => {
      // The second shard of three holds rows that only version 2 takes.
      const content = [jsonLines(100, { bad: () => false }), jsonLines(100, { bad: () => false, width: 3 })].join('');
      const template = { instanceConfig: { keyField: 'key' }, maxItemsPerBatch: 100 };
      const first = await of().finished(await of().drop('changed/some.jsonl', content, template));
      expect(first).toMatchObject({
        state: 'JOB_STATE_PARTIALLY_SUCCEEDED',
        completionStats: { successfulCount: 100, failedCount: 100 },
      });
      const redriven = await of().call('POST', `/${idOf(first)}:redrive`, { model: 'changed@2' });
      expect(redriven.status, JSON.stringify(redriven.body)).toBe(200);
      const second = await of().ended(idOf(redriven.body as JobView));
      expect(second).toMatchObject({ state: 'JOB_STATE_SUCCEEDED', redriveOf: idOf(first) });
      const [before, after] = await Promise.all([of().results(first), of().results(second)]);
      expect(after.split('\n').slice(0, 100)).toEqual(before.split('\n').slice(0, 100));
      expect(after).not.toContain('error');
    });
  });
}
