import { asBuffer, BACKSLASH, QUOTE } from '../../shared/formats/ascii.ts';

/** The words that are no JSON, where they stand alone. */
const BARE = /(?<![\w.-])(?:NaN|-?Infinity)(?![\w.])/g;

/**
 * A request's body with the bare words NaN, Infinity and -Infinity in quotes, as JSON and a job's instances have them. TensorFlow Serving takes
 * them bare, and Python's json module writes them so: https://www.tensorflow.org/tfx/serving/api_rest#json_conformance
 */
export function quoteBareNumbers(body: Uint8Array): Uint8Array {
  const bytes = asBuffer(body);
  if (!bytes.includes('NaN') && !bytes.includes('Infinity')) return body;
  const pieces: Uint8Array[] = [];
  let copied = 0;
  for (let at = 0; at < bytes.length;) {
    const quote = bytes.indexOf(QUOTE, at);
    const end = quote < 0 ? bytes.length : quote;
    for (const { 0: word, index } of bytes.toString('latin1', at, end).matchAll(BARE)) {
      pieces.push(bytes.subarray(copied, at + index), Buffer.from(`"${word}"`));
      copied = at + index + word.length;
    }
    at = quote < 0 ? end : stringEnd(bytes, quote);
  }
  return Buffer.concat([...pieces, bytes.subarray(copied)]);
}

/** Just behind the string that begins at the quote. */
function stringEnd(bytes: Buffer, quote: number): number {
  let end = bytes.indexOf(QUOTE, quote + 1);
  while (end >= 0 && isEscaped(bytes, end)) end = bytes.indexOf(QUOTE, end + 1);
  return end < 0 ? bytes.length : end + 1;
}

function isEscaped(bytes: Buffer, quote: number): boolean {
  let backslashes = 0;
  while (bytes[quote - 1 - backslashes] === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}
