import type { Status } from '../../errors.ts';

/** A request to a remote model that failed; what becomes of its rows, the status says. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly status: Status;
  /** The same request may succeed in a moment. */
  readonly isTransient: boolean;
  /** The server minds what was sent: with fewer rows, the others may pass. */
  readonly isAboutRows: boolean;
  /** Seconds that the server asks to wait. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: Status,
    message: string,
    details: {
      readonly isTransient?: boolean;
      readonly isAboutRows?: boolean;
      readonly retryAfterSeconds?: number | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: details.cause });
    this.status = status;
    this.isTransient = details.isTransient ?? false;
    this.isAboutRows = details.isAboutRows ?? false;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

/** Source: the HTTP mapping in https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const STATUS: ReadonlyMap<number, Status> = new Map([
  [400, 'INVALID_ARGUMENT'],
  [401, 'PERMISSION_DENIED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [408, 'DEADLINE_EXCEEDED'],
  [409, 'ABORTED'],
  [412, 'FAILED_PRECONDITION'],
  [413, 'INVALID_ARGUMENT'],
  [422, 'INVALID_ARGUMENT'],
  [429, 'RESOURCE_EXHAUSTED'],
  [499, 'CANCELLED'],
  [501, 'UNIMPLEMENTED'],
  [502, 'UNAVAILABLE'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
]);

/** Characters of the server's own words in a message. */
const SAID = 300;

/** @param where the server's host. */
export function httpError(where: string, code: number, body: string, retryAfter: string | undefined): RemoteError {
  const said = serverWords(body);
  const isTransient = code === 408 || code === 429 || (code >= 500 && code !== 501);
  const status = STATUS.get(code) ?? (code >= 500 ? 'INTERNAL' : 'FAILED_PRECONDITION');
  const redirect = code >= 300 && code < 400 ? ', a redirect, which is not followed: write its target as "url"' : '';
  return new RemoteError(status, `${where} answered ${code}${redirect}${said === '' ? '' : `: ${said}`}`, {
    isTransient,
    isAboutRows: code === 400 || code === 413 || code === 422,
    retryAfterSeconds: retryAfterSeconds(retryAfter),
  });
}

/** The text in TF Serving's and KServe's `{"error": "…"}` and Google's `{"error": {"message"}}`; else the body itself, in one line. */
function serverWords(body: string): string {
  let text = body;
  try {
    const { error, detail } = JSON.parse(body) as { readonly error?: unknown; readonly detail?: unknown };
    const message = (error as { readonly message?: unknown } | undefined)?.message;
    text = [message, error, detail].find((words) => typeof words === 'string') ?? body;
  } catch {
    // Not JSON: a proxy's page, or nothing at all.
  }
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > SAID ? `${line.slice(0, SAID)}…` : line;
}

/** Seconds, or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function retryAfterSeconds(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}
