import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { startFirestoreEmulator } from '../../../infra/emulators/google.ts';
import type { FirestoreEmulator } from '../../../infra/emulators/google.ts';
import { createClients } from '../../../infra/gcp/clients.ts';
import type { GoogleClients } from '../../../infra/gcp/clients.ts';
import { COMPOSITE_INDEXES, TTL_COLLECTIONS, TTL_FIELD, UNINDEXED_FIELDS } from '../../../infra/gcp/indexes.ts';
import { GoogleLedger } from '../../../infra/gcp/ledger.ts';
import { ManualClock } from '../../../infra/memory/clock.ts';
import { MAX_INLINE_RESULT_BYTES, MAX_INPUTS } from '../../../shared/config.ts';
import { errorInfo } from '../../../shared/errors.ts';
import {
  collect,
  expectPermanent,
  makeJob,
  makePart,
  makeResult,
  makeSplit,
  uniqueName,
} from '../../contract/builders.ts';
import { CONFIG, START_TIMEOUT_MS, withEmulator } from '../../contract-gcp/emulators.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

withEmulator('firestore', () => {
  describe('the ledger in Firestore', () => {
    let emulator: FirestoreEmulator;
    let clients: GoogleClients;
    let ledger: GoogleLedger;
    let job: string;
    const clock = new ManualClock();

    beforeAll(async () => {
      emulator = await startFirestoreEmulator();
      clients = createClients({ ...CONFIG, firestoreEmulatorHost: emulator.host });
      ledger = new GoogleLedger(clients.firestore, { clock });
    }, START_TIMEOUT_MS);
    afterAll(async () => {
      await clients.close();
      await emulator.stop();
    });
    beforeEach(() => {
      job = uniqueName('job');
    });

    it('keeps the plan of a job of very many files with many columns', async () => {
      const columns = Array.from({ length: 100 }, (_, column) => `a rather long column name ${column}`);
      const [input] = makeJob().plan.inputs;
      if (input === undefined) throw new Error('the builder makes an input');
      const inputs = Array.from({ length: MAX_INPUTS }, (_, file) => ({
        ...input,
        name: `folder/${'x'.repeat(200)}/${file}.csv`,
        generation: String(1_700_000_000_000_000 + file * 7919),
        columns,
      }));
      const large = makeJob({ id: job, plan: { ...makeJob().plan, inputs } });
      await ledger.createJob(large);
      expect(await ledger.getJob(job)).toEqual(large);
      const watch = { seen: 'x', since: large.createTime };
      expect((await ledger.updateJob(job, (before) => ({ ...before, watch }))).watch).toEqual(watch);
      expect((await ledger.getJob(job))?.plan.inputs).toHaveLength(MAX_INPUTS);
    });

    it('keeps the largest inline result with the most errors', async () => {
      const errors = Array.from({ length: 100 }, (_, index) => ({
        error: errorInfo('INVALID_ARGUMENT', `field ${index}: ${'found 1, expected 2; '.repeat(100)}`),
        count: 10,
        firstRows: Array.from({ length: 10 }, (_row, row) => row + index * 10),
      }));
      const bytes = new Uint8Array(MAX_INLINE_RESULT_BYTES).map((_, index) => (index * 31) % 253);
      await ledger.createResult(job, makeResult({ errors, lines: { kind: 'inline', bytes } }));
      const [read] = await collect(ledger.readResults(job, 0));
      expect(read?.errors).toEqual(errors);
      expect(read?.lines.kind === 'inline' && Buffer.compare(read.lines.bytes, bytes)).toBe(0);
    });

    it('refuses what does not fit a document, for good', async () => {
      const lines = { kind: 'inline' as const, bytes: new Uint8Array(1_100_000) };
      await expectPermanent(ledger.createResult(job, makeResult({ lines })), 'INVALID_ARGUMENT', new RegExp(job));
    });

    it('lists and reads the results of a split of a thousand shards', async () => {
      const shards = Array.from({ length: 1_000 }, (_, shard) => shard);
      for (let at = 0; at < shards.length; at += 100) {
        await Promise.all(shards.slice(at, at + 100).map((shard) => ledger.createResult(job, makeResult({ shard }))));
      }
      expect(await ledger.countResults(job, 0)).toBe(1_000);
      expect(await ledger.listResultShards(job, 0)).toEqual(shards);
      const read: number[] = [];
      for await (const { shard } of ledger.readResults(job, 0)) read.push(shard);
      expect(read).toEqual(shards);
      await ledger.deleteScratch(job);
      expect(await ledger.countResults(job, 0)).toBe(0);
    }, 60_000);

    it('lets none of many that finish at once miss that all are there', async () => {
      for (let round = 0; round < 5; round++) {
        const shards = Array.from({ length: 8 }, (_, shard) => shard);
        const counts = await Promise.all(
          shards.map(async (shard) => {
            await ledger.createResult(job, makeResult({ split: round, shard }));
            return ledger.countResults(job, round);
          }),
        );
        expect(counts).toContain(8);
      }
    }, 60_000);

    it('changes a job that very many change at once', async () => {
      await ledger.createJob(makeJob({ id: job }));
      const since = '2026-01-01T00:00:00.000Z';
      await Promise.all(
        Array.from({ length: 20 }, () =>
          ledger.updateJob(job, (before) => ({
            ...before,
            watch: { seen: String(Number(before.watch?.seen ?? '0') + 1), since },
          })),
        ),
      );
      expect((await ledger.getJob(job))?.watch?.seen).toBe('20');
    }, 120_000);

    it.each(['', '.', '..', 'a/b', '__x__', 'x'.repeat(300)])('refuses %j as the id of a job', async (id) => {
      await expectPermanent(ledger.getJob(id), 'INVALID_ARGUMENT', /is no job's id/);
    });

    describe('its documents', () => {
      const collections = ['splits', 'results', 'parts', 'failures'];

      beforeEach(async () => {
        await ledger.createJob(makeJob({ id: job }));
        await ledger.putSplit(job, makeSplit());
        await ledger.createResult(job, makeResult());
        const object = { bucket: 'b', name: 'n', generation: '1' };
        await ledger.createResult(
          job,
          makeResult({ shard: 1, lines: { kind: 'object', object, start: 0, end: 1, numbered: false } }),
        );
        await ledger.createPart(job, makePart());
        await ledger.recordFailure(job, 0, 0, errorInfo('INTERNAL', 'x'));
      });

      const documents = async () => {
        const { firestore } = clients;
        const found = [await firestore.collection('jobs').doc(job).get()];
        for (const name of collections) found.push(...(await firestore.collection(`jobs/${job}/${name}`).get()).docs);
        return found;
      };

      it('expire 30 days after the longest life of a job', async () => {
        for (const document of await documents()) {
          const { seconds } = document.get(TTL_FIELD) as { seconds: number };
          expect(seconds * 1000).toBe(clock.now() + 37 * DAY_MS);
        }
        expect(TTL_COLLECTIONS).toEqual(['jobs', ...collections]);
      });

      it('have an index only on fields that are asked for', async () => {
        const asked: Readonly<Record<string, readonly string[]>> = {
          jobs: ['state', 'createTime'],
          splits: ['split', 'shards', 'rows'],
          results: ['split', 'rows', 'failed'],
          parts: ['split'],
          failures: [],
        };
        const fields = new Map<string, Set<string>>(Object.keys(asked).map((name) => [name, new Set()]));
        for (const document of await documents()) {
          for (const field of Object.keys(document.data() ?? {})) fields.get(document.ref.parent.id)?.add(field);
        }
        for (const [name, found] of fields) {
          expect([...found].sort()).toEqual([...(UNINDEXED_FIELDS[name] ?? []), ...(asked[name] ?? [])].sort());
        }
        for (const { collection, fields: indexed } of COMPOSITE_INDEXES) {
          for (const { field } of indexed) expect(fields.get(collection)).toContain(field);
        }
      });

      it('have ids that many may write at once', async () => {
        const ids = (await clients.firestore.collection(`jobs/${job}/results`).get()).docs.map(({ id }) => id);
        for (const id of ids) expect(id).toMatch(/^[0-9a-f]{4}-00000-0000[01]$/);
        expect(new Set(ids.map((id) => id.slice(0, 4))).size).toBe(2);
      });

      it.each([
        { path: '', change: { json: '{' }, read: () => ledger.getJob(job) },
        { path: '', change: { json: '{"id":"x"}' }, read: () => ledger.getJob(job) },
        { path: '', change: { json: 5 }, read: () => ledger.updateJob(job, (before) => before) },
        { path: '/splits/00000', change: { rows: -1 }, read: () => ledger.getSplit(job, 0) },
        { path: '/parts/00000', change: { json: '{"split":0}' }, read: () => ledger.getPart(job, 0) },
        { path: '/failures/00000-00000', change: { json: 'null' }, read: () => ledger.getFailure(job, 0, 0) },
      ])('of somebody else are an error that names them: jobs/…$path $change', async ({ path, change, read }) => {
        await clients.firestore.doc(`jobs/${job}${path}`).update(change);
        await expectPermanent(
          read(),
          'DATA_LOSS',
          new RegExp(`jobs/${job}${path} is no (?:job|split|part|failure) of Fanfold`),
        );
      });

      it('of somebody else among the results are an error that names them', async () => {
        const all = await clients.firestore.collection(`jobs/${job}/results`).get();
        for (const { ref } of all.docs) await ref.update({ errors: 'x' });
        await expectPermanent(
          collect(ledger.readResults(job, 0)),
          'DATA_LOSS',
          /results\/[0-9a-f]{4}-00000-00000 is no result/,
        );
      });

      it('are gone after a reset', async () => {
        await emulator.reset(CONFIG.projectId);
        expect((await documents()).filter((document) => document.exists)).toEqual([]);
      });
    });
  });
});
