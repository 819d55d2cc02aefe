import { createGunzip } from 'node:zlib';
import { pipeline } from 'node:stream';
import { ApiError } from './api-error.ts';
import { parseRange } from './byte-range.ts';
import { readableOf } from './content-store.ts';
import type { ContentReader } from './content-store.ts';
import type { Call, Reply } from './http.ts';
import { addressed } from './objects.ts';
import type { ObjectRecord } from './records.ts';
import { objectEtag } from './resources.ts';
import type { Handler } from './service.ts';

const GZIP_MAGIC = '1f8b';

/**
 * An object's bytes: whole, a range, or gunzipped.
 * Source: https://cloud.google.com/storage/docs/json_api/v1/objects/get and https://cloud.google.com/storage/docs/transcoding
 */
export const downloadObject: Handler = (service, call, names) => {
  const record = addressed(service, call.query, names, true);
  const reader = service.content.open(record.contentId);
  try {
    const headers = mediaHeaders(record);
    if (isTranscoded(record, call, reader)) return gunzipped(record, reader, headers);
    return stored(record, reader, headers, call.headers.range);
  } catch (error) {
    reader.close();
    throw error;
  }
};

function stored(
  record: ObjectRecord,
  reader: ContentReader,
  common: Record<string, string>,
  range: string | undefined,
): Reply {
  const { size, settings } = record;
  const asked = parseRange(range, size);
  if (asked === 'unsatisfiable') {
    const headers = { 'content-range': `bytes */${size}` };
    throw new ApiError(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable', { headers });
  }
  const { start, end } = asked === 'all' ? { start: 0, end: size } : asked;
  const headers = {
    ...common,
    'accept-ranges': 'bytes',
    'content-length': String(end - start),
    ...(settings.contentEncoding === undefined ? {} : { 'content-encoding': settings.contentEncoding }),
    ...(asked === 'all' ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
  };
  return { status: asked === 'all' ? 200 : 206, headers, body: readableOf(reader, start, end) };
}

/** Decompressive transcoding: no length, no Range, and a warning that the checksums are of other bytes. */
function gunzipped(record: ObjectRecord, reader: ContentReader, common: Record<string, string>): Reply {
  const headers = { ...common, warning: '214 UploadServer gunzipped', vary: 'Accept-Encoding' };
  const body = pipeline(readableOf(reader, 0, record.size), createGunzip(), () => undefined);
  return { status: 200, headers, body };
}

function isTranscoded({ settings }: ObjectRecord, { headers }: Call, reader: ContentReader): boolean {
  if (settings.contentEncoding !== 'gzip' || settings.cacheControl?.includes('no-transform')) return false;
  if (acceptsGzip(headers['accept-encoding'])) return false;
  return reader.peek(2).toString('hex') === GZIP_MAGIC;
}

/** Source: RFC 9110, section 12.5.3. */
function acceptsGzip(header: string | string[] | undefined): boolean {
  const codings = String(header ?? '').split(',');
  return codings.some((coding) => /^\s*gzip\s*(;|$)/i.test(coding) && !/;\s*q=0(\.0*)?\s*$/i.test(coding));
}

function mediaHeaders(record: ObjectRecord): Record<string, string> {
  const { settings, md5Hash } = record;
  const headers: Record<string, string | undefined> = {
    'content-type': settings.contentType ?? 'application/octet-stream',
    'cache-control': settings.cacheControl,
    'content-disposition': settings.contentDisposition,
    'content-language': settings.contentLanguage,
    etag: objectEtag(record),
    'last-modified': new Date(record.timeCreated).toUTCString(),
    'x-goog-generation': record.generation,
    'x-goog-metageneration': String(record.metageneration),
    'x-goog-hash': `crc32c=${record.crc32c}${md5Hash === undefined ? '' : `,md5=${md5Hash}`}`,
    'x-goog-storage-class': settings.storageClass ?? 'STANDARD',
    'x-goog-stored-content-encoding': settings.contentEncoding ?? 'identity',
    'x-goog-stored-content-length': String(record.size),
    'x-goog-component-count': record.componentCount === undefined ? undefined : String(record.componentCount),
  };
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(given);
}
