import { CODES, PermanentError } from '../../shared/errors.ts';

/** The gRPC code of a failed call. Source: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** A create-only write found its document there. */
export function isTaken(error: unknown): boolean {
  return codeOf(error) === CODES.ALREADY_EXISTS;
}

/** Others changed what the transaction read, time and again. */
export function isContended(error: unknown): boolean {
  return codeOf(error) === CODES.ABORTED && !(error instanceof PermanentError);
}

/** As the ports have it: what Firestore will refuse again (a document over 1 MiB) is permanent, the rest may be tried again. */
export function translated(error: unknown, what: string): unknown {
  if (codeOf(error) !== CODES.INVALID_ARGUMENT || !(error instanceof Error)) return error;
  return new PermanentError('INVALID_ARGUMENT', `${what}: ${error.message}`, { cause: error });
}
