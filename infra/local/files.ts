import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { open, readdir, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';

import { messageOf, PermanentError } from '../../shared/errors.ts';
import { TEMPORARY_PREFIX } from './object-path.ts';

/** Large enough that system calls do not count, small enough to have several in flight. */
const CHUNK_BYTES = 4 << 20;

/** A temporary file of a process that seems alive is a leftover all the same after this time: process ids are reused. */
const TEMPORARY_MAX_AGE_MS = 24 * 3600 * 1000;

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Whether the error says that there is no file of this path. */
export function isMissing(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** What the file system refuses for good becomes permanent; the rest (a full disk, too many open files) may pass. */
export function fileError(error: unknown, what: string): Error {
  const cause = { cause: error };
  switch (errorCode(error)) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new PermanentError('PERMISSION_DENIED', `${what}: permission denied`, cause);
    case 'EISDIR':
      return new PermanentError('INVALID_ARGUMENT', `${what}: is a directory`, cause);
    case 'ENAMETOOLONG':
      return new PermanentError('INVALID_ARGUMENT', `${what}: the name is too long for this file system`, cause);
    case 'ENOTDIR':
    case 'EEXIST':
      return new PermanentError('FAILED_PRECONDITION', `${what}: a part of the name is a file`, cause);
    case 'ELOOP':
      return new PermanentError('FAILED_PRECONDITION', `${what}: too many symbolic links`, cause);
    default:
      return error instanceof PermanentError ? error : new Error(`${what}: ${messageOf(error)}`, cause);
  }
}

export function generationOf(file: BigIntStats): string {
  return `${file.mtimeNs}-${file.size}`;
}

/** The bytes `[start, end)` of an open file, cut at its end, in new buffers. */
export async function* readRange(
  handle: FileHandle,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = start; at < end;) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - at));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead);
  }
}

export async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
}

/** Makes a new name in the folder durable; a platform that cannot is not asked twice. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder, constants.O_RDONLY);
    await handle.sync();
  } catch {
    // Windows and some network file systems have no such thing.
  }
}

/** A name for a file being written in the folder: a rename or a link away from its final one. */
export function temporaryPath(folder: string): string {
  return path.join(folder, `${TEMPORARY_PREFIX}${process.pid}-${crypto.randomUUID()}`);
}

/**
 * Deletes, in the folder and below it, the temporary files of processes that ended in the middle of a write.
 * @returns how many.
 */
export async function sweepTemporaryFiles(folder: string, { recursive = true } = {}): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw fileError(error, folder);
  });
  let swept = 0;
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) swept += recursive ? await sweepTemporaryFiles(file) : 0;
    else if (entry.name.startsWith(TEMPORARY_PREFIX) && (await isLeftover(file, entry.name))) {
      await rm(file, { force: true });
      swept++;
    }
  }
  return swept;
}

async function isLeftover(file: string, name: string): Promise<boolean> {
  const pid = Number(name.slice(TEMPORARY_PREFIX.length).split('-')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return true;
  const written = await stat(file).then(
    (found) => found.mtimeMs,
    () => Infinity, // gone meanwhile
  );
  // In a container every run may have the same process id: what is older than this process is not its own.
  if (pid === process.pid) return written < performance.timeOrigin;
  return !isAlive(pid) || written < Date.now() - TEMPORARY_MAX_AGE_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
