import { QUOTE } from '../formats/ascii.ts';

/**
 * A JSON value as the text of one cell: a string as its characters, anything else as the JSON text that it is, digit for digit. A string that
 * UTF-8 cannot hold (a lone surrogate) stays JSON text.
 */
export function plainText(json: Buffer): string {
  const text = json.toString('utf8');
  if (json[0] !== QUOTE) return text;
  const string = JSON.parse(text) as string;
  return string.isWellFormed() ? string : text;
}
