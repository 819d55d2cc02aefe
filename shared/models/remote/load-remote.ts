import { messageOf, PermanentError } from '../../errors.ts';
import type { Model, ModelFiles, Signature } from '../model.ts';
import { parseExactJson } from './exact-json.ts';
import { kserveV2 } from './kserve-v2.ts';
import type { Protocol, ServerSignature } from './protocol.ts';
import { REAL_PORTS, RemoteClient } from './remote-client.ts';
import type { RemotePorts } from './remote-client.ts';
import { readRemoteConfig } from './remote-config.ts';
import type { RemoteConfig } from './remote-config.ts';
import { RemoteError } from './remote-error.ts';
import { RemoteModel } from './remote-model.ts';
import { tfServing } from './tf-serving.ts';
import { vertex } from './vertex.ts';

const PROTOCOLS: Readonly<Record<RemoteConfig['protocol'], Protocol>> = {
  'tf-serving': tfServing,
  vertex,
  'kserve-v2': kserveV2,
};

/**
 * The model that remote.json names. Its server is asked only where the file leaves signatures to it.
 * @throws PermanentError INVALID_ARGUMENT (the file), FAILED_PRECONDITION (what the server tells is no use). RemoteError where the server is not there now.
 */
export async function loadRemoteModel(files: ModelFiles, ports: RemotePorts = REAL_PORTS): Promise<Model> {
  const config = await readRemoteConfig(files);
  const protocol = PROTOCOLS[config.protocol];
  const client = new RemoteClient(config, ports);
  try {
    return new RemoteModel(config, protocol, client, await readSignatures(files.label, config, protocol, client));
  } catch (error) {
    client.close();
    throw error;
  }
}

async function readSignatures(
  label: string,
  config: RemoteConfig,
  protocol: Protocol,
  client: RemoteClient,
): Promise<Readonly<Record<string, Signature>>> {
  const declared = Object.entries(config.signatures);
  const isComplete = !config.metadata && declared.every(([, { outputs }]) => outputs !== undefined);
  const told = isComplete ? {} : await askServer(label, config, protocol, client);
  const signatures: Record<string, Signature> = {};
  if (config.metadata) {
    for (const [name, signature] of Object.entries(told)) {
      if (isServable(config, signature)) signatures[name] = { name, ...signature };
    }
  }
  for (const [name, { inputs, outputs = told[name]?.outputs }] of declared) {
    if (outputs === undefined) {
      const known = Object.keys(told).join(', ') || 'none';
      throw refusal(label, config, `it tells no signature ${name} (it has ${known}), whose outputs are not declared`);
    }
    signatures[name] = { name, inputs, outputs };
  }
  if (Object.keys(signatures).length === 0)
    throw refusal(label, config, 'none of its signatures takes rows of the dtypes that Fanfold has');
  return signatures;
}

/** Rows are sent: each input needs a batch dimension. */
function isServable(config: RemoteConfig, { inputs }: ServerSignature): boolean {
  if (config.instances === 'value' && inputs.length !== 1) return false;
  return inputs.length > 0 && inputs.every(({ shape }) => shape === null || shape.length > 0);
}

async function askServer(
  label: string,
  config: RemoteConfig,
  protocol: Protocol,
  client: RemoteClient,
): Promise<Readonly<Record<string, ServerSignature>>> {
  try {
    const text = await client.ask(protocol.metadataUrl(config.url), undefined);
    return protocol.readMetadata(parseExactJson(text));
  } catch (error) {
    if (error instanceof RemoteError && (error.isTransient || error.status === 'UNAVAILABLE')) throw error;
    throw refusal(label, config, messageOf(error), error);
  }
}

function refusal(label: string, { url }: RemoteConfig, what: string, cause?: unknown): PermanentError {
  const message = `${label}: the signatures cannot be read from ${url.href}: ${what}`;
  return new PermanentError('FAILED_PRECONDITION', message, { cause });
}
