import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { PermanentError, errorInfo } from '../../shared/errors.ts';
import { transition } from '../../shared/job.ts';
import type { Job } from '../../shared/job.ts';
import type { Ledger } from '../../shared/ports.ts';
import type { Result } from '../../shared/shard.ts';
import { collect, expectPermanent, makeJob, makePart, makeResult, makeSplit, uniqueName } from './builders.ts';

export interface LedgerSubject {
  /** May hold jobs of others; the suite looks only at its own. */
  readonly ledger: Ledger;
  close?(): Promise<void>;
}

const NOW = Date.parse('2026-01-02T03:04:05.678Z');

export function ledgerContract(name: string, makeLedger: () => Promise<LedgerSubject>): void {
  describe(`ledger: ${name}`, () => {
    let subject: LedgerSubject;
    let ledger: Ledger;
    let job: string;

    beforeAll(async () => {
      subject = await makeLedger();
      ({ ledger } = subject);
    });
    afterAll(async () => {
      await subject.close?.();
    });
    beforeEach(() => {
      job = uniqueName('job');
    });

    describe('jobs', () => {
      it('come back as they were created', async () => {
        const created = makeJob({ id: job });
        expect(await ledger.createJob(created)).toBe(true);
        expect(await ledger.getJob(job)).toEqual(created);
        expect(await ledger.getJob(uniqueName('none'))).toBeUndefined();
      });

      it('are created once: the first one stays', async () => {
        const first = makeJob({ id: job });
        await ledger.createJob(first);
        expect(await ledger.createJob(makeJob({ id: job, createTime: '2020-01-01T00:00:00.000Z' }))).toBe(false);
        expect(await ledger.getJob(job)).toEqual(first);
      });

      it('let exactly one of many concurrent creators win', async () => {
        const all = await Promise.all(Array.from({ length: 6 }, () => ledger.createJob(makeJob({ id: job }))));
        expect(all.filter((created) => created)).toHaveLength(1);
      });

      it('change by transitions', async () => {
        await ledger.createJob(makeJob({ id: job }));
        const running = await ledger.updateJob(job, (before) => transition(before, 'JOB_STATE_RUNNING', NOW));
        expect(running).toMatchObject({ state: 'JOB_STATE_RUNNING', startTime: '2026-01-02T03:04:05.678Z' });
        const error = errorInfo('INTERNAL', 'broke');
        const failed = await ledger.updateJob(job, (before) => transition(before, 'JOB_STATE_FAILED', NOW, { error }));
        expect(failed).toMatchObject({ state: 'JOB_STATE_FAILED', error, endTime: '2026-01-02T03:04:05.678Z' });
        expect(await ledger.getJob(job)).toEqual(failed);
      });

      it('stay as they are where the change is undefined or throws', async () => {
        const created = makeJob({ id: job });
        await ledger.createJob(created);
        expect(await ledger.updateJob(job, () => undefined)).toEqual(created);
        const refused = ledger.updateJob(job, (before) => transition(before, 'JOB_STATE_SUCCEEDED', NOW));
        await expectPermanent(refused, 'FAILED_PRECONDITION', /cannot become/);
        expect(await ledger.getJob(job)).toEqual(created);
      });

      it('that do not exist cannot change', async () => {
        await expectPermanent(
          ledger.updateJob(job, (before) => before),
          'NOT_FOUND',
          new RegExp(job),
        );
      });

      it('lose no concurrent change', async () => {
        await ledger.createJob(makeJob({ id: job }));
        const increment = (before: Job): Job => {
          const seen = String(Number(before.watch?.seen ?? '0') + 1);
          return { ...before, watch: { seen, since: before.createTime } };
        };
        await Promise.all(Array.from({ length: 8 }, () => ledger.updateJob(job, increment)));
        expect((await ledger.getJob(job))?.watch?.seen).toBe('8');
      });

      it('are copies: a caller cannot change what is stored', async () => {
        const labels: Record<string, string> = { a: '1' };
        const mine = makeJob({ id: job });
        await ledger.createJob({ ...mine, spec: { ...mine.spec, labels } });
        labels['a'] = 'changed';
        const read = (await ledger.getJob(job)) as Job;
        (read.spec.labels as Record<string, string>)['a'] = 'changed too';
        expect((await ledger.getJob(job))?.spec.labels).toEqual({ a: '1' });
      });

      it('disappear when they are deleted, with all that was theirs', async () => {
        await ledger.createJob(makeJob({ id: job }));
        await ledger.putSplit(job, makeSplit());
        await ledger.createResult(job, makeResult());
        await ledger.createPart(job, makePart());
        await ledger.recordFailure(job, 0, 0, errorInfo('INTERNAL', 'x'));
        await ledger.deleteJob(job);
        await ledger.deleteJob(job);
        expect(await ledger.getJob(job)).toBeUndefined();
        expect(await ledger.getPart(job, 0)).toBeUndefined();
        expect(await ledger.getFailure(job, 0, 0)).toBeUndefined();
        expect(await ledger.progress(job)).toMatchObject({ splits: 0, results: 0, parts: 0 });
        expect(await ledger.createJob(makeJob({ id: job }))).toBe(true);
      });
    });

    describe('the list of jobs', () => {
      /** All pages of what the suite itself created, newest first. */
      async function pages(ids: ReadonlySet<string>, pageSize: number, states?: readonly string[]): Promise<string[]> {
        const found: string[] = [];
        let pageToken: string | undefined;
        do {
          const page = await ledger.listJobs({ pageSize, ...(pageToken && { pageToken }), ...(states && { states }) });
          expect(page.jobs.length).toBeLessThanOrEqual(pageSize);
          if (page.nextPageToken !== undefined) expect(page.jobs.length).toBeGreaterThan(0);
          found.push(...page.jobs.map((one) => one.id));
          pageToken = page.nextPageToken;
        } while (pageToken !== undefined);
        return found.filter((id) => ids.has(id));
      }

      const minutes = [5, 3, 3, 3, 9, 1, 3];
      let jobs: Job[];
      let ids: Set<string>;
      beforeAll(async () => {
        jobs = minutes.map((minute, index) =>
          makeJob({
            createTime: `2026-01-01T00:0${minute}:00.000Z`,
            state: index % 2 === 0 ? 'JOB_STATE_RUNNING' : 'JOB_STATE_SUCCEEDED',
          }),
        );
        for (const one of jobs) await ledger.createJob(one);
        ids = new Set(jobs.map((one) => one.id));
      });

      it.each([1, 2, 3, 7, 100])(
        'pages through all of them, newest first, %i a page, jobs of one moment among them',
        async (size) => {
          const found = await pages(ids, size);
          expect(new Set(found)).toEqual(ids);
          expect(found).toHaveLength(jobs.length);
          const times = found.map((id) => jobs.find((one) => one.id === id)?.createTime);
          expect(times).toEqual(times.toSorted().toReversed());
        },
      );

      it('gives only the states asked for', async () => {
        const running = jobs.filter((one) => one.state === 'JOB_STATE_RUNNING').map((one) => one.id);
        expect((await pages(ids, 2, ['JOB_STATE_RUNNING'])).toSorted()).toEqual(running.toSorted());
        expect(await pages(ids, 2, ['JOB_STATE_RUNNING', 'JOB_STATE_SUCCEEDED'])).toHaveLength(jobs.length);
        expect(await pages(ids, 2, ['JOB_STATE_EXPIRED'])).toEqual([]);
        await ledger.createJob(makeJob({ id: job }));
        await ledger.updateJob(job, (before) => transition(before, 'JOB_STATE_CANCELLING', NOW));
        expect(await pages(new Set([job]), 50, ['JOB_STATE_CANCELLING'])).toEqual([job]);
        expect(await pages(new Set([job]), 50, ['JOB_STATE_QUEUED'])).toEqual([]);
      });

      it('repeats none where newer jobs come between pages', async () => {
        const first = await ledger.listJobs({ pageSize: 3 });
        expect(first.nextPageToken).toBeDefined();
        await ledger.createJob(makeJob({ id: job, createTime: '2027-01-01T00:00:00.000Z' }));
        const second = await ledger.listJobs({ pageSize: 3, pageToken: first.nextPageToken ?? '' });
        const seen = [...first.jobs, ...second.jobs].map((one) => one.id);
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen).not.toContain(job);
        await ledger.deleteJob(job);
      });

      it('refuses a page token of nobody', async () => {
        await expectPermanent(ledger.listJobs({ pageSize: 1, pageToken: 'rubbish' }), 'INVALID_ARGUMENT', /page token/);
      });
    });

    describe('splits', () => {
      it('are recorded once, an equal record again is a success, a different one is refused', async () => {
        const record = makeSplit({ split: 2, start: 2 ** 45 + 1, end: 2 ** 46 });
        await ledger.putSplit(job, record);
        await ledger.putSplit(job, { ...record });
        await expectPermanent(ledger.putSplit(job, { ...record, shards: 4 }), 'ABORTED');
        expect(await ledger.getSplit(job, 2)).toEqual(record);
        expect(await ledger.getSplit(job, 1)).toBeUndefined();
        expect(await ledger.countSplits(job)).toBe(1);
      });

      it('tell how many rows stand before one, in any order of arrival', async () => {
        expect(await ledger.rowsBefore(job, 5)).toBe(0);
        for (const [split, rows] of [
          [3, 1000],
          [0, 1],
          [2, 100],
          [1, 10],
        ] as const) {
          await ledger.putSplit(job, makeSplit({ split, rows }));
        }
        expect(await Promise.all([0, 1, 2, 3, 4].map((split) => ledger.rowsBefore(job, split)))).toEqual([
          0, 1, 11, 111, 1111,
        ]);
        expect(await ledger.countSplits(job)).toBe(4);
        expect(await ledger.countSplits(uniqueName('other'))).toBe(0);
      });
    });

    describe('results', () => {
      it('come back as they were created', async () => {
        const results: Result[] = [
          makeResult({ split: 1, shard: 0 }),
          makeResult({ split: 1, shard: 1, errors: [], lines: { kind: 'inline', bytes: new Uint8Array(0) } }),
          makeResult({
            split: 1,
            shard: 2,
            lines: {
              kind: 'object',
              object: { bucket: 'scratch', name: 'x', generation: '9' },
              start: 0,
              end: 2 ** 40,
              numbered: true,
            },
          }),
          withoutRuntime(
            makeResult({ split: 1, shard: 3, lines: { kind: 'inline', bytes: Uint8Array.of(0, 255, 10, 128) } }),
          ),
        ];
        for (const result of results) expect(await ledger.createResult(job, result)).toBe(true);
        const read = await collect(ledger.readResults(job, 1));
        expect(read.map(plain)).toEqual(results.map(plain));
        expect(Object.keys(read[3] as Result)).not.toContain('runtime');
      });

      it('are created once per shard: the first one stays', async () => {
        expect(await ledger.createResult(job, makeResult({ rows: 10 }))).toBe(true);
        expect(await ledger.createResult(job, makeResult({ rows: 11, failed: 11 }))).toBe(false);
        expect(await ledger.countResults(job, 0)).toBe(1);
        expect(await collect(ledger.readResults(job, 0))).toMatchObject([{ rows: 10, failed: 1 }]);
        expect(await ledger.progress(job)).toMatchObject({ results: 1, rows: 10, failed: 1 });
      });

      it('let exactly one of many concurrent creators win', async () => {
        const all = await Promise.all(Array.from({ length: 6 }, () => ledger.createResult(job, makeResult())));
        expect(all.filter((created) => created)).toHaveLength(1);
        expect(await ledger.countResults(job, 0)).toBe(1);
      });

      it('are counted and listed by split', async () => {
        for (const shard of [12, 3, 100, 0]) await ledger.createResult(job, makeResult({ split: 1, shard }));
        await ledger.createResult(job, makeResult({ split: 11, shard: 5 }));
        await ledger.createResult(uniqueName('other'), makeResult({ split: 1, shard: 7 }));
        expect(await ledger.countResults(job, 1)).toBe(4);
        expect(await ledger.listResultShards(job, 1)).toEqual([0, 3, 12, 100]);
        expect(await ledger.listResultShards(job, 2)).toEqual([]);
        expect(await ledger.hasResult(job, 1, 12)).toBe(true);
        expect(await ledger.hasResult(job, 1, 5)).toBe(false);
        expect(await ledger.hasResult(job, 2, 12)).toBe(false);
      });

      it('are read in the order of their shards, while others write', async () => {
        const shards = Array.from({ length: 25 }, (_, index) => (index * 7) % 25);
        for (const shard of shards) await ledger.createResult(job, makeResult({ shard }));
        const read: number[] = [];
        for await (const result of ledger.readResults(job, 0)) {
          read.push(result.shard);
          await ledger.createResult(job, makeResult({ split: 1, shard: result.shard }));
        }
        expect(read).toEqual(shards.toSorted((a, b) => a - b));
        expect(await ledger.countResults(job, 1)).toBe(25);
      });

      it('hold lines of many hundred KiB', async () => {
        const lines = new Uint8Array(800 << 10).map((_, index) => index % 251);
        await ledger.createResult(job, makeResult({ lines: { kind: 'inline', bytes: lines } }));
        const [read] = await collect(ledger.readResults(job, 0));
        expect(read?.lines.kind === 'inline' && Buffer.compare(read.lines.bytes, lines)).toBe(0);
      });
    });

    describe('parts', () => {
      it('are created once and read in the order of their splits', async () => {
        for (const split of [2, 10, 0, 1])
          expect(await ledger.createPart(job, makePart({ split, rows: split }))).toBe(true);
        expect(await ledger.createPart(job, makePart({ split: 2, rows: 99 }))).toBe(false);
        expect(await ledger.getPart(job, 2)).toEqual(makePart({ split: 2, rows: 2 }));
        expect(await ledger.getPart(job, 3)).toBeUndefined();
        expect(await ledger.countParts(job)).toBe(4);
        expect((await collect(ledger.readParts(job))).map((part) => part.split)).toEqual([0, 1, 2, 10]);
      });
    });

    describe('failures', () => {
      it('keep the last error of a shard', async () => {
        expect(await ledger.getFailure(job, 0, 1)).toBeUndefined();
        await ledger.recordFailure(job, 0, 1, errorInfo('UNAVAILABLE', 'first'));
        await ledger.recordFailure(job, 0, 1, errorInfo('INTERNAL', 'second'));
        expect(await ledger.getFailure(job, 0, 1)).toEqual(errorInfo('INTERNAL', 'second'));
        expect(await ledger.getFailure(job, 1, 0)).toBeUndefined();
      });
    });

    describe('progress', () => {
      it('is all zero before anything is done', async () => {
        expect(await ledger.progress(job)).toEqual({
          splits: 0,
          plannedShards: 0,
          plannedRows: 0,
          results: 0,
          rows: 0,
          failed: 0,
          parts: 0,
        });
      });

      it('sums up what is planned and what is done', async () => {
        await ledger.putSplit(job, makeSplit({ split: 0, shards: 2, rows: 20 }));
        await ledger.putSplit(job, makeSplit({ split: 1, shards: 3, rows: 25 }));
        for (const [split, shard] of [
          [0, 0],
          [0, 1],
          [1, 2],
        ] as const) {
          await ledger.createResult(job, makeResult({ split, shard, rows: 9, failed: shard }));
        }
        await ledger.createPart(job, makePart());
        expect(await ledger.progress(job)).toEqual({
          splits: 2,
          plannedShards: 5,
          plannedRows: 45,
          results: 3,
          rows: 27,
          failed: 3,
          parts: 1,
        });
      });
    });

    it('deletes the scratch of a job and keeps the job and its parts', async () => {
      const other = uniqueName('other');
      for (const id of [job, other]) {
        await ledger.createJob(makeJob({ id }));
        for (const split of [0, 1, 2]) {
          await ledger.putSplit(id, makeSplit({ split }));
          await ledger.createResult(id, makeResult({ split }));
          await ledger.createPart(id, makePart({ split }));
          await ledger.recordFailure(id, split, 0, errorInfo('INTERNAL', 'x'));
        }
      }
      await ledger.deleteScratch(job);
      await ledger.deleteScratch(job);
      expect(await ledger.progress(job)).toMatchObject({ splits: 0, results: 0, parts: 3 });
      expect(await collect(ledger.readResults(job, 1))).toEqual([]);
      expect(await ledger.getFailure(job, 1, 0)).toBeUndefined();
      expect(await ledger.getPart(job, 1)).toEqual(makePart({ split: 1 }));
      expect(await ledger.getJob(job)).toBeDefined();
      expect(await ledger.progress(other)).toMatchObject({ splits: 3, results: 3, parts: 3 });
      expect(await ledger.getFailure(other, 1, 0)).toBeDefined();
    });

    it('gives PermanentErrors from a change as they are', async () => {
      await ledger.createJob(makeJob({ id: job }));
      const mine = new PermanentError('CANCELLED', 'mine');
      const changed = ledger.updateJob(job, () => {
        throw mine;
      });
      await expect(changed).rejects.toBe(mine);
    });
  });
}

/** With its bytes as a Buffer: which subclass of Uint8Array a ledger gives is its own affair. */
function plain(result: Result): unknown {
  return result.lines.kind === 'inline' ? { ...result, lines: Buffer.from(result.lines.bytes) } : result;
}

function withoutRuntime({ runtime: _, ...result }: Result): Result {
  return result;
}
