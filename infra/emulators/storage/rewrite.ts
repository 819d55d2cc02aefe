import { randomUUID } from 'node:crypto';
import { invalid, invalidParameter } from './api-error.ts';
import { commitObject } from './commit.ts';
import type { ContentReader, ContentWriter } from './content-store.ts';
import { jsonReply, readJson } from './http.ts';
import type { JsonObject } from './json.ts';
import { checkObjectName } from './names.ts';
import { checkPreconditions, int64Parameter, readPreconditions } from './preconditions.ts';
import type { Preconditions } from './preconditions.ts';
import { objectSettings } from './records.ts';
import type { ObjectRecord, ObjectSettings } from './records.ts';
import { objectResource } from './resources.ts';
import type { Handler, Names, Service } from './service.ts';

/** `maxBytesRewrittenPerCall` must be a multiple of this. */
const STEP_BYTES = 1024 * 1024;

/** Most rewrites that wait for their next call; the oldest is forgotten beyond it. */
const MAX_PENDING = 100;

interface Rewrite {
  readonly names: Names;
  readonly source: ObjectRecord;
  readonly settings: ObjectSettings;
  readonly wanted: Preconditions;
  readonly reader: ContentReader;
  readonly writer: ContentWriter;
}

/** Rewrites that are not done, by token. Tokens do not outlive the process. */
export type Rewrites = Map<string, Rewrite>;

/** Source: https://cloud.google.com/storage/docs/json_api/v1/objects/copy */
export const copyObject: Handler = async (service, call, names) => {
  const rewrite = begin(service, call.query, await readJson(call), names);
  const record = await advance(service, rewrite, Infinity);
  return jsonReply(objectResource(record ?? rewrite.source, service.baseUrl));
};

/**
 * Copies in as many calls as `maxBytesRewrittenPerCall` makes it. Google needs several only across locations or storage
 * classes; here every rewrite honours the limit, so that a client's loop can be tested.
 * Source: https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite
 */
export const rewriteObject: Handler = async (service, call, names) => {
  const body = await readJson(call);
  const token = call.query.get('rewriteToken');
  const limit = int64Parameter(call.query, 'maxBytesRewrittenPerCall');
  if (limit !== undefined && (Number(limit) === 0 || Number(limit) % STEP_BYTES !== 0)) {
    throw invalidParameter('maxBytesRewrittenPerCall', 'maxBytesRewrittenPerCall must be a multiple of 1 MiB.');
  }
  const rewrite = token ? resume(service.rewrites, token, names) : begin(service, call.query, body, names);
  const record = await advance(service, rewrite, Number(limit ?? Infinity));
  return jsonReply({
    kind: 'storage#rewriteResponse',
    totalBytesRewritten: String(record?.size ?? rewrite.writer.size),
    objectSize: String(rewrite.source.size),
    done: record !== undefined,
    ...(record === undefined
      ? { rewriteToken: await suspend(service.rewrites, rewrite) }
      : { resource: objectResource(record, service.baseUrl) }),
  });
};

function begin(service: Service, query: URLSearchParams, body: JsonObject, names: Names): Rewrite {
  const { catalogue, content } = service;
  catalogue.bucket(names.bucket);
  const source = catalogue.find(names.bucket, names.object, int64Parameter(query, 'sourceGeneration'));
  checkPreconditions(readPreconditions(query, 'ifSource'), source);
  const wanted = readPreconditions(query);
  checkObjectName(names.destinationObject);
  checkPreconditions(wanted, catalogue.live(names.destinationBucket, names.destinationObject));
  const given = objectSettings(body);
  const settings = Object.keys(given).length > 0 ? given : source.settings;
  return { names, source, settings, wanted, reader: content.open(source.contentId), writer: content.create() };
}

function resume(rewrites: Rewrites, token: string, names: Names): Rewrite {
  const rewrite = rewrites.get(token);
  if (rewrite === undefined) throw invalid('Invalid rewrite token.');
  const same = (Object.keys(names) as (keyof Names)[]).every((key) => names[key] === rewrite.names[key]);
  if (!same) throw invalid('The rewrite token belongs to another source or destination.');
  rewrites.delete(token);
  return rewrite;
}

async function suspend(rewrites: Rewrites, rewrite: Rewrite): Promise<string> {
  await rewrite.writer.release();
  const token = randomUUID();
  rewrites.set(token, rewrite);
  const [oldest] = rewrites;
  if (rewrites.size > MAX_PENDING && oldest !== undefined) {
    await abandon(rewrites, ...oldest);
  }
  return token;
}

/** Forgets a rewrite and what it copied. */
export async function abandon(rewrites: Rewrites, token: string, { reader, writer }: Rewrite): Promise<void> {
  rewrites.delete(token);
  reader.close();
  await writer.discard();
}

/** Copies up to `limit` bytes more; the new record if that was the last. */
async function advance(service: Service, rewrite: Rewrite, limit: number): Promise<ObjectRecord | undefined> {
  const { names, source, settings, wanted, reader, writer } = rewrite;
  try {
    const end = Math.min(source.size, writer.size + limit);
    for await (const block of reader.read(writer.size, end)) await writer.write(block);
    if (end < source.size) return undefined;
  } catch (error) {
    reader.close();
    await writer.discard();
    throw error;
  }
  reader.close();
  const { componentCount } = source;
  const { destinationBucket: bucket, destinationObject: name } = names;
  return commitObject(service, { bucket, name, settings, content: await writer.finish(), componentCount }, wanted);
}
