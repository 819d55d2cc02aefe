import { PermanentError } from '../errors.ts';
import { readAll } from '../input.ts';
import type { ObjectRef, ObjectStore } from '../ports.ts';
import type { ReadObject } from './format.ts';

/** The bucket that is all of this machine's files: `/`. */
const LOCAL_ROOT = '/';

/**
 * Reads the objects that a list names, from the store that holds the list.
 * @param list the list itself (not a staged copy of it): relative URIs are resolved in its folder.
 * @param maxBytes of one object; a larger one is refused before it is read.
 */
export function readObjectFor(
  objects: ObjectStore,
  list: Pick<ObjectRef, 'bucket' | 'name'>,
  maxBytes: number,
): ReadObject {
  return async (uri) => {
    const { bucket, name } = resolveUri(uri, list);
    const object = await objects.stat(bucket, name);
    if (object === undefined) throw new PermanentError('NOT_FOUND', `file-list: ${shown(uri)}: no such object`);
    if (object.size > maxBytes) {
      throw new PermanentError(
        'INVALID_ARGUMENT',
        `file-list: ${shown(uri)}: found ${object.size} bytes, expected at most ${maxBytes} (maxRowBytes)`,
      );
    }
    return readAll(objects.read(object, 0, object.size), object.size);
  };
}

/**
 * The object that a line of the list names: `gs://bucket/name`; a name relative to the list's own folder; and, where the list is a file of this
 * machine, a path or a file: URL.
 * @throws PermanentError INVALID_ARGUMENT for any other kind of URI, and where `..` leads out of the bucket.
 */
export function resolveUri(uri: string, list: Pick<ObjectRef, 'bucket' | 'name'>): Pick<ObjectRef, 'bucket' | 'name'> {
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]+):/.exec(uri)?.[1]?.toLowerCase();
  const local = list.bucket === LOCAL_ROOT;
  if (scheme === 'gs') {
    const [, bucket, name] = /^gs:\/\/([^/]+)\/(.+)$/i.exec(uri) ?? [];
    if (bucket === undefined || name === undefined) refuse(uri, 'expected gs://bucket/name');
    return { bucket, name };
  }
  if (scheme === 'file' && local) return { bucket: LOCAL_ROOT, name: within(uri, filePath(uri), '') };
  if (scheme !== undefined && /^[a-z][a-z0-9+.-]+:\/\//i.test(uri)) {
    refuse(uri, `found a ${scheme}: URI, expected gs://bucket/name or a name relative to the list`);
  }
  if (uri.startsWith('/')) {
    if (!local)
      refuse(uri, `expected gs://bucket/name or a name relative to the list: the list is in bucket ${list.bucket}`);
    return { bucket: LOCAL_ROOT, name: within(uri, uri.slice(1), '') };
  }
  return { bucket: list.bucket, name: within(uri, uri, list.name.slice(0, list.name.lastIndexOf('/') + 1)) };
}

function filePath(uri: string): string {
  const [, path] = /^file:\/\/(?:localhost)?\/(.*)$/i.exec(uri) ?? [];
  if (path === undefined) refuse(uri, 'expected file:///path');
  try {
    return decodeURIComponent(path);
  } catch {
    return refuse(uri, 'found a broken percent escape');
  }
}

/** The name in the folder (empty, or ending in a slash), without `.` and `..`. */
function within(uri: string, name: string, folder: string): string {
  const segments = folder.split('/').slice(0, -1);
  for (const segment of name.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') segments.push(segment);
    else if (segments.pop() === undefined) refuse(uri, 'found .. that leads out of the bucket');
  }
  return segments.join('/');
}

function refuse(uri: string, what: string): never {
  throw new PermanentError('INVALID_ARGUMENT', `file-list: ${shown(uri)}: ${what}`);
}

function shown(uri: string): string {
  return uri.length <= 200 ? uri : `${uri.slice(0, 200)}…`;
}
