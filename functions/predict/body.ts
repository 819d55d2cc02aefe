import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

import type { HttpRequest } from '../http/exchange.ts';
import { CONTENT_ENCODING } from '../http/raw-body.ts';

const inflate = promisify(gunzip);

/** A body that cannot be taken, and the status that says so. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * The request's body, decompressed, of at most `maxBytes`: one that would become larger is not decompressed further.
 * @throws BodyError 400 (not gzip), 413 (too large), 415 (another encoding).
 */
export async function readBody({ headers, rawBody }: HttpRequest, maxBytes: number): Promise<Uint8Array> {
  const body = rawBody ?? new Uint8Array();
  const encoding = String(headers[CONTENT_ENCODING] ?? headers['content-encoding'] ?? 'identity').toLowerCase();
  if (body.length > maxBytes) throw tooLarge(maxBytes);
  if (encoding === 'identity' || encoding === '') return body;
  if (encoding !== 'gzip' && encoding !== 'x-gzip')
    throw new BodyError(415, `content-encoding ${encoding}: expected gzip, or none`);
  try {
    return await inflate(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw new BodyError(400, `the body is not gzip: ${(error as Error).message}`);
  }
}

export function tooLarge(maxBytes: number): BodyError {
  return new BodyError(413, `the body is larger than ${maxBytes} bytes: send fewer instances in one request`);
}
