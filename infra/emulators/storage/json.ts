import { invalid, parseError } from './api-error.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** Parses a request's JSON body; nothing at all is an empty object. Throws 400 for anything but an object. */
export function parseJsonObject(text: string): JsonObject {
  if (text.trim() === '') return {};
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    throw parseError('Parse Error', error);
  }
  if (!isJsonObject(value)) throw parseError('The request body must be a JSON object.');
  return value;
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The field as a string, undefined if absent or null; 400 for anything else. */
export function optionalString(object: JsonObject, field: string): string | undefined {
  const value = object[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalid(`Invalid value for field '${field}': expected a string.`);
  return value;
}

/** Like {@link optionalString}, for the int64 fields, which JSON carries as strings or as numbers. */
export function optionalInt64(object: JsonObject, field: string): string | undefined {
  const value = object[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return String(value);
  if (typeof value === 'string' && /^\d{1,19}$/.test(value)) return BigInt(value).toString();
  throw invalid(`Invalid value for field '${field}': expected an int64.`);
}
