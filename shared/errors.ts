/** The google.rpc codes that Fanfold uses, by name: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
export const CODES = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
} as const;

export type Status = keyof typeof CODES;

/** What went wrong, as it stands in an output line, a job or an HTTP answer. */
export interface ErrorInfo {
  readonly code: number;
  readonly status: Status;
  readonly message: string;
}

/** A failure that another attempt cannot mend: it is recorded and acknowledged. Any other error is retried. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
  readonly status: Status;

  constructor(status: Status, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export function errorInfo(status: Status, message: string): ErrorInfo {
  return { code: CODES[status], status, message };
}

/** The error as a job, a row or a failure record carries it; what is not a PermanentError is INTERNAL. */
export function toErrorInfo(error: unknown): ErrorInfo {
  if (error instanceof PermanentError) return errorInfo(error.status, error.message);
  return errorInfo('INTERNAL', messageOf(error));
}

/** What anything that was thrown says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The same in one line: a library's messages may have many. */
export function oneLine(error: unknown): string {
  return messageOf(error).replaceAll(/\s+/g, ' ').trim();
}
