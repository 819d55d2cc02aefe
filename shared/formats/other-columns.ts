import { CLOSE_BRACE, OPEN_BRACE, QUOTE } from './ascii.ts';
import { ListColumn, TypedColumn } from './columns.ts';
import type { JsonReader } from './json-reader.ts';
import { excerpt, unexpected } from './row-error.ts';

const LOWER_T = 116;
const LOWER_F = 102;
/** Standard or URL-safe alphabet; the padding may be left out. */
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Booleans: `true` and `false`. */
export class BoolColumn extends TypedColumn<'bool'> {
  override element(json: JsonReader, subject: string): void {
    const c = json.bytes[json.pos];
    if (c !== LOWER_T && c !== LOWER_F) throw this.refuse(json, subject);
    json.skipValue();
    const data = this.length < this.data.length ? this.data : this.grow();
    data[this.length++] = c === LOWER_T ? 1 : 0;
  }
}

/** Strings: text, or bytes as `{"b64": "…"}`. */
export class StringColumn extends ListColumn {
  override element(json: JsonReader, subject: string): void {
    const c = json.bytes[json.pos];
    if (c === QUOTE) this.push(stringAt(json));
    else if (c === OPEN_BRACE) this.#wrapped(json, subject);
    else throw this.refuse(json, subject);
  }

  /** Reads the base64 string at the reader's position as bytes. */
  base64(json: JsonReader, subject: string): void {
    const start = json.pos;
    if (json.peek() !== QUOTE) throw this.refuse(json, subject, 'a base64 string');
    const text = stringAt(json);
    const unpadded = text.replace(/=+$/, '').length;
    const padded = unpadded !== text.length;
    if (!BASE64.test(text) || unpadded % 4 === 1 || (padded && text.length % 4 !== 0)) {
      throw unexpected(subject, excerpt(json.bytes, start, json.pos), 'a base64 string');
    }
    const decoded = Buffer.from(text, 'base64');
    this.push(new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.length));
  }

  #wrapped(json: JsonReader, subject: string): void {
    const start = json.pos;
    json.pos++;
    const name = json.peek() === QUOTE ? json.pos : undefined;
    if (name !== undefined) {
      const escaped = json.skipName();
      if (json.text(name, json.nameEnd, escaped) === 'b64') {
        json.peek();
        this.base64(json, subject);
        if (json.take(CLOSE_BRACE)) return;
      }
    }
    json.pos = start;
    throw this.refuse(json, subject);
  }
}

function stringAt(json: JsonReader): string {
  const start = json.pos;
  const escaped = json.skipString();
  return json.text(start, json.pos, escaped);
}
