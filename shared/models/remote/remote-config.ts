import { z } from 'zod';

import { PermanentError } from '../../errors.ts';
import { DTYPES } from '../../tensor.ts';
import type { TensorSpec } from '../../tensor.ts';
import { DEFAULT_SIGNATURE } from '../model.ts';
import type { ModelFiles } from '../model.ts';
import { parseJsonFile } from '../serving-config.ts';
import { checkUrl } from './remote-url.ts';

const REMOTE_CONFIG = 'remote.json';

/** Vertex AI's public endpoints refuse larger requests: https://cloud.google.com/vertex-ai/docs/predictions/get-online-predictions */
const VERTEX_MAX_REQUEST_BYTES = 1_500_000;
const MAX_REQUEST_BYTES = 32 * 2 ** 20;
const MAX_RESPONSE_BYTES = 32 * 2 ** 20;
const GREATEST_BYTES = 512 * 2 ** 20;
const MAX_DIMENSION = 2 ** 31 - 1;
const MAX_RANK = 8;
const MAX_TENSORS = 1000;

const name = z.string().min(1).max(1000);
const tensorSpec = z.strictObject({
  name,
  dtype: z.enum(DTYPES),
  /** Batch dimension first; null is a dimension of any size, or any rank. */
  shape: z.array(z.int().min(0).max(MAX_DIMENSION).nullable()).max(MAX_RANK).nullable(),
}) satisfies z.ZodType<TensorSpec>;
const tensorSpecs = z.array(tensorSpec).min(1).max(MAX_TENSORS).refine(namesDiffer, 'two tensors have the same name');
const signature = z.strictObject({ inputs: tensorSpecs, outputs: tensorSpecs.optional() });

/** Fanfold's own headers, and those that carry secrets: a model's files are no place for them. */
const REFUSED_HEADERS =
  /^(?:authorization|proxy-authorization|cookie|x-api-key|x-goog-api-key|host|connection|te|upgrade|transfer-encoding|expect|content-.*|accept.*)$/i;
const headers = z
  .record(z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/), z.string().regex(/^[\t\x20-\x7e]{0,1000}$/))
  .refine((given) => !Object.keys(given).some((header) => REFUSED_HEADERS.test(header)), {
    error: 'names a header of secrets (write "auth" instead) or one that Fanfold itself sets',
  });

const seconds = (least: number, most: number): z.ZodNumber => z.number().min(least).max(most);

const schema = z
  .strictObject({
    protocol: z.enum(['tf-serving', 'vertex', 'kserve-v2', 'open-inference']),
    url: z.string().min(1).max(2000),
    /** Plain HTTP to a host that is not this machine. */
    allowHttp: z.boolean().default(false),
    /** By name; `signature` is short for a single serving_default. */
    signatures: z.record(name, signature).optional(),
    signature: signature.optional(),
    /** The signatures are fetched from the server when the model is loaded. */
    metadata: z.boolean().default(false),
    /** How an instance of one input stands in a request: `{"x": 1}`, or its bare value. */
    instances: z.enum(['object', 'value']).default('object'),
    /** Sent along with every request, as the protocol has it. */
    parameters: z.record(z.string(), z.json()).optional(),
    /** Rows in one request. */
    batchSize: z.int().min(1).max(10_000).default(64),
    /** Of one request, from connecting to the answer's last byte. */
    timeoutSeconds: seconds(0.01, 3600).default(60),
    retries: z
      .strictObject({
        /** Attempts after the first one. */
        max: z.int().min(0).max(10).default(4),
        initialBackoffSeconds: seconds(0, 60).default(0.2),
        maxBackoffSeconds: seconds(0, 600).default(10),
        /** A server that asks for a longer pause (Retry-After) is not asked again. */
        maxRetryAfterSeconds: seconds(0, 600).default(60),
      })
      .prefault({}),
    /** Requests under way at a time, of one worker's session. */
    maxConcurrency: z.int().min(1).max(64).default(4),
    circuitBreaker: z
      .strictObject({
        /** Failed attempts in a row that open it. */
        failures: z.int().min(1).max(1000).default(10),
        resetSeconds: seconds(0.01, 3600).default(30),
      })
      .prefault({}),
    auth: z.enum(['none', 'google-id-token', 'google-access-token']).default('none'),
    headers: headers.default({}),
    maxRequestBytes: z.int().min(1000).max(GREATEST_BYTES).optional(),
    maxResponseBytes: z.int().min(1000).max(GREATEST_BYTES).default(MAX_RESPONSE_BYTES),
  })
  .refine((config) => config.signature === undefined || config.signatures === undefined, {
    error: 'signature and signatures exclude each other: give one of them',
  });

type Written = z.infer<typeof schema>;

interface DeclaredSignature {
  readonly inputs: readonly TensorSpec[];
  /** Undefined: the server's metadata tells. */
  readonly outputs?: readonly TensorSpec[] | undefined;
}

/** remote.json, checked, with every default filled in. */
export interface RemoteConfig extends Omit<Written, 'protocol' | 'url' | 'signature' | 'signatures'> {
  readonly protocol: 'tf-serving' | 'vertex' | 'kserve-v2';
  /** The model's own address, without a slash at its end; the protocol appends `:predict` or `/infer`. */
  readonly url: URL;
  /** By name; empty where the server's metadata tells all. */
  readonly signatures: Readonly<Record<string, DeclaredSignature>>;
  readonly maxRequestBytes: number;
}

/** @throws PermanentError INVALID_ARGUMENT naming every field that is wrong or unknown. */
export async function readRemoteConfig(files: ModelFiles): Promise<RemoteConfig> {
  const value = parseJsonFile(files, REMOTE_CONFIG, await files.read(REMOTE_CONFIG));
  const refuse = (what: string): never => {
    throw new PermanentError('INVALID_ARGUMENT', `${files.label}: ${REMOTE_CONFIG}: ${what}`);
  };
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => {
      const path = issue.path.map(String).join('.');
      return path === '' ? issue.message : `${path}: ${issue.message}`;
    });
    return refuse(issues.join('; '));
  }
  const { signature: single, signatures = {}, ...config } = parsed.data;
  const declared = single === undefined ? signatures : { [DEFAULT_SIGNATURE]: single };
  const protocol = config.protocol === 'open-inference' ? 'kserve-v2' : config.protocol;
  const url = checkUrl(config, refuse);
  const incomplete = Object.entries(declared).find(([, { outputs }]) => outputs === undefined);
  if (!config.metadata && Object.keys(declared).length === 0)
    refuse('no signature: declare "signature" (inputs and outputs), or write "metadata": true to ask the server');
  if (protocol === 'vertex' && (config.metadata || incomplete !== undefined))
    refuse(
      'a Vertex AI endpoint tells no signatures: declare the inputs and outputs of "signature", without "metadata"',
    );
  const stranger = Object.keys(declared).find((key) => key !== DEFAULT_SIGNATURE);
  if (protocol !== 'tf-serving' && stranger !== undefined)
    refuse(`signature ${stranger}: ${protocol} knows no signatures; declare ${DEFAULT_SIGNATURE} only`);
  for (const [key, { inputs }] of Object.entries(declared)) {
    const scalar = inputs.find(({ shape }) => shape?.length === 0);
    if (scalar !== undefined)
      refuse(`signature ${key}: input ${scalar.name} has the shape []; expected the batch dimension (null) first`);
    if (config.instances === 'value' && inputs.length > 1)
      refuse(`signature ${key} has ${inputs.length} inputs: "instances": "value" is for one`);
  }
  const limit = protocol === 'vertex' ? VERTEX_MAX_REQUEST_BYTES : MAX_REQUEST_BYTES;
  return { ...config, protocol, url, signatures: declared, maxRequestBytes: config.maxRequestBytes ?? limit };
}

function namesDiffer(specs: readonly { readonly name: string }[]): boolean {
  return new Set(specs.map((spec) => spec.name)).size === specs.length;
}
