import { invalid } from './api-error.ts';
import { isJsonObject, optionalString } from './json.ts';
import type { Json, JsonObject } from './json.ts';

/** What a bucket's owner may set and the emulator keeps; only `versioning` changes what it does. */
const BUCKET_FIELDS = [
  'location',
  'storageClass',
  'versioning',
  'labels',
  'lifecycle',
  'cors',
  'website',
  'iamConfiguration',
  'softDeletePolicy',
  'autoclass',
] as const;

/** Fixed when the bucket is made. */
const CREATION_ONLY = new Set<string>(['location']);

export interface BucketRecord {
  readonly name: string;
  readonly metageneration: number;
  readonly timeCreated: string;
  readonly updated: string;
  readonly settings: JsonObject;
}

const STRING_FIELDS = [
  'contentType',
  'contentEncoding',
  'contentDisposition',
  'contentLanguage',
  'cacheControl',
  'storageClass',
  'customTime',
] as const;

/** The part of an object's metadata that its writer chooses. */
export type ObjectSettings = { readonly [K in (typeof STRING_FIELDS)[number]]?: string } & {
  readonly metadata?: Readonly<Record<string, string>>;
};

/** One generation of one object; live unless `timeDeleted` is set. */
export interface ObjectRecord {
  readonly bucket: string;
  readonly name: string;
  /** An int64 in decimal: microseconds of its making, never twice in one bucket. */
  readonly generation: string;
  readonly metageneration: number;
  readonly timeCreated: string;
  readonly updated: string;
  readonly timeDeleted?: string;
  readonly settings: ObjectSettings;
  readonly size: number;
  readonly crc32c: string;
  /** Absent on composites. */
  readonly md5Hash?: string;
  /** Present on composites. */
  readonly componentCount?: number;
  readonly contentId: string;
}

export const isVersioned = (bucket: BucketRecord): boolean => {
  const { versioning } = bucket.settings;
  return isJsonObject(versioning) && versioning['enabled'] === true;
};

/** A bucket's settings after `change`: merged (PATCH; null removes) or replaced (PUT, creation). */
export function bucketSettings(change: JsonObject, base: JsonObject | undefined, merge: boolean): JsonObject {
  const settings: Record<string, Json> = {};
  for (const field of BUCKET_FIELDS) {
    const kept = base !== undefined && (merge || CREATION_ONLY.has(field)) ? base[field] : undefined;
    const given = base !== undefined && CREATION_ONLY.has(field) ? undefined : change[field];
    const value = given === undefined ? kept : mergeJson(kept, given);
    if (value !== undefined && value !== null) settings[field] = value;
  }
  const { versioning } = settings;
  if (versioning !== undefined && !isJsonObject(versioning)) throw invalid("Invalid value for field 'versioning'.");
  return settings;
}

function mergeJson(base: Json | undefined, change: Json): Json {
  if (!isJsonObject(base) || !isJsonObject(change)) return change;
  const merged: Record<string, Json | undefined> = { ...base, ...change };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}

/** Reads an object's settings out of a metadata body; 400 where a field has the wrong type. Null counts as absent. */
export function objectSettings(body: JsonObject): ObjectSettings {
  const settings: Record<string, string | Record<string, string>> = {};
  for (const field of STRING_FIELDS) {
    const value = optionalString(body, field);
    if (value !== undefined) settings[field] = value;
  }
  const metadata = body['metadata'] ?? undefined;
  if (metadata !== undefined) {
    if (!isJsonObject(metadata)) throw invalid("Invalid value for field 'metadata': expected an object.");
    settings['metadata'] = Object.fromEntries(
      Object.entries(metadata).flatMap(([key, value]) => {
        if (value === null || value === undefined) return [];
        if (typeof value === 'object') throw invalid(`Invalid value for metadata '${key}': expected a string.`);
        return [[key, String(value)]];
      }),
    );
  }
  return settings;
}

/** Settings after a PATCH: fields given replace, null removes, and `metadata` is merged key by key in the same way. */
export function patchObjectSettings(base: ObjectSettings, patch: JsonObject): ObjectSettings {
  const fields: Record<string, Json | undefined> = { ...base };
  for (const field of STRING_FIELDS) if (patch[field] !== undefined) fields[field] = patch[field];
  const { metadata } = patch;
  if (metadata === null) delete fields['metadata'];
  else if (isJsonObject(metadata)) fields['metadata'] = mergeJson(base.metadata ?? {}, metadata);
  else if (metadata !== undefined) fields['metadata'] = metadata;
  return objectSettings(fields);
}
