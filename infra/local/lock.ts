import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A lock held by this process. */
export interface Lock {
  release(): void;
}

/** How long to wait for somebody who only looks whether the lock is held. */
const PATIENCE_MS = 250;
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

/**
 * Takes the lock, or undefined where another process (or this one) holds it. The kernel releases it when the process ends, however it
 * ends: it is the exclusive lock that SQLite takes on the file, which stays empty and may stay behind.
 * Nothing else in this process may open the file: on POSIX, closing any descriptor of it would drop the lock.
 */
export function acquireLock(file: string): Lock | undefined {
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  const database = new DatabaseSync(file, { timeout: PATIENCE_MS });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return {
    release: () => {
      if (database.isOpen) database.close();
    },
  };
}

/** Whether some process holds the lock now. */
export function isLocked(file: string): boolean {
  if (!existsSync(file)) return false;
  const database = new DatabaseSync(file, { readOnly: true, timeout: 0 });
  try {
    database.exec('SELECT count(*) FROM sqlite_schema');
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    database.close();
  }
}

/** Whether SQLite gave up because somebody else holds a lock: https://www.sqlite.org/rescode.html */
export function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return false;
  const primary = error.errcode & 0xff;
  return primary === SQLITE_BUSY || primary === SQLITE_LOCKED;
}
