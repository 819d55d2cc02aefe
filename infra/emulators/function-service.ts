import { Agent, createServer, request as send } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { AttemptCounter } from './attempt-counter.ts';
import { FunctionProcess } from './function-process.ts';
import type { FunctionProcessOptions } from './function-process.ts';

export interface FunctionServiceOptions {
  /** Requests that its process serves at once; more wait. */
  readonly concurrency: number;
  /** Default: any free port. */
  readonly port?: number;
  /** Whether its requests are pushes of a subscription with a dead-letter policy: they get their delivery attempt. */
  readonly countAttempts?: boolean;
}

/** Looks at a request before the function does; a status answers it in the function's place. */
export type Interceptor = (body: Buffer, target: string) => number | undefined;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** How long a request waits for a process that is being started. */
const WAIT_MS = 30_000;
const RESTART_PAUSE_MS = 100;

/**
 * What Cloud Run is to a function: an address that stays, a process behind it that is started again whenever it ends, and no more
 * requests on it at once than it can bear. For tests: requests can be answered by somebody else, and the process can be killed.
 */
export class FunctionService {
  readonly target: string;
  readonly url: string;
  /** Set by tests. */
  intercept: Interceptor | undefined;
  /** How often a process was started. */
  starts = 0;
  /** How many requests were answered with each status. */
  readonly answered: Record<number, number> = {};
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #concurrency: number;
  readonly #attempts: AttemptCounter | undefined;
  #options: FunctionProcessOptions | undefined;
  #process: Promise<FunctionProcess> | undefined;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  #stopping = false;

  private constructor(target: string, server: Server, { concurrency, countAttempts = false }: FunctionServiceOptions) {
    this.target = target;
    this.#server = server;
    this.#concurrency = concurrency;
    this.#attempts = countAttempts ? new AttemptCounter() : undefined;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  /** Opens the address; requests wait until a process is started. */
  static async listen(target: string, options: FunctionServiceOptions): Promise<FunctionService> {
    const server = createServer({ requestTimeout: 0, keepAliveTimeout: 120_000 });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return new FunctionService(target, server, options);
  }

  /** Starts the process, and again whenever it ends. @throws Error where it does not start the first time. */
  async start(options: Omit<FunctionProcessOptions, 'target'>): Promise<void> {
    this.#options = { ...options, target: this.target };
    await this.#run();
  }

  /** Ends the process as it stands, or asks it to stop; another is started. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const running = await this.#process;
    running?.kill(signal);
    await running?.ended;
  }

  async close(): Promise<void> {
    this.#stopping = true;
    await (await this.#process?.catch(() => undefined))?.stop();
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
  }

  #run(): Promise<FunctionProcess> {
    if (this.#options === undefined) throw new Error(`${this.target} was not started`);
    const starting = FunctionProcess.start(this.#options);
    this.#process = starting;
    this.starts++;
    void this.#restartAfter(starting);
    return starting;
  }

  /** A process that does not even start the first time is not tried again: its caller hears why. */
  async #restartAfter(starting: Promise<FunctionProcess>): Promise<void> {
    const first = this.starts === 1;
    const started = await starting.catch(() => undefined);
    if (started === undefined && first) return;
    await started?.ended;
    if (started === undefined) await sleep(RESTART_PAUSE_MS);
    if (!this.#stopping) this.#run().catch(() => undefined);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const came = await collect(request);
      const body = this.#attempts?.stamp(came) ?? came;
      const refused = this.intercept?.(body, this.target);
      const answer = refused === undefined ? await this.#inTurn(() => this.#forward(request, body)) : empty(refused);
      this.#attempts?.settle(body, answer.status);
      this.answered[answer.status] = (this.answered[answer.status] ?? 0) + 1;
      response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch {
      response.destroy(); // whoever asked is gone
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#concurrency) await new Promise<void>((turn) => this.#waiting.push(turn));
    else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      next?.();
    }
  }

  /** A process that is not up yet is waited for; one that dies in the middle of a request leaves it failed, as on Cloud Run. */
  async #forward(request: IncomingMessage, body: Buffer): Promise<Answer> {
    const deadline = Date.now() + WAIT_MS;
    while (!this.#stopping && Date.now() < deadline) {
      const running = await this.#process?.catch(() => undefined);
      try {
        if (running !== undefined) return await exchange(this.#agent, running.port, request, body);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') break;
      }
      await sleep(RESTART_PAUSE_MS);
    }
    return empty(503);
  }
}

function exchange(
  agent: Agent,
  port: number,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = send({
      agent,
      host: '127.0.0.1',
      port,
      method,
      path: url,
      headers: { ...endToEnd(headers), 'content-length': body.length },
    });
    outgoing.once('error', reject).once('response', (incoming) => {
      collect(incoming).then((content) => {
        resolve({ status: incoming.statusCode ?? 502, headers: endToEnd(incoming.headers), body: content });
      }, reject);
    });
    outgoing.end(body);
  });
}

/** Without those that are between two neighbours. */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const hop = ['connection', 'keep-alive', 'transfer-encoding'];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hop.includes(name)));
}

function empty(status: number): Answer {
  return { status, headers: {}, body: Buffer.alloc(0) };
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
