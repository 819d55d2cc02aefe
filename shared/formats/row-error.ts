/** Characters of a value that a message shows. */
const SHOWN_CHARACTERS = 80;

/** What is wrong with one row; it becomes the row's INVALID_ARGUMENT and never leaves the decoder. */
export class RowError extends Error {
  override readonly name = 'RowError';
}

/** What a message is about: a named field, or the instance where it has no fields. */
export function subjectOf(field: string): string {
  return `field ${JSON.stringify(field)}`;
}

export const INSTANCE = 'instance';

/** The message of a row: what it is about, what was found there and what was expected. */
export function unexpected(subject: string, found: string, expected: string): RowError {
  return new RowError(`${subject}: found ${found}, expected ${expected}`);
}

/** The text of a value, cut to what a message can hold. */
export function excerpt(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, Math.min(end, start + 4 * SHOWN_CHARACTERS + 4));
  const characters = Array.from(text);
  const shown = characters.slice(0, SHOWN_CHARACTERS).join('').replaceAll(/\s+/g, ' ');
  return characters.length > SHOWN_CHARACTERS ? `${shown}…` : shown;
}

/** Names as a message lists them: quoted, and only the first of many. */
export function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 10).map((name) => JSON.stringify(name));
  return names.length > 10 ? `${shown.join(', ')} and ${names.length - 10} more` : shown.join(', ');
}
