import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ApiError, parseError } from './api-error.ts';
import { parseJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';

/** Longest JSON body of a request: room for 32 compose sources with names and for any metadata. */
export const MAX_JSON_BYTES = 1024 * 1024;

/** A request as handlers see it. */
export interface Call {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Throws if the connection ends before the body does. */
  readonly body: AsyncIterable<Buffer>;
  /** Cuts the connection. */
  readonly drop: () => void;
}

export interface Reply {
  readonly status: number;
  readonly statusText?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | Readable;
}

export const jsonReply = (value: object, status = 200, headers: Record<string, string> = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/json; charset=UTF-8', ...headers },
  body: Buffer.from(JSON.stringify(value)),
});

export const emptyReply = (status: number, headers: Record<string, string> = {}): Reply => ({ status, headers });

/** How an operation reports errors: the JSON API in JSON, its downloads as bare text, the XML API in XML. */
export type ErrorStyle = 'json' | 'text' | 'xml';

export function errorReply(error: ApiError, style: ErrorStyle): Reply {
  const { status } = error;
  if (status === 304) return emptyReply(304);
  if (error.plainText) {
    return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: Buffer.from(error.message) };
  }
  if (style === 'json') return jsonReply(error.toBody(), status, { ...error.headers });
  const type = style === 'text' ? 'text/html; charset=UTF-8' : 'application/xml; charset=UTF-8';
  const body = Buffer.from(style === 'text' ? error.message : xmlError(error));
  return { status, headers: { 'content-type': type, ...error.headers }, body };
}

/** Source: https://cloud.google.com/storage/docs/xml-api/reference-status */
function xmlError({ status, message }: ApiError): string {
  const codes: Readonly<Record<number, string>> = {
    404: message.startsWith('No such object') ? 'NoSuchKey' : 'NoSuchBucket',
    412: 'PreconditionFailed',
    416: 'InvalidRange',
    429: 'SlowDown',
    503: 'ServiceUnavailable',
  };
  const code = codes[status] ?? (status < 500 ? 'InvalidArgument' : 'InternalError');
  const escaped = message.replace(/[<>&]/g, (char) => `&#${char.charCodeAt(0)};`);
  return `<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code><Message>${escaped}</Message></Error>`;
}

/** Reads a body of at most `limit` bytes; 413 beyond. */
async function readAll(body: AsyncIterable<Buffer>, limit = MAX_JSON_BYTES): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > limit) throw new ApiError(413, 'uploadTooLarge', `The request's metadata exceeds ${limit} bytes.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

export async function readJson(call: Call): Promise<JsonObject> {
  return parseJsonObject((await readAll(call.body)).toString('utf8'));
}

/** A request's body, which may be left half-read: unlike the stream's own iterator this keeps the socket open. */
export function bodyOf(request: IncomingMessage): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer> };
}

/** Splits a URL's path and decodes each segment; 400 for bad escapes. */
export function pathSegments(path: string): string[] {
  try {
    return path.slice(1).split('/').map(decodeURIComponent);
  } catch (error) {
    throw parseError('The URL is not valid percent-encoded UTF-8.', error);
  }
}

/** Metadata may hold what no header can: UTF-8 goes out as its bytes, control characters as spaces. */
const headerValue = (text: string) =>
  Buffer.from(text, 'utf8')
    .toString('latin1')
    // eslint-disable-next-line no-control-regex -- these are what a header must not hold
    .replace(/[\x00-\x08\x0a-\x1f\x7f]/g, ' ');

/** Sends a reply, or only the first `cutAfter` bytes of its body (0: not even headers) and then cuts the connection. */
export async function send(response: ServerResponse, reply: Reply, cutAfter = Infinity): Promise<void> {
  const { status, statusText, body } = reply;
  const stream = body instanceof Readable ? body : undefined;
  try {
    if (cutAfter === 0) {
      response.destroy();
      return;
    }
    const headers = Object.entries(reply.headers ?? {}).map(([name, value]) => [name, headerValue(value)] as const);
    const bare = body instanceof Readable || status === 304 || status === 204;
    const length = bare ? {} : { 'content-length': body?.length ?? 0 };
    response.writeHead(status, statusText, { ...length, ...Object.fromEntries(headers) });
    if (cutAfter < Infinity) await sendCut(response, body, cutAfter);
    else if (stream === undefined) response.end(body);
    else await pipeline(stream, response);
  } finally {
    stream?.destroy();
  }
}

async function sendCut(response: ServerResponse, body: Buffer | Readable | undefined, bytes: number): Promise<void> {
  let left = bytes;
  for await (const piece of body instanceof Readable ? (body as AsyncIterable<Buffer>) : [body ?? Buffer.alloc(0)]) {
    const part = piece.subarray(0, left);
    left -= part.length;
    await new Promise<void>((resolve) => {
      response.write(part, () => {
        resolve();
      });
    });
    if (left === 0) {
      response.destroy();
      return;
    }
  }
  response.end();
}
