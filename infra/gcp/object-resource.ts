import type { StoredObject } from '../../shared/ports.ts';

/** The fields asked for wherever an object is looked up. */
export const OBJECT_FIELDS = 'name,generation,size,crc32c';

/**
 * An object as Cloud Storage's JSON describes it. Source: https://cloud.google.com/storage/docs/json_api/v1/objects#resource
 * @throws Error where a field is missing: the answer was cut, or is nobody's object.
 */
export function toStoredObject(bucket: string, resource: unknown): StoredObject {
  const { name, generation, size, crc32c } = resource as Readonly<Record<string, unknown>>;
  const bytes = Number(size);
  if (
    typeof name === 'string' &&
    isId(generation) &&
    size !== undefined &&
    Number.isSafeInteger(bytes) &&
    typeof crc32c === 'string'
  )
    return { bucket, name, generation: String(generation), size: bytes, crc32c };
  throw new Error(`Cloud Storage described an object of ${bucket} incompletely: ${JSON.stringify(resource)}`);
}

function isId(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}
