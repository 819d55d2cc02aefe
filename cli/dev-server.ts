import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Config } from '../functions/config.ts';
import { sendAnswer } from '../functions/http/exchange.ts';
import type { HttpAnswer, HttpRequest } from '../functions/http/exchange.ts';
import { jobsApi } from '../functions/jobs/api.ts';
import { UniqueClock } from '../functions/jobs/unique-clock.ts';
import { BodyError, tooLarge } from '../functions/predict/body.ts';
import { PREDICT_LIMITS } from '../functions/predict/limits.ts';
import { PredictService } from '../functions/predict/predict-service.ts';
import { PermanentError, toErrorInfo } from '../shared/errors.ts';
import type { Ports } from '../shared/ports.ts';

/** TensorFlow Serving's port for REST. */
export const DEFAULT_PORT = 8501;
/** What stands for project and location on one machine. */
const PLACE = 'local';
const HOST = '127.0.0.1';

export interface DevServerOptions {
  readonly ports: Ports;
  readonly workers: number;
  /** Unset: DEFAULT_PORT, or any free one where that is taken. */
  readonly port: number | undefined;
}

export interface DevServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * The HTTP APIs of the local twin on one port: jobs under `/v1/projects/local/locations/local`, prediction under `/v1/models`, `/metrics` and `/readyz`.
 * Only this machine reaches it, and no web page that is open on it.
 * @throws PermanentError FAILED_PRECONDITION where the port that was asked for is taken.
 */
export async function startDevServer({ ports, workers, port }: DevServerOptions): Promise<DevServer> {
  const { logger } = ports;
  const predict = new PredictService(ports, { limits: PREDICT_LIMITS, warmUp: [], concurrency: workers });
  const jobs = { config: configOf(), ports: { ...ports, clock: new UniqueClock(() => ports.clock) } };
  const answer = async (request: HttpRequest): Promise<HttpAnswer> => {
    try {
      return await (request.path.startsWith('/v1/projects/') ? jobsApi(jobs, request) : predict.answer(request));
    } catch (error) {
      logger.log('ERROR', `${request.method} ${request.path} failed: ${toErrorInfo(error).message}`, { error });
      return { status: 500, body: { error: 'internal error: see the log' } };
    }
  };
  const server = createServer((request, response) => void serve(request, response, answer));
  const listen = (at: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject).listen(at, HOST, () => {
        server.off('error', reject);
        resolve();
      });
    });
  try {
    await listen(port ?? DEFAULT_PORT);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (port !== undefined)
      throw new PermanentError('FAILED_PRECONDITION', `port ${port} is taken: choose another (--port)`, {
        cause: error,
      });
    await listen(0);
  }
  const url = `http://${HOST}:${(server.address() as AddressInfo).port}`;
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeIdleConnections();
        setTimeout(() => {
          server.closeAllConnections();
        }, CLOSE_MS).unref();
      }),
  };
}

/** How long requests under way may take when the server closes. */
const CLOSE_MS = 3_000;

async function serve(
  incoming: IncomingMessage,
  response: ServerResponse,
  answer: (request: HttpRequest) => Promise<HttpAnswer>,
): Promise<void> {
  try {
    sendAnswer(expressLike(response), await answer(await requestOf(incoming)));
  } catch (error) {
    if (error instanceof BodyError) {
      response.setHeader('Connection', 'close'); // what is still coming is not read
      sendAnswer(expressLike(response), { status: error.status, body: { error: error.message } });
    } else response.destroy(); // whoever asked is gone
  }
}

/** @throws BodyError 403 for a web page's request, 413 for a body over the limit, before it is read to its end. */
async function requestOf(incoming: IncomingMessage): Promise<HttpRequest> {
  const { method = 'GET', url = '/', headers } = incoming;
  if (!isLocal(`http://${headers.host ?? ''}`) || (headers.origin !== undefined && !isLocal(headers.origin)))
    throw new BodyError(403, 'only this machine may ask');
  const { pathname, searchParams } = new URL(url, `http://${HOST}`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > PREDICT_LIMITS.maxBodyBytes) throw tooLarge(PREDICT_LIMITS.maxBodyBytes);
    chunks.push(chunk);
  }
  const query = Object.fromEntries(searchParams);
  return { method, path: pathname, headers, query, body: undefined, rawBody: Buffer.concat(chunks) };
}

function isLocal(address: string): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(URL.parse(address)?.hostname ?? '');
}

function expressLike(response: ServerResponse): Parameters<typeof sendAnswer>[0] {
  const like: Parameters<typeof sendAnswer>[0] = {
    get headersSent() {
      return response.headersSent;
    },
    status: (code) => {
      response.statusCode = code;
      return like;
    },
    set: (name, value) => response.setHeader(name, value),
    json: (body) => {
      response.setHeader('Content-Type', 'application/json');
      return response.end(JSON.stringify(body));
    },
    end: (content) => response.end(content),
  };
  return like;
}

/** The state folder's buckets by the names that URIs have them: `gs://input/…`. */
function configOf(): Config {
  return {
    project: PLACE,
    location: PLACE,
    buckets: { input: 'input', models: 'models', output: 'output', sources: [] },
    database: PLACE,
    topicPrefix: '',
    logLevel: 'INFO',
    predict: { warmUp: [], limits: PREDICT_LIMITS },
    emulators: {},
  };
}
