import { invalid, required } from './api-error.ts';
import { commitObject } from './commit.ts';
import { storeContent } from './content-store.ts';
import type { Content } from './content-store.ts';
import { jsonReply } from './http.ts';
import type { Call, Reply } from './http.ts';
import { optionalString, parseJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { boundaryOf, parseMultipart } from './multipart.ts';
import { checkObjectName } from './names.ts';
import { checkPreconditions, readPreconditions } from './preconditions.ts';
import type { Preconditions } from './preconditions.ts';
import { objectSettings } from './records.ts';
import type { ObjectRecord, ObjectSettings } from './records.ts';
import { objectResource } from './resources.ts';
import type { Handler, Service } from './service.ts';

/** Checksums that an uploader declared; what arrives must have them. */
export interface DeclaredChecksums {
  readonly crc32c?: string;
  readonly md5Hash?: string;
}

/** What an upload will become, known before its bytes. */
export interface UploadPlan {
  readonly bucket: string;
  readonly name: string;
  readonly settings: ObjectSettings;
  readonly declared: DeclaredChecksums;
  readonly wanted: Preconditions;
}

/** Source: https://cloud.google.com/storage/docs/json_api/v1/objects/insert */
export const insertMedia: Handler = (service, call, { bucket }) => {
  const plan = planUpload(service, call, bucket, {}, call.headers['content-type']);
  return upload(service, plan, call.body);
};

/** Source: https://cloud.google.com/storage/docs/uploading-objects#rest-upload-objects (multipart) */
export const insertMultipart: Handler = async (service, call, { bucket }) => {
  const boundary = boundaryOf(call.headers['content-type']);
  const { metadata, mediaType, media } = await parseMultipart(call.body, boundary);
  return upload(service, planUpload(service, call, bucket, parseJsonObject(metadata), mediaType), media);
};

async function upload(service: Service, plan: UploadPlan, bytes: AsyncIterable<Buffer>): Promise<Reply> {
  const record = finishUpload(service, plan, await storeContent(service.content, bytes));
  return jsonReply(objectResource(record, service.baseUrl));
}

/** Reads what an upload is to become; 400, 404 or 412 where that is already known to fail. */
export function planUpload(
  { catalogue }: Service,
  { query, headers }: Call,
  bucket: string,
  metadata: JsonObject,
  mediaType: string | undefined,
): UploadPlan {
  const name = query.get('name') ?? optionalString(metadata, 'name');
  if (name === undefined) throw required('name');
  checkObjectName(name);
  const given = objectSettings(metadata);
  const contentType = given.contentType ?? mediaType;
  const contentEncoding = query.get('contentEncoding') ?? given.contentEncoding;
  const settings = {
    ...given,
    ...(contentType ? { contentType } : {}),
    ...(contentEncoding ? { contentEncoding } : {}),
  };
  const wanted = readPreconditions(query);
  checkPreconditions(wanted, catalogue.live(bucket, name));
  const declared = { ...checksumFields(metadata), ...hashHeader(headers['x-goog-hash']) };
  return { bucket, name, settings, declared, wanted };
}

/** Makes stored content the planned object; 400 if its checksums are not as declared, and then the content is gone. */
export function finishUpload(service: Service, plan: UploadPlan, content: Content): ObjectRecord {
  try {
    checkDeclared(plan.declared, content);
  } catch (error) {
    service.content.remove(content.contentId, content.size);
    throw error;
  }
  const { bucket, name, settings, wanted } = plan;
  return commitObject(service, { bucket, name, settings, content }, wanted);
}

function checkDeclared({ crc32c, md5Hash }: DeclaredChecksums, content: Content): void {
  if ((crc32c ?? content.crc32c) !== content.crc32c) {
    throw invalid(`Provided CRC32C "${crc32c}" doesn't match calculated CRC32C "${content.crc32c}".`);
  }
  if ((md5Hash ?? content.md5Hash) !== content.md5Hash) {
    throw invalid(`Provided MD5 hash "${md5Hash}" doesn't match calculated MD5 hash "${content.md5Hash}".`);
  }
}

function checksumFields(metadata: JsonObject): DeclaredChecksums {
  const crc32c = optionalString(metadata, 'crc32c');
  const md5Hash = optionalString(metadata, 'md5Hash');
  return { ...(crc32c === undefined ? {} : { crc32c }), ...(md5Hash === undefined ? {} : { md5Hash }) };
}

/** Reads `x-goog-hash: crc32c=…,md5=…`. Source: https://cloud.google.com/storage/docs/xml-api/reference-headers */
export function hashHeader(header: string | string[] | undefined): DeclaredChecksums {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  const crc32c = /(?:^|,)\s*crc32c=([^,\s]+)/.exec(text)?.[1];
  const md5Hash = /(?:^|,)\s*md5=([^,\s]+)/.exec(text)?.[1];
  return { ...(crc32c === undefined ? {} : { crc32c }), ...(md5Hash === undefined ? {} : { md5Hash }) };
}
