import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

// The very server that the framework's command starts.
/* eslint-disable no-restricted-imports */
import { cloudEvent, http } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
/* eslint-enable no-restricted-imports */
import { onTestFinished } from 'vitest';

import { readConfig } from '../../functions/config.ts';
import { createHandlers } from '../../functions/handlers.ts';
import type { Handlers } from '../../functions/handlers.ts';
import { sendAnswer } from '../../functions/http/exchange.ts';
import { Lifecycle } from '../../functions/http/lifecycle.ts';
import { keepApiBodies } from '../../functions/http/raw-body.ts';
import type { Message } from '../../shared/messages.ts';
import type { Ports } from '../../shared/ports.ts';
import { MemoryPipeline } from '../functions/memory-pipeline.ts';

export const PLACE = '/v1/projects/p1/locations/us-central1/batchPredictionJobs';
export const SUBSCRIPTION = 'projects/p1/subscriptions/fanfold-shards';

export interface Functions {
  readonly pipeline: MemoryPipeline;
  readonly lifecycle: Lifecycle;
  /** Codes that the process would have ended with. */
  readonly exits: number[];
  readonly call: (name: keyof Handlers, options?: CallOptions) => Promise<Answer>;
  /** A push as Pub/Sub makes it. */
  readonly push: (name: keyof Handlers, data: unknown, envelope?: Record<string, unknown>) => Promise<Answer>;
}

export interface CallOptions {
  readonly method?: string;
  readonly path?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface FunctionsOptions {
  readonly pipeline?: MemoryPipeline;
  readonly ports?: (ports: Ports) => Partial<Ports>;
  readonly graceMs?: number;
  /** Further configuration variables. */
  readonly env?: Readonly<Record<string, string>>;
}

let registered = 0;
keepApiBodies();

/** The deployed functions in the framework's own servers, on ports in memory. */
export async function startFunctions(options: FunctionsOptions = {}): Promise<Functions> {
  const pipeline = options.pipeline ?? new MemoryPipeline();
  const ports = { ...pipeline.ports, ...options.ports?.(pipeline.ports) };
  const config = readConfig({
    GOOGLE_CLOUD_PROJECT: 'p1',
    FANFOLD_INPUT_BUCKET: 'input',
    FANFOLD_MODELS_BUCKET: 'models',
    FANFOLD_OUTPUT_BUCKET: 'output',
    ...options.env,
  });
  const exits: number[] = [];
  const lifecycle = new Lifecycle({
    logger: () => ports.logger,
    exit: (code) => exits.push(code),
    graceMs: options.graceMs ?? 1_000,
    flushMs: 1,
  });
  const handlers = createHandlers(
    { config: () => config, ports: () => ports, scorer: () => Promise.resolve(ports.scorer) },
    lifecycle,
  );
  const urls = new Map<string, string>();
  for (const [name, handler] of Object.entries(handlers) as [keyof Handlers, Handlers[keyof Handlers]][]) {
    urls.set(name, await serve(`test-${++registered}-${name}`, name, handler));
  }
  const call = async (
    name: keyof Handlers,
    { method = 'POST', path = '/', body, headers = {} }: CallOptions = {},
  ): Promise<Answer> => {
    const answer = await fetch(`${urls.get(name) ?? ''}${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && {
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: parse(text) };
  };
  return {
    pipeline,
    lifecycle,
    exits,
    call,
    push: (name, data, envelope) => call(name, { body: pushOf(data, envelope) }),
  };
}

async function serve(registration: string, name: keyof Handlers, handler: Handlers[keyof Handlers]): Promise<string> {
  if (name === 'upload') cloudEvent(registration, handler as Handlers['upload']);
  else {
    http(registration, async (request, response) => {
      sendAnswer(response, await (handler as Handlers['split'])(request));
    });
  }
  const server = getTestServer(registration);
  onTestFinished(() => void closed(server));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function closed(server: Server): Server {
  server.closeAllConnections();
  return server.close();
}

/** @param data a task, or the text that the message holds in its place. */
export function pushOf(data: unknown, envelope: Record<string, unknown> = {}): Record<string, unknown> {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return {
    message: { data: Buffer.from(text).toString('base64'), messageId: '42', publishTime: '2026-11-21T00:00:00Z' },
    subscription: SUBSCRIPTION,
    deliveryAttempt: 1,
    ...envelope,
  };
}

/** The only waiting message of the kind. */
export function waiting<K extends Message['kind']>(pipeline: MemoryPipeline, kind: K): Extract<Message, { kind: K }> {
  const found = pipeline.queue.messages.find((message) => message.kind === kind);
  if (found === undefined) throw new Error(`no ${kind} task waits`);
  return found as Extract<Message, { kind: K }>;
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
