import { PermanentError } from '../errors.ts';
import type { ErrorInfo } from '../errors.ts';
import { CLOSE_BRACE, LF, OPEN_BRACE, asBuffer } from '../formats/ascii.ts';
import { JsonReader } from '../formats/json-reader.ts';
import { RowError } from '../formats/row-error.ts';
import type { ByteStream } from '../ports.ts';
import type { Layout } from './layout.ts';

/** One output line, taken apart: its values are still JSON text. */
export interface PredictionRow {
  readonly label: Buffer;
  /** One for each output of the layout; undefined where the row failed. */
  readonly values: readonly (Buffer | undefined)[];
  readonly error?: ErrorInfo;
}

/**
 * Reads output lines (`{"key":…,"prediction":…}`, or `"error"`) from chunks that may end anywhere; gives the rows of one chunk together. They are
 * valid until the next ones are asked for.
 * @throws PermanentError DATA_LOSS naming the row of the stream, from 0, whose line is none.
 */
export async function* readRows(lines: ByteStream, layout: Layout): AsyncIterable<readonly PredictionRow[]> {
  const parser = new RowParser(layout);
  let rest: Buffer[] = [];
  for await (const chunk of lines) {
    const bytes = asBuffer(chunk);
    const last = bytes.lastIndexOf(LF);
    if (last < 0) {
      rest.push(bytes);
      continue;
    }
    const whole = rest.length === 0 ? bytes : Buffer.concat([...rest, bytes]);
    const end = whole.length - bytes.length + last + 1;
    yield parser.rows(whole, end);
    rest = end < whole.length ? [whole.subarray(end)] : [];
  }
  if (rest.length > 0) parser.fail('a line without its end');
}

class RowParser {
  readonly #layout: Layout;
  readonly #reader = new JsonReader();
  readonly #labelName: Buffer;
  readonly #outputNames: readonly Buffer[];
  #row = 0;

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#labelName = quoted(layout.label);
    this.#outputNames = layout.outputs.map(({ name }) => quoted(name));
  }

  /** The rows of whole lines. */
  rows(bytes: Buffer, end: number): PredictionRow[] {
    const rows: PredictionRow[] = [];
    for (let start = 0; start < end; this.#row++) {
      const newline = bytes.indexOf(LF, start);
      try {
        rows.push(this.#line(bytes, start, newline));
      } catch (error) {
        if (error instanceof RowError) this.fail(error.message);
        throw error;
      }
      start = newline + 1;
    }
    return rows;
  }

  fail(what: string): never {
    throw new PermanentError('DATA_LOSS', `output row ${this.#row} of its split: ${what}`);
  }

  #line(bytes: Buffer, start: number, end: number): PredictionRow {
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    let label: Buffer | undefined;
    let values: readonly (Buffer | undefined)[] | undefined;
    let error: ErrorInfo | undefined;
    this.#fields((name) => {
      if (name.equals(this.#labelName)) label = this.#value();
      else if (name.equals(PREDICTION)) values = this.#prediction();
      else if (name.equals(ERROR)) error = JSON.parse(this.#value().toString('utf8')) as ErrorInfo;
      else this.fail(`found the field ${name.toString('utf8')}`);
    });
    reader.finish();
    if (label === undefined) this.fail(`found no field "${this.#layout.label}"`);
    if (error !== undefined) return { label, values: this.#outputNames.map(() => undefined), error };
    if (values === undefined) this.fail('found neither a prediction nor an error');
    return { label, values };
  }

  #prediction(): readonly (Buffer | undefined)[] {
    const { length } = this.#outputNames;
    if (length === 0) this.fail("found a prediction, but no result tells the signature's outputs");
    if (length === 1) return [this.#value()];
    const values = new Array<Buffer | undefined>(length).fill(undefined);
    let next = 0;
    this.#fields((name) => {
      // Outputs stand in the signature's order: the next one is nearly always the right one.
      const index = this.#outputNames[next]?.equals(name)
        ? next
        : this.#outputNames.findIndex((known) => known.equals(name));
      if (index < 0) this.fail(`found the output ${name.toString('utf8')}, which the signature does not have`);
      values[index] = this.#value();
      next = index + 1;
    });
    return values;
  }

  /** Calls back at each value of the object at the reader's position; `name` is JSON text, with its quotes. */
  #fields(field: (name: Buffer) => void): void {
    const reader = this.#reader;
    if (!reader.take(OPEN_BRACE)) throw reader.malformed('an object');
    if (reader.take(CLOSE_BRACE)) return;
    do {
      reader.peek();
      const start = reader.pos;
      reader.skipName();
      field(reader.bytes.subarray(start, reader.nameEnd));
    } while (reader.another(CLOSE_BRACE));
  }

  #value(): Buffer {
    const reader = this.#reader;
    reader.peek();
    const start = reader.pos;
    reader.skipValue();
    return reader.bytes.subarray(start, reader.pos);
  }
}

/** As the row encoder writes a name. */
function quoted(name: string): Buffer {
  return Buffer.from(JSON.stringify(name));
}

const PREDICTION = quoted('prediction');
const ERROR = quoted('error');
