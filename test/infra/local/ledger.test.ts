import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { SCHEMA_VERSION } from '../../../infra/local/database.ts';
import { LocalLedger } from '../../../infra/local/ledger.ts';
import { transition } from '../../../shared/job.ts';
import { collect, makeJob, makePart, makeResult } from '../../contract/builders.ts';
import { ended, startChild } from './child.ts';

describe('the ledger in SQLite', () => {
  let folder: string;
  let file: string;
  const open: LocalLedger[] = [];
  const connect = (): LocalLedger => {
    const ledger = new LocalLedger(file);
    open.push(ledger);
    return ledger;
  };

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'fanfold-ledger-'));
    file = path.join(folder, 'state', 'ledger.db');
  });
  afterEach(async () => {
    for (const ledger of open.splice(0)) ledger.close();
    await rm(folder, { recursive: true });
  });

  it('is there again after it was closed', async () => {
    const first = connect();
    await first.createJob(makeJob({ id: 'j' }));
    await first.createResult('j', makeResult());
    first.close();
    const second = connect();
    expect(await second.getJob('j')).toEqual(makeJob({ id: 'j' }));
    expect(await collect(second.readResults('j', 0))).toHaveLength(1);
  });

  it('shows two connections the same jobs', async () => {
    const [here, there] = [connect(), connect()];
    await here.createJob(makeJob({ id: 'j' }));
    await there.updateJob('j', (job) => transition(job, 'JOB_STATE_CANCELLING', 0));
    expect((await here.getJob('j'))?.state).toBe('JOB_STATE_CANCELLING');
    const reading = here.readResults('j', 0)[Symbol.asyncIterator]();
    for (let shard = 0; shard < 20; shard++) await here.createResult('j', makeResult({ shard }));
    await reading.next();
    await there.createResult('j', makeResult({ shard: 20 }));
    await there.deleteScratch('j');
    expect(await here.countResults('j', 0)).toBe(0);
  });

  it('loses no change of several processes that open it at once', async () => {
    const script = `
      import { LocalLedger } from './ledger.ts';
      const ledger = new LocalLedger(process.argv.at(-1));
      await ledger.createJob(${JSON.stringify(makeJob({ id: 'j' }))});
      for (let n = 0; n < 50; n++) {
        await ledger.updateJob('j', (job) => ({ ...job, watch: { seen: String(Number(job.watch?.seen ?? 0) + 1), since: '' } }));
      }
      ledger.close();
    `;
    const children = Array.from({ length: 4 }, () => startChild(script, file));
    expect(await Promise.all(children.map(ended))).toEqual([0, 0, 0, 0]);
    expect((await connect().getJob('j'))?.watch?.seen).toBe('200');
  });

  it('waits for a transaction of another process', async () => {
    const ledger = connect();
    await ledger.createJob(makeJob({ id: 'j' }));
    const script = `
      import { openDatabase } from './database.ts';
      const database = openDatabase(process.argv.at(-1));
      database.exec('BEGIN IMMEDIATE');
      console.log('locked');
      setTimeout(() => { database.exec('COMMIT'); database.close(); }, 300);
    `;
    const child = startChild(script, file);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const started = performance.now();
    await ledger.updateJob('j', (job) => transition(job, 'JOB_STATE_RUNNING', 0));
    expect(performance.now() - started).toBeGreaterThan(100);
    expect(await ended(child)).toBe(0);
  });

  it('refuses a file that a newer Fanfold wrote, and leaves it as it is', () => {
    connect().close();
    const database = new DatabaseSync(file);
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    database.close();
    expect(() => new LocalLedger(file)).toThrow(
      expect.objectContaining({
        status: 'FAILED_PRECONDITION',
        message: expect.stringMatching(/ledger\.db was written by a newer Fanfold/) as string,
      }),
    );
  });

  it('refuses a file that is no database', async () => {
    const ledger = path.join(folder, 'notes.txt');
    await (await import('node:fs/promises')).writeFile(ledger, 'x'.repeat(10_000));
    expect(() => new LocalLedger(ledger)).toThrow(/not a database/);
  });

  it('gives the space of deleted results back to the disk', async () => {
    const ledger = connect();
    const lines = { kind: 'inline', bytes: new Uint8Array(100_000) } as const;
    for (let shard = 0; shard < 100; shard++) {
      await ledger.createResult('j', makeResult({ split: shard % 3, shard, lines }));
    }
    await ledger.createPart('j', makePart());
    await ledger.deleteScratch('j');
    ledger.close(); // the last one to close writes the log into the file
    expect((await stat(file)).size).toBeLessThan(1_000_000);
    expect(await connect().countParts('j')).toBe(1);
  });

  it('takes back a result whose write failed half way', async () => {
    const ledger = connect();
    const broken = { ...makeResult(), rows: 'many' as unknown as number };
    await expect(ledger.createResult('j', broken)).rejects.toThrow();
    expect(await ledger.hasResult('j', 0, 0)).toBe(false);
    expect(await ledger.createResult('j', makeResult())).toBe(true);
  });
});
