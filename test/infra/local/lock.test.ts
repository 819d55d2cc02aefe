import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { acquireLock, isLocked } from '../../../infra/local/lock.ts';
import { firstOutput, kill, startChild } from './child.ts';

const HOLD = `
  import { acquireLock } from './lock.ts';
  const lock = acquireLock(process.argv.at(-1));
  console.log(lock === undefined ? 'refused' : 'held');
  setInterval(() => lock, 1000);
`;

describe('the process lock', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'fanfold-lock-'));
    file = path.join(folder, 'state', 'lock');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is free until somebody takes it', () => {
    expect(isLocked(file)).toBe(false);
    const lock = acquireLock(file);
    expect(lock).toBeDefined();
    expect(isLocked(file)).toBe(true);
    lock?.release();
    lock?.release();
    expect(isLocked(file)).toBe(false);
  });

  it('is taken by one only, within a process too', () => {
    const lock = acquireLock(file);
    expect(acquireLock(file)).toBeUndefined();
    expect(isLocked(file)).toBe(true);
    lock?.release();
    const next = acquireLock(file);
    expect(next).toBeDefined();
    next?.release();
  });

  it('is refused to other processes, and released when its holder is killed with -9', async () => {
    const holder = startChild(HOLD, file);
    expect(await firstOutput(holder)).toBe('held');
    expect(acquireLock(file)).toBeUndefined();
    expect(isLocked(file)).toBe(true);
    await kill(holder);
    expect(isLocked(file)).toBe(false);
    const lock = acquireLock(file);
    expect(lock).toBeDefined();
    const late = startChild(HOLD, file);
    expect(await firstOutput(late)).toBe('refused');
    await kill(late);
    lock?.release();
  });
});
