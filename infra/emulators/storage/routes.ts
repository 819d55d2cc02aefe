import { ApiError, notEmulated } from './api-error.ts';
import { deleteBucket, getBucket, insertBucket, listBuckets, patchBucket, updateBucket } from './buckets.ts';
import { composeObject } from './compose.ts';
import { downloadObject } from './downloads.ts';
import type { ErrorStyle } from './http.ts';
import { listObjects } from './list-objects.ts';
import { deleteObject, getObject, patchObject, updateObject } from './objects.ts';
import { cancelResumable, continueResumable, startResumable } from './resumable.ts';
import { copyObject, rewriteObject } from './rewrite.ts';
import type { Handler, Names } from './service.ts';
import { insertMedia, insertMultipart } from './uploads.ts';

/** Every operation by the name that faults use for it. */
const HANDLERS = {
  'buckets.insert': insertBucket,
  'buckets.list': listBuckets,
  'buckets.get': getBucket,
  'buckets.patch': patchBucket,
  'buckets.update': updateBucket,
  'buckets.delete': deleteBucket,
  'objects.insert': insertMultipart,
  'objects.insert-media': insertMedia,
  'objects.list': listObjects,
  'objects.get': getObject,
  'objects.download': downloadObject,
  'objects.patch': patchObject,
  'objects.update': updateObject,
  'objects.delete': deleteObject,
  'objects.compose': composeObject,
  'objects.copy': copyObject,
  'objects.rewrite': rewriteObject,
  'uploads.start': startResumable,
  'uploads.continue': continueResumable,
  'uploads.cancel': cancelResumable,
} as const satisfies Readonly<Record<string, Handler>>;

export type Operation = keyof typeof HANDLERS;

export const isOperation = (name: unknown): name is Operation =>
  typeof name === 'string' && Object.hasOwn(HANDLERS, name);

export interface Route {
  readonly operation: Operation;
  readonly handler: Handler;
  readonly names: Names;
  readonly errors: ErrorStyle;
}

const BUCKETS: Readonly<Record<string, Operation>> = { GET: 'buckets.list', POST: 'buckets.insert' };

const BUCKET: Readonly<Record<string, Operation>> = {
  GET: 'buckets.get',
  PATCH: 'buckets.patch',
  PUT: 'buckets.update',
  DELETE: 'buckets.delete',
};

const OBJECT: Readonly<Record<string, Operation>> = {
  GET: 'objects.get',
  PATCH: 'objects.patch',
  PUT: 'objects.update',
  DELETE: 'objects.delete',
};

/** Which operation a request asks for; 404, 405 or 501 if none. `segments` is the decoded path. */
export function findRoute(method: string, segments: readonly string[], query: URLSearchParams): Route {
  const isApi = segments[0] === 'storage' && segments[1] === 'v1' && segments[2] === 'b';
  const isTransfer = segments[1] === 'storage' && segments[2] === 'v1' && segments[3] === 'b' && segments[5] === 'o';
  if (isApi) return apiRoute(method, segments.slice(3), query);
  if (isTransfer && segments[0] === 'upload') {
    return route(uploadOperation(method, query), { bucket: segments[4] ?? '' });
  }
  if (isTransfer && segments[0] === 'download') {
    const names = { bucket: segments[4] ?? '', object: segments.slice(6).join('/') };
    return route(method === 'GET' || method === 'HEAD' ? 'objects.download' : undefined, names, 'text');
  }
  const [bucket = '', ...object] = segments;
  if (bucket === '' || object.join('') === '') throw new ApiError(404, 'notFound', 'Not Found');
  if (method !== 'GET' && method !== 'HEAD') throw notEmulated('the XML API beyond downloads');
  return route('objects.download', { bucket, object: object.join('/') }, 'xml');
}

function apiRoute(method: string, path: readonly string[], query: URLSearchParams): Route {
  const [bucket = '', kind, object = '', verb, , destinationBucket = '', , destinationObject = ''] = path;
  const names = { bucket, object, destinationBucket, destinationObject };
  if (bucket === '') return route(BUCKETS[method], names);
  if (kind === undefined || kind === '') return route(BUCKET[method], names);
  if (kind !== 'o') throw notEmulated(`/storage/v1/b/BUCKET/${kind}`);
  if (object === '') return route(method === 'GET' ? 'objects.list' : undefined, names);
  if (verb === undefined) {
    const isMedia = (method === 'GET' || method === 'HEAD') && query.get('alt') === 'media';
    return isMedia ? route('objects.download', names, 'text') : route(OBJECT[method], names);
  }
  const verbs: Readonly<Record<string, Operation>> = {
    compose: 'objects.compose',
    copyTo: 'objects.copy',
    rewriteTo: 'objects.rewrite',
  };
  if (verbs[verb] === undefined) throw notEmulated(`objects.${verb}`);
  return route(method === 'POST' ? verbs[verb] : undefined, names);
}

function uploadOperation(method: string, query: URLSearchParams): Operation | undefined {
  if (query.has('upload_id')) {
    if (method === 'DELETE') return 'uploads.cancel';
    return method === 'PUT' || method === 'POST' ? 'uploads.continue' : undefined;
  }
  const types: Readonly<Record<string, Operation>> = {
    media: 'objects.insert-media',
    multipart: 'objects.insert',
    resumable: 'uploads.start',
  };
  return method === 'POST' ? types[query.get('uploadType') ?? 'media'] : undefined;
}

function route(operation: Operation | undefined, names: Partial<Names>, errors: ErrorStyle = 'json'): Route {
  if (operation === undefined) throw new ApiError(405, 'methodNotAllowed', 'Method Not Allowed');
  const all = { bucket: '', object: '', destinationBucket: '', destinationObject: '', ...names };
  return { operation, handler: HANDLERS[operation], names: all, errors };
}
