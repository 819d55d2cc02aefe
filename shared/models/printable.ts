/** Of a message: what a file holds may be without end. */
const MAX_CHARACTERS = 2000;

/** What a terminal takes for a command, or turns the order of what stands around it: the control characters, and Unicode's marks of direction. */
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A message that carries names out of a file, so that it can be shown anywhere: one line, escapes as `\u001b`, cut where it is endless. */
export function printable(message: string): string {
  const escaped = message
    .slice(0, MAX_CHARACTERS + 1)
    .replaceAll(UNPRINTABLE, (character) =>
      character === '\n' ? ' ' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  if (escaped.length <= MAX_CHARACTERS) return escaped;
  return `${escaped.slice(0, MAX_CHARACTERS - 100)}… (${message.length} characters)`;
}
