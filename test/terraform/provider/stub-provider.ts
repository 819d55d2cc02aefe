import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { sendUnaryData, ServerUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

import type { Block, NestedBlock } from './schema.ts';
import { readSchema } from './schema.ts';

/** Schema.NestedBlock.NestingMode of tfplugin5.proto. */
const NESTING = { single: 1, list: 2, set: 3 } as const satisfies Record<NestedBlock['nesting'], number>;

/** What Terraform calls while it validates, and tests with mocks; it asks nothing of a cloud. */
const PROTOCOL = fileURLToPath(new URL('tfplugin5.proto', import.meta.url));

export interface StubProvider extends AsyncDisposable {
  /** For TF_REATTACH_PROVIDERS: Terraform then connects to us instead of downloading and starting the real provider. */
  readonly reattach: string;
}

/** Serves hashicorp/google's schema, and nothing but the schema, over Terraform's plugin protocol 5. */
export async function startStubProvider(): Promise<StubProvider> {
  const server = new Server({ 'grpc.max_send_message_length': -1 });
  const definition = loadSync(PROTOCOL, { keepCase: true, defaults: true });
  server.addService(definition['tfplugin5.Provider'] as ServiceDefinition, handlers());
  const bind = promisify(server.bindAsync.bind(server));
  const port = await bind('127.0.0.1:0', ServerCredentials.createInsecure());
  const google = {
    Protocol: 'grpc',
    ProtocolVersion: 5,
    Pid: process.pid,
    Test: true,
    Addr: { Network: 'tcp', String: `127.0.0.1:${port}` },
  };
  return {
    reattach: JSON.stringify({ 'hashicorp/google': google }),
    [Symbol.asyncDispose]: async () => {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

type Handler = (call: ServerUnaryCall<{ readonly config?: unknown }, object>, callback: sendUnaryData<object>) => void;

function handlers(): Record<string, Handler> {
  const schema = readSchema();
  const schemas = {
    provider: message(schema.provider),
    resource_schemas: mapValues(schema.resources, message),
    data_source_schemas: mapValues(schema.dataSources, message),
  };
  const valid: Handler = (_call, callback) => {
    callback(null, {});
  };
  return {
    GetSchema: (_call, callback) => {
      callback(null, schemas);
    },
    PrepareProviderConfig: ({ request }, callback) => {
      callback(null, { prepared_config: request.config });
    },
    ValidateResourceTypeConfig: valid,
    ValidateDataSourceConfig: valid,
    Configure: valid,
    Stop: valid,
  };
}

function message(block: Block): object {
  return { version: 0, block: blockMessage(block) };
}

function blockMessage({ attributes, blocks }: Block): object {
  return {
    version: 0,
    attributes: Object.entries(attributes).map(([name, { type, ...flags }]) => ({
      name,
      type: Buffer.from(JSON.stringify(type)),
      ...flags,
    })),
    block_types: Object.entries(blocks).map(([type_name, { nesting, min, max, block }]) => ({
      type_name,
      nesting: NESTING[nesting],
      min_items: min,
      max_items: max,
      block: blockMessage(block),
    })),
  };
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
