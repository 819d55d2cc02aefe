import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { PermanentError } from '../../shared/errors.ts';
import { isBusy } from './lock.ts';

/** Of `schema.sql`; raise it with every change there, and bring older files up in `prepareSchema`. */
export const SCHEMA_VERSION = 2;

/** Another process's transactions take milliseconds; its checkpoint of a large log may take seconds. */
const BUSY_TIMEOUT_MS = 10_000;
/** Results are large: fewer, larger pages make a chain of a tenth of the links. */
const PAGE_BYTES = 32_768;
/** What the log is cut back to once it was larger. */
const LOG_LIMIT_BYTES = 64 << 20;
/** Switching to the write-ahead log fails at once where another process opens the same new file: SQLite does not wait there. */
const OPEN_ATTEMPTS = 50;
const OPEN_RETRY_MS = 20;

/**
 * Opens the ledger's database, making it where there is none.
 * Synchronous is NORMAL: after a crash of the machine the last transactions may be missing, and their work is done again.
 * @throws PermanentError FAILED_PRECONDITION where a newer Fanfold wrote the file.
 */
export function openDatabase(file: string): DatabaseSync {
  if (file !== ':memory:') mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        prepareSchema(database, file);
        return database;
      } catch (error) {
        if (!isBusy(error) || attempt === OPEN_ATTEMPTS) throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, OPEN_RETRY_MS);
      }
    }
  } catch (error) {
    database.close();
    throw error;
  }
}

const FROM_VERSION_1 = `ALTER TABLE result_bodies ADD COLUMN details TEXT NOT NULL DEFAULT '{}'`;

function prepareSchema(database: DatabaseSync, file: string): void {
  // The first two count only before the file has its first page.
  database.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL`);
  checkVersion(database, file);
  database.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = ${LOG_LIMIT_BYTES}`,
  );
  transaction(database, () => {
    const version = checkVersion(database, file);
    if (version === SCHEMA_VERSION) return;
    if (version === 1) database.exec(FROM_VERSION_1);
    else database.exec(readFileSync(new URL('schema.sql', import.meta.url), 'utf8'));
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

function checkVersion(database: DatabaseSync, file: string): number {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version <= SCHEMA_VERSION) return version;
  throw new PermanentError(
    'FAILED_PRECONDITION',
    `${file} was written by a newer Fanfold: its schema is version ${version}, this one knows up to ${SCHEMA_VERSION}`,
  );
}

/** Runs `work`, which must not await, in a transaction that holds the write lock from its start; a throw takes all of it back. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
