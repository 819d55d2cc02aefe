import { readFileSync } from 'node:fs';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { embedded } from './embedded.ts';
import { ROOT } from './running.ts';
import type { JobView, Running } from './running.ts';

const FIVE = path.join(ROOT, 'examples/models/times-five/1');
const TEN = path.join(ROOT, 'examples/models/times-ten/1');
const CONTENT = readFileSync(path.join(ROOT, 'examples/times-five/instances.csv'));
const TEMPLATE = { instanceConfig: { keyField: 'key' } };

/** The registry in the models bucket: what `fanfold models` changes there, the next job sees. */
export function modelsSuite(of: () => Running): void {
  const models = (...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    of().fanfold('models', ...args, '--models', `gs://${of().stack.buckets.models}`);
  const run = async (name: string): Promise<JobView> => of().finished(await of().drop(name, CONTENT, TEMPLATE));

  describe('the models bucket', () => {
    it('takes versions, labels and defaults from `fanfold models`; jobs find them', async () => {
      expect(await models('import', FIVE, 'times', '--label', 'canary')).toMatchObject({ code: 0, stderr: '' });
      const second = await models('import', TEN, 'times');
      expect(second.stdout, second.stderr).toMatch(/^imported times@2: 4 files/);
      const newest = await run('times/newest.csv');
      const labelled = await run('times@canary/labelled.csv');
      expect([newest.modelVersionId, labelled.modelVersionId]).toEqual(['2', '1']);
      const [five, ten] = await Promise.all(
        ['times-five', 'times-ten'].map((model) => embedded(`${model}/a.csv`, CONTENT, TEMPLATE)),
      );
      expect(await of().results(newest)).toBe(ten?.results);
      expect(await of().results(labelled)).toBe(five?.results);

      await models('label', 'times', 'canary=2');
      await models('set-default', 'times@1');
      expect((await models('list')).stdout).toMatch(/^times +1 +1, 2 +canary=2$/m);
      expect((await run('times@canary/again.csv')).modelVersionId).toBe('2');
      expect((await run('times/default.csv')).modelVersionId).toBe('1');
    });

    it('deletes a version that nothing points at, and no other', async () => {
      expect(await models('delete', 'times@2')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('canary') as string,
      });
      await models('label', 'times', 'canary=-');
      expect(await models('delete', 'times@2')).toMatchObject({ code: 0 });
      expect(await run('times@2/gone.csv')).toMatchObject({
        state: 'JOB_STATE_FAILED',
        error: { message: expect.stringContaining('times') as string },
      });
    });
  });
}
