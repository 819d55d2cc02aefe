import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

import { loadRemoteModel } from '../../../../shared/models/remote/load-remote.ts';
import { REAL_PORTS } from '../../../../shared/models/remote/remote-client.ts';
import type { RemotePorts } from '../../../../shared/models/remote/remote-client.ts';
import type { Model } from '../../../../shared/models/model.ts';
import type { TensorSpec } from '../../../../shared/tensor.ts';
import { memoryFiles } from '../model-files.ts';

/** A request as a test's server gets it. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** What it answers: a status with text, or whatever it does to the response itself. */
export type Answer =
  | { readonly status?: number; readonly body: string; readonly headers?: http.OutgoingHttpHeaders }
  | ((response: http.ServerResponse) => void);

export interface Server {
  readonly url: string;
  readonly asked: Asked[];
  /** The most requests that were under way at once. */
  mostAtOnce: number;
}

/** A server on 127.0.0.1 that is gone after the test. */
export async function serve(answer: (asked: Asked, index: number) => Answer | Promise<Answer>): Promise<Server> {
  const asked: Asked[] = [];
  let now = 0;
  const server = http.createServer((request, response) => {
    void (async () => {
      found.mostAtOnce = Math.max(found.mostAtOnce, ++now);
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
      const it = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      const what = await answer(it, asked.push(it) - 1);
      now--;
      if (typeof what === 'function') what(response);
      else response.writeHead(what.status ?? 200, what.headers).end(what.body);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const found: Server = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, mostAtOnce: 0 };
  return found;
}

export const ROWS_OF_TWO: { readonly inputs: readonly TensorSpec[]; readonly outputs: readonly TensorSpec[] } = {
  inputs: [{ name: 'x', dtype: 'float32', shape: [null, 2] }],
  outputs: [{ name: 'y', dtype: 'float32', shape: [null, 2] }],
};

/** Doubles TF Serving's instances `{"x": […]}`; x below zero is refused as TF Serving refuses. */
export function doubleInstances({ body }: Asked): Answer {
  const { instances } = JSON.parse(body) as { instances: readonly { x: readonly number[] }[] };
  if (instances.some(({ x }) => x.some((value) => value < 0)))
    return { status: 400, body: '{"error":"x must not be negative"}' };
  return { body: JSON.stringify({ predictions: instances.map(({ x }) => x.map((value) => 2 * value)) }) };
}

/** Time that a test moves on, and pauses that only tell how long they would be. */
export function fakePorts(): RemotePorts & { time: number; readonly pauses: number[] } {
  const ports = {
    time: 1_000_000,
    pauses: [] as number[],
    clock: { now: (): number => ports.time },
    sleep: (milliseconds: number): Promise<void> => {
      ports.pauses.push(milliseconds);
      ports.time += milliseconds;
      return Promise.resolve();
    },
    random: (): number => 0.5,
  };
  return ports;
}

/** The model that such a remote.json names; disposed after the test. */
export async function load(config: object, ports: RemotePorts = REAL_PORTS): Promise<Model> {
  const model = await loadRemoteModel(memoryFiles({ 'remote.json': config }), ports);
  onTestFinished(() => model.dispose());
  return model;
}
