import { isDeepStrictEqual } from 'node:util';

import type { Bucket, File } from '@google-cloud/storage';

import { crc32c, encodeCrc32c } from '../../shared/crc32c.ts';
import { PermanentError } from '../../shared/errors.ts';
import { readAll } from '../../shared/input.ts';
import { mapConcurrent } from '../../shared/map-concurrent.ts';
import { writeModelConfig } from '../../shared/models/model-config.ts';
import { alreadyExists, checkNewVersion } from '../../shared/models/registry.ts';
import type { ByteStream, ModelConfig, NewModelFile, ObjectStore, StoredObject } from '../../shared/ports.ts';
import { listPages } from './list-objects.ts';
import { isMissing, isTaken, translated } from './storage-errors.ts';

/** Objects written or deleted at a time. */
const AT_A_TIME = 8;
/** Up to here a file goes in one request. */
const SMALL_BYTES = 4 * 2 ** 20;

interface Place {
  readonly bucket: Bucket;
  readonly objects: ObjectStore;
}

/** The object that says: this version is being published or removed, or its publisher was interrupted. */
export function incompleteMark(model: string, version: string): string {
  return `${model}/.incomplete-${version}`;
}

/**
 * Whoever creates the mark has the version to itself: two imports of one version never mix their files. With the mark's end it is there, whole;
 * a mark that a killed import left hides what it wrote until `remove`.
 */
export async function publishVersion(
  place: Place,
  model: string,
  version: string,
  files: readonly NewModelFile[],
): Promise<void> {
  checkNewVersion(model, version, files);
  const { bucket, objects } = place;
  if (await hasObjects(place, model, version)) throw await taken(place, model, version);
  const mark = incompleteMark(model, version);
  const ours = Buffer.from(crypto.randomUUID());
  const { created, object } = await objects.create(bucket.name, mark, ours);
  // An answer that was lost made the client send the mark again: it is ours if it says so.
  if (!created && !ours.equals(await readAll(objects.read(object, 0, object.size), object.size)))
    throw await taken(place, model, version);
  // Published by another between our look and our mark.
  if (await hasObjects(place, model, version)) {
    await discard(bucket, object);
    throw alreadyExists(model, version);
  }
  const uploads = await uploadAll(place, `${model}/${version}/`, files);
  // Only the mark that is still ours is taken away; one that is gone was deleted by somebody who took this for an interrupted import.
  if (uploads.failure === undefined && (await discard(bucket, object))) return;
  // Or deleted by that very call, whose answer was lost so that the client sent it again: then all is there, and nobody else's mark.
  if (uploads.failure === undefined && (await isThere(place, mark, uploads.objects))) return;
  await mapConcurrent(uploads.objects, AT_A_TIME, (uploaded) => discard(bucket, uploaded));
  if (uploads.failure === undefined) {
    const message = `${model}@${version} was deleted while it was imported: import it again`;
    throw new PermanentError('ABORTED', message);
  }
  await discard(bucket, object);
  throw uploads.failure.error;
}

interface Uploads {
  readonly objects: readonly StoredObject[];
  readonly failure: { readonly error: unknown } | undefined;
}

/** Returns when no upload is under way any more: none may come after the clean-up. */
async function uploadAll(place: Place, prefix: string, files: readonly NewModelFile[]): Promise<Uploads> {
  const objects: StoredObject[] = [];
  let failure: Uploads['failure'];
  await mapConcurrent(files, AT_A_TIME, async (file) => {
    if (failure !== undefined) return;
    try {
      objects.push(await upload(place, prefix + file.name, file));
    } catch (error) {
      failure ??= { error };
    }
  });
  return { objects, failure };
}

/** Deletes an object where it is still of that generation. @returns false where it is not. */
async function discard(bucket: Bucket, { name, generation }: StoredObject): Promise<boolean> {
  try {
    await bucket.file(name).delete({ ifGenerationMatch: Number(generation) });
    return true;
  } catch (error) {
    if (isMissing(error) || isTaken(error)) return false;
    throw translated(error, `${bucket.name}/${name}`);
  }
}

async function isThere({ bucket, objects }: Place, mark: string, uploaded: readonly StoredObject[]): Promise<boolean> {
  if ((await objects.stat(bucket.name, mark)) !== undefined) return false;
  const found = await mapConcurrent(uploaded, AT_A_TIME, ({ name }) => objects.stat(bucket.name, name));
  return uploaded.every(({ generation }, index) => found[index]?.generation === generation);
}

/** @throws PermanentError ABORTED where somebody else wrote something else there. */
async function upload({ bucket, objects }: Place, name: string, file: NewModelFile): Promise<StoredObject> {
  const content = exactly(file);
  const { created, object } = await objects.create(
    bucket.name,
    name,
    file.size <= SMALL_BYTES ? await readAll(content, file.size) : content,
  );
  // Taken by this very call, whose answer was lost; or by another import, after somebody deleted our mark.
  if (created || object.crc32c === (await checksumOf(file))) return object;
  throw new PermanentError(
    'ABORTED',
    `${bucket.name}/${name} was written by another import meanwhile: import it again`,
  );
}

async function checksumOf(file: NewModelFile): Promise<string> {
  let crc = 0;
  for await (const chunk of exactly(file)) crc = crc32c(chunk, crc);
  return encodeCrc32c(crc);
}

/** @throws PermanentError ABORTED where the content has another size than it was said to have. */
async function* exactly({ name, size, content }: NewModelFile): ByteStream {
  let read = 0;
  for await (const chunk of content()) {
    read += chunk.length;
    if (read > size) break;
    yield chunk;
  }
  if (read === size) return;
  const found = read > size ? 'more' : `${read}`;
  throw new PermanentError('ABORTED', `${name}: found ${found} bytes, expected ${size}: it changed while it was read`);
}

async function taken(place: Place, model: string, version: string): Promise<PermanentError> {
  const mark = await place.objects.stat(place.bucket.name, incompleteMark(model, version));
  const what = 'is being imported or deleted; if that was interrupted, delete what it left';
  return alreadyExists(model, version, mark === undefined ? undefined : what);
}

/** Marks the version as gone, then deletes its objects, then the mark: interrupted, it goes on where it is called again. */
export async function removeVersion(place: Place, model: string, version: string): Promise<void> {
  const { bucket, objects } = place;
  const mark = incompleteMark(model, version);
  if (!(await hasObjects(place, model, version)) && (await objects.stat(bucket.name, mark)) === undefined)
    throw new PermanentError('NOT_FOUND', `model ${model} has no version ${version} in ${bucket.name}`);
  await objects.create(bucket.name, mark, Buffer.from(crypto.randomUUID()));
  for await (const page of listPages(bucket, `${model}/${version}/`))
    await mapConcurrent(page.objects, AT_A_TIME, ({ name }) => objects.delete(bucket.name, name));
  await objects.delete(bucket.name, mark);
}

async function hasObjects({ bucket, objects }: Place, model: string, version: string): Promise<boolean> {
  for await (const _ of objects.list(bucket.name, `${model}/${version}/`)) return true;
  return false;
}

/**
 * Writes the configuration where the file is still of that generation (undefined: where there is none).
 * @returns false where it is not.
 */
export async function replaceConfig(
  file: File,
  generation: string | undefined,
  known: ModelConfig,
  next: ModelConfig,
): Promise<boolean> {
  if (isDeepStrictEqual(known, next)) return true;
  const text = writeModelConfig(next);
  const condition = { ifGenerationMatch: generation === undefined ? 0 : Number(generation) };
  try {
    if (text !== undefined) {
      const options = { resumable: false, contentType: 'application/json', preconditionOpts: condition } as const;
      await file.save(text, options);
    } else if (generation !== undefined) await file.delete(condition);
    return true;
  } catch (error) {
    if (isTaken(error) || isMissing(error)) return false;
    throw translated(error, `${file.bucket.name}/${file.name}`);
  }
}
