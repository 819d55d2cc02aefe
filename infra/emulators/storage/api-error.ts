/** One entry of `error.errors` beside message, domain and reason. */
interface ErrorLocation {
  readonly locationType: 'header' | 'parameter';
  readonly location: string;
}

/**
 * An answer that is not a success, in Google's words.
 * Source: https://cloud.google.com/storage/docs/json_api/v1/status-codes
 */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly location: ErrorLocation | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Answered as bare text where others are JSON. */
  readonly plainText: boolean;

  constructor(
    status: number,
    reason: string,
    message: string,
    extra: { location?: ErrorLocation; headers?: Record<string, string>; plainText?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause: extra.cause });
    this.name = 'ApiError';
    this.status = status;
    this.reason = reason;
    this.location = extra.location;
    this.headers = extra.headers ?? {};
    this.plainText = extra.plainText ?? false;
  }

  /** The JSON API's error body. */
  toBody(): object {
    const detail = { message: this.message, domain: 'global', reason: this.reason, ...this.location };
    return { error: { code: this.status, message: this.message, errors: [detail] } };
  }
}

export const invalid = (message: string, cause?: unknown) => new ApiError(400, 'invalid', message, { cause });

export const required = (parameter: string) =>
  new ApiError(400, 'required', `Required parameter: ${parameter}`, {
    location: { locationType: 'parameter', location: parameter },
  });

export const invalidParameter = (parameter: string, message: string) =>
  new ApiError(400, 'invalidParameter', message, { location: { locationType: 'parameter', location: parameter } });

export const parseError = (message: string, cause?: unknown) => new ApiError(400, 'parseError', message, { cause });

/** What the service can do and this emulator does not: said aloud, never ignored. */
export const notEmulated = (feature: string) =>
  new ApiError(501, 'notImplemented', `This emulator does not implement ${feature}.`);

export const noSuchBucket = () => new ApiError(404, 'notFound', 'The specified bucket does not exist.');

export const noSuchObject = (bucket: string, name: string) =>
  new ApiError(404, 'notFound', `No such object: ${bucket}/${name}`);

export const conflict = (message: string) => new ApiError(409, 'conflict', message);

export const conditionNotMet = () =>
  new ApiError(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.', {
    location: { locationType: 'header', location: 'If-Match' },
  });

export const notModified = () => new ApiError(304, 'notModified', 'Not Modified');

const REASONS: Readonly<Record<number, string>> = {
  401: 'required',
  403: 'forbidden',
  404: 'notFound',
  408: 'uploadBrokenConnection',
  429: 'rateLimitExceeded',
  500: 'backendError',
  502: 'backendError',
  503: 'backendError',
  504: 'gatewayTimeout',
};

/** The error Google gives with a bare status, for injected faults. */
export const statusError = (status: number, message?: string) =>
  new ApiError(status, REASONS[status] ?? 'invalid', message ?? `Injected fault: ${status}`);
