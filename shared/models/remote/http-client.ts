import http from 'node:http';
import https from 'node:https';
import { performance } from 'node:perf_hooks';

import { messageOf, PermanentError } from '../../errors.ts';
import { httpError, RemoteError } from './remote-error.ts';
import { guardedLookup } from './remote-url.ts';

/** An error's text is read up to here. */
const MAX_ERROR_BYTES = 16 * 1024;

export interface ClientOptions {
  /** From connecting to the answer's last byte. */
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  readonly maxConnections: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Asks one server, over connections that are kept: no redirects, no proxies, no compressed answers, nothing unbounded. */
export class HttpClient {
  readonly #options: ClientOptions;
  readonly #agents: Readonly<Record<string, http.Agent>>;

  constructor(options: ClientOptions) {
    this.#options = options;
    const agent = { keepAlive: true, maxSockets: options.maxConnections, lookup: guardedLookup };
    this.#agents = { 'http:': new http.Agent(agent), 'https:': new https.Agent(agent) };
  }

  /**
   * Sends JSON, or asks for it where there is no body.
   * @returns the text of an answer 200.
   * @throws RemoteError for any other answer, a broken connection, a timeout, an answer over the bound.
   */
  async ask(url: URL, body: Uint8Array | undefined, headers: Readonly<Record<string, string>>): Promise<string> {
    const { timeoutMs } = this.#options;
    const signal = AbortSignal.timeout(Math.ceil(timeoutMs));
    const began = performance.now();
    try {
      const response = await this.#send(url, body, headers, signal);
      const code = response.statusCode ?? 0;
      try {
        if (code === 200) return decode(await this.#read(response, url), url);
        const text = await readSome(response);
        throw httpError(url.host, code, text, response.headers['retry-after']);
      } finally {
        // Nothing of an answer that was not read to its end may stand in the way of the connection's next one.
        if (!response.complete) response.destroy();
      }
    } catch (error) {
      if (error instanceof RemoteError) throw error;
      if (error instanceof PermanentError) throw new RemoteError(error.status, error.message, { cause: error });
      if (signal.aborted) {
        const waited = `${Math.round((performance.now() - began) / 100) / 10} s`;
        const message = `${url.host} did not answer within ${timeoutMs / 1000} s (timeoutSeconds; waited ${waited})`;
        throw new RemoteError('DEADLINE_EXCEEDED', message, { isTransient: true, cause: error });
      }
      const message = `${url.host} cannot be reached: ${reasonOf(error)}`;
      throw new RemoteError('UNAVAILABLE', message, { isTransient: true, cause: error });
    }
  }

  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  #send(
    url: URL,
    body: Uint8Array | undefined,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<http.IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      method: body === undefined ? 'GET' : 'POST',
      agent: this.#agents[url.protocol],
      signal,
      headers: {
        ...this.#options.headers,
        ...headers,
        accept: 'application/json',
        'accept-encoding': 'identity',
        ...(body !== undefined && { 'content-type': 'application/json', 'content-length': body.length }),
      },
    });
    request.once('response', resolve);
    request.on('error', reject); // stays: a connection that breaks later is the response's error too
    request.end(body);
    return promise;
  }

  async #read(response: http.IncomingMessage, url: URL): Promise<Buffer> {
    const { maxResponseBytes } = this.#options;
    const encoding = response.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity')
      throw new RemoteError('INTERNAL', `${url.host} answered in ${encoding}, which was not asked for`);
    const tooLong = (): RemoteError =>
      new RemoteError('OUT_OF_RANGE', `${url.host} answered more than ${maxResponseBytes} bytes (maxResponseBytes)`);
    if (Number(response.headers['content-length']) > maxResponseBytes) throw tooLong();
    const chunks: Buffer[] = [];
    let size = 0;
    // A body that ends before its length, or before its last chunk, is an error of Node's parser.
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxResponseBytes) throw tooLong();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** What is no UTF-8 would be replaced, silently: TF Serving writes the bytes of a string output as they are. */
function decode(bytes: Uint8Array, url: URL): string {
  try {
    return strictUtf8.decode(bytes);
  } catch (error) {
    const message = `${url.host} answered bytes that are not UTF-8: is an output of bytes not named …_bytes there?`;
    throw new RemoteError('INTERNAL', message, { cause: error });
  }
}

async function readSome(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_ERROR_BYTES).toString('utf8');
}

/** A host with several addresses fails with one error for each. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return messageOf(error);
}
