import type { PermanentError, Status } from '../../shared/errors.ts';
import type { HttpAnswer } from '../http/exchange.ts';

/** google.rpc codes as HTTP statuses: https://cloud.google.com/apis/design/errors#handling_errors */
const HTTP_STATUS: Readonly<Record<Status, number>> = {
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
};

export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** Google's error shape. `code` is the HTTP status, as in all of Google's REST answers. */
export function errorAnswer(status: Status, message: string, violations: readonly FieldViolation[] = []): HttpAnswer {
  const code = HTTP_STATUS[status];
  const details =
    violations.length === 0
      ? []
      : [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: violations }];
  return { status: code, body: { error: { code, status, message, details } } };
}

export function refusal(error: PermanentError): HttpAnswer {
  return errorAnswer(error.status, error.message);
}
