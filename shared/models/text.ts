import { PermanentError } from '../errors.ts';
import type { StringElement } from '../tensor.ts';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * As `toText`, for a runtime whose binding hands text over as C strings and so cuts it at a NUL, silently.
 * @throws PermanentError INVALID_ARGUMENT
 */
export function toTextWithoutNul(runtime: string, input: string, element: StringElement): string {
  const text = toText(runtime, input, element);
  if (!text.includes('\0')) return text;
  throw new PermanentError(
    'INVALID_ARGUMENT',
    `input ${input}: found a NUL character, at which ${runtime} would cut the text`,
  );
}

/**
 * An element of a string input as text, for runtimes that have no bytes: they would replace what is not UTF-8, silently.
 * @throws PermanentError INVALID_ARGUMENT
 */
export function toText(runtime: string, input: string, element: StringElement): string {
  if (typeof element === 'string') return element;
  try {
    return strictUtf8.decode(element);
  } catch (error) {
    const message = `input ${input}: found bytes that are not UTF-8; ${runtime} takes text only`;
    throw new PermanentError('INVALID_ARGUMENT', message, { cause: error });
  }
}

/** Text where the bytes are UTF-8, else the bytes. */
export function toElement(bytes: Uint8Array): StringElement {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return bytes.slice();
  }
}
