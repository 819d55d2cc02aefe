import { isUtf8 } from 'node:buffer';

import { PermanentError } from '../../shared/errors.ts';
import { CLOSE_BRACE, CLOSE_BRACKET, LF, OPEN_BRACE, OPEN_BRACKET, SPACE } from '../../shared/formats/ascii.ts';
import { JsonReader } from '../../shared/formats/json-reader.ts';
import { RowError } from '../../shared/formats/row-error.ts';

/** A value in a JSON text: its bytes `[start, end)`. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

/**
 * A JSON text that is taken apart without being made into objects: values keep the text that they were written as, and with it every
 * digit of an integer.
 */
export class JsonText {
  readonly bytes: Buffer;
  readonly whole: Slice;
  readonly #reader = new JsonReader();

  /** @throws PermanentError INVALID_ARGUMENT where the text is not JSON in UTF-8. */
  constructor(text: Uint8Array) {
    this.bytes = Buffer.concat([text, Buffer.of(LF)]);
    if (!isUtf8(text)) throw new PermanentError('INVALID_ARGUMENT', 'malformed JSON: not UTF-8');
    try {
      const start = this.#at(0);
      this.#reader.skipValue();
      this.whole = { start, end: this.#reader.pos };
      this.#reader.finish();
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      throw new PermanentError('INVALID_ARGUMENT', error.message.replaceAll('the record', 'the body'), {
        cause: error,
      });
    }
  }

  /** The fields of an object by their names (the last one where a name is given twice); undefined where the value is none. */
  fields({ start }: Slice): ReadonlyMap<string, Slice> | undefined {
    const reader = this.#reader;
    this.#at(start);
    if (!reader.take(OPEN_BRACE)) return undefined;
    const fields = new Map<string, Slice>();
    if (reader.take(CLOSE_BRACE)) return fields;
    do {
      reader.peek();
      const from = reader.pos;
      const escaped = reader.skipName();
      const name = reader.text(from, reader.nameEnd, escaped);
      fields.set(name, this.#value());
    } while (reader.another(CLOSE_BRACE));
    return fields;
  }

  /** The elements of a list; undefined where the value is none. */
  items({ start }: Slice): readonly Slice[] | undefined {
    const reader = this.#reader;
    this.#at(start);
    if (!reader.take(OPEN_BRACKET)) return undefined;
    const items: Slice[] = [];
    if (reader.take(CLOSE_BRACKET)) return items;
    do items.push(this.#value());
    while (reader.another(CLOSE_BRACKET));
    return items;
  }

  /** A value of a few bytes, parsed. */
  parse({ start, end }: Slice): unknown {
    return JSON.parse(this.bytes.toString('utf8', start, end));
  }

  /** The value's text. */
  text({ start, end }: Slice): Buffer {
    return this.bytes.subarray(start, end);
  }

  /** The value's text without line ends: JSON has them between tokens only, where a space does as well. */
  line(slice: Slice): Buffer {
    const text = this.text(slice);
    if (!text.includes(LF)) return text;
    return Buffer.from(text.map((byte) => (byte === LF ? SPACE : byte)));
  }

  #value(): Slice {
    this.#reader.peek();
    const start = this.#reader.pos;
    this.#reader.skipValue();
    return { start, end: this.#reader.pos };
  }

  #at(start: number): number {
    this.#reader.reset(this.bytes, start, this.bytes.length - 1);
    this.#reader.peek();
    return this.#reader.pos;
  }
}
