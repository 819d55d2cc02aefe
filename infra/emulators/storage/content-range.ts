import { invalid } from './api-error.ts';

/**
 * What a request to an upload session says of its body: bytes from `start` (to `end`, inclusive, where it says so), or
 * no bytes but a question. `total` is the object's size, where the request knows it.
 */
export type ContentRange =
  | {
      readonly kind: 'bytes';
      readonly start: number;
      readonly end: number | undefined;
      readonly total: number | undefined;
    }
  | { readonly kind: 'query'; readonly total: number | undefined };

const number = (digits: string | undefined) => (digits === undefined || digits === '*' ? undefined : Number(digits));

/**
 * Parses Content-Range as the resumable upload protocol uses it: `bytes 0-9/20`, `bytes 0-9/*`, `bytes 0-*\/*` (a
 * streamed body that ends the object), and the queries `bytes *\/*` and `bytes *\/20`. Without one the body is the whole
 * object. Throws 400 for anything else. Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
export function parseContentRange(header: string | undefined): ContentRange {
  if (header === undefined) return { kind: 'bytes', start: 0, end: undefined, total: undefined };
  const match = /^bytes\s+(?:(\d+)-(-?\d+|\*)|\*)\/(\d+|\*)$/i.exec(header.trim());
  if (match === null) throw invalid(`Failed to parse Content-Range header: '${header}'`);
  const [, first, last, size] = match;
  const total = number(size);
  if (first === undefined) return { kind: 'query', total };
  const [start, end] = [Number(first), number(last)];
  // The Node client sends an empty object in chunks as `bytes 0--1/0`.
  if (end !== undefined && end < start - 1) throw invalid(`Invalid Content-Range: '${header}' ends before it starts.`);
  if (end !== undefined && total !== undefined && end >= total) {
    throw invalid(`Invalid Content-Range: '${header}' ends after the object's end.`);
  }
  return { kind: 'bytes', start, end, total };
}
