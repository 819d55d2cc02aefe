import { PermanentError } from './errors.ts';
import type { Job } from './job.ts';

/** The last job of a page: the next page begins after it, whatever is created meanwhile. */
export interface PagePosition {
  readonly createTime: string;
  readonly id: string;
}

export function encodePageToken(job: Job): string {
  return Buffer.from(JSON.stringify([job.createTime, job.id])).toString('base64url');
}

/** @throws PermanentError INVALID_ARGUMENT for a token that no page gave. */
export function decodePageToken(token: string): PagePosition {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    value = undefined;
  }
  if (Array.isArray(value) && value.length === 2) {
    const [createTime, id] = value as unknown[];
    if (typeof createTime === 'string' && typeof id === 'string') return { createTime, id };
  }
  throw new PermanentError('INVALID_ARGUMENT', 'the page token is not one that a list of jobs gave');
}
