import { PermanentError } from '../../shared/errors.ts';
import type { Status } from '../../shared/errors.ts';

/** What another attempt does not change. The rest (401, 408, 409, 429, 5xx, broken connections) is thrown as it is. */
const PERMANENT: ReadonlyMap<number, Status> = new Map([
  [400, 'INVALID_ARGUMENT'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [411, 'INVALID_ARGUMENT'],
  [412, 'FAILED_PRECONDITION'],
  [413, 'INVALID_ARGUMENT'],
  [414, 'INVALID_ARGUMENT'],
]);

/** An answer of Cloud Storage that is not a success, where no client of theirs made the request. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The HTTP status that the error reports; undefined where it is none of the service's answers. */
function httpStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, status } = error as { readonly code?: unknown; readonly status?: unknown };
  // The client's two transports say it as a number and as a string; gRPC's codes are below 100.
  return [code, status].map(Number).find((value) => value >= 400 && value <= 599);
}

export function isMissing(error: unknown): boolean {
  return httpStatus(error) === 404;
}

/** Somebody wrote the object before. */
export function isTaken(error: unknown): boolean {
  return httpStatus(error) === 412;
}

/** Whether the same request may succeed in a moment. */
export function isTransient(error: unknown): boolean {
  if (error instanceof PermanentError) return false;
  const status = httpStatus(error);
  return status === undefined || status === 408 || status === 429 || status >= 500;
}

/** As the ports have it: a PermanentError in the core's words, or the error itself where it may be tried again. */
export function translated(error: unknown, what: string): unknown {
  const status = PERMANENT.get(httpStatus(error) ?? 0);
  if (status === undefined || (status === 'PERMISSION_DENIED' && isRateLimit(error))) return error;
  return new PermanentError(status, `${what}: ${oneLine((error as Error).message)}`, { cause: error });
}

/** Cloud Storage answers some quotas with 403. */
function isRateLimit(error: unknown): boolean {
  const { errors } = error as { readonly errors?: readonly { readonly reason?: string }[] };
  return errors?.some(({ reason }) => /rate|quota/i.test(reason ?? '')) === true;
}

function oneLine(message: string): string {
  return message.replaceAll(/\s+/g, ' ').trim();
}
