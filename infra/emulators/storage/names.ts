import { invalid } from './api-error.ts';

/** Longest object name, in bytes of UTF-8. */
const MAX_OBJECT_NAME_BYTES = 1024;

/** Longest bucket name: 63 characters, or 222 with dots, each label at most 63. */
const MAX_LABEL = 63;
const MAX_DOTTED = 222;

/**
 * Refuses (400) a bucket name that Cloud Storage would refuse.
 * Source: https://cloud.google.com/storage/docs/buckets#naming
 */
export function checkBucketName(name: string): void {
  const labels = name.split('.');
  const valid =
    /^[a-z0-9][a-z0-9._-]+[a-z0-9]$/.test(name) &&
    name.length <= (labels.length > 1 ? MAX_DOTTED : MAX_LABEL) &&
    labels.every((label) => label.length > 0 && label.length <= MAX_LABEL && !/^-|-$/.test(label)) &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
    !name.startsWith('goog') &&
    !/google|g00gle/.test(name);
  if (!valid) throw invalid(`Invalid bucket name: '${name}'`);
}

/**
 * Refuses (400) an object name that Cloud Storage would refuse.
 * Source: https://cloud.google.com/storage/docs/objects#naming
 */
export function checkObjectName(name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes === 0) throw invalid('Object names must not be empty.');
  if (bytes > MAX_OBJECT_NAME_BYTES) {
    throw invalid(`The specified object name is ${bytes} bytes long; the limit is ${MAX_OBJECT_NAME_BYTES}.`);
  }
  if (!name.isWellFormed()) throw invalid('Object names must be valid Unicode.');
  if (/[\r\n]/.test(name)) throw invalid('Disallowed unicode characters present in object name.');
  if (name === '.' || name === '..') throw invalid(`Invalid object name: '${name}'`);
  if (name.startsWith('.well-known/acme-challenge/')) throw invalid(`Invalid object name: '${name}'`);
}

/** Order of names in listings: by their UTF-8 bytes, which JavaScript's own order is not beyond the basic plane. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** A surrogate stands for a code point above every other code unit's. */
const rank = (unit: number) => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
