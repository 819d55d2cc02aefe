import { CLOSE_BRACKET, OPEN_BRACKET } from './ascii.ts';
import type { JsonReader } from './json-reader.ts';

/** A shape as messages show it: `[8]`, `[?, 3]`. */
export function shapeText(shape: readonly (number | null)[]): string {
  return `[${shape.map((size) => size ?? '?').join(', ')}]`;
}

/** The shape of the JSON value that is next, its nested lists taken for a tensor; undefined where they are ragged. */
export function shapeOf(json: JsonReader): number[] | undefined {
  if (json.peek() !== OPEN_BRACKET) {
    json.skipValue();
    return [];
  }
  json.pos++;
  if (json.take(CLOSE_BRACKET)) return [0];
  let inner: number[] | undefined;
  let ragged = false;
  let count = 0;
  do {
    const shape = shapeOf(json);
    if (count === 0) inner = shape;
    ragged ||= shape === undefined || shape.join() !== inner?.join();
    count++;
  } while (json.another(CLOSE_BRACKET));
  return ragged || inner === undefined ? undefined : [count, ...inner];
}
