import { invalidParameter } from './api-error.ts';
import { int64Parameter } from './preconditions.ts';

/** Most entries of one page of a listing. Source: https://cloud.google.com/storage/docs/json_api/v1/objects/list */
const MAX_PAGE = 1000;

/** `maxResults`, at most 1000, which is also the default; 400 for 0. */
export function pageSize(query: URLSearchParams): number {
  const asked = int64Parameter(query, 'maxResults');
  if (asked === '0') throw invalidParameter('maxResults', 'Invalid value: maxResults must be at least 1.');
  return Math.min(MAX_PAGE, Number(asked ?? MAX_PAGE));
}

/** A page token is opaque to clients: where the page before ended. */
export const encodePageToken = (position: readonly string[]) =>
  Buffer.from(JSON.stringify(position)).toString('base64url');

/** The position that a token carries, undefined for the first page; 400 for what never was a token. */
export function decodePageToken(query: URLSearchParams): readonly string[] | undefined {
  const token = query.get('pageToken');
  if (token === null || token === '') return undefined;
  try {
    const position: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (Array.isArray(position) && position.every((part) => typeof part === 'string')) return position;
  } catch {
    // The same answer as for any other nonsense.
  }
  throw invalidParameter('pageToken', `Invalid value for pageToken: '${token}'.`);
}
