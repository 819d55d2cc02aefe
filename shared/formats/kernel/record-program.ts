import { CLOSE_BRACE, MINUS, NINE, OPEN_BRACE, QUOTE, ZERO } from '../ascii.ts';
import type { FieldPlan } from '../field-plan.ts';
import { JsonReader } from '../json-reader.ts';
import { MOST_NUMBERS, PROGRAM_SIZE } from './kernel.ts';

/** What the kernel finds after a step's literal: kinds that assembly/records.ts knows by the same numbers. */
const END = 0;
const SCALAR = 1;
const KEY = 2;
const LIST = 3;
const NUMBER = 4;
type Kind = typeof END | typeof SCALAR | typeof KEY | typeof LIST | typeof NUMBER;

const HEADER_BYTES = 16;
const LANES = 16;

/** How the kernel reads records like one: steps, each a literal and what follows it. */
export interface RecordProgram {
  readonly bytes: Buffer;
  /** The inputs that the record's numbers feed, in its order, and how many each. */
  readonly feeds: readonly { readonly input: number; readonly width: number }[];
  /** Numbers of a record. */
  readonly width: number;
}

/**
 * The program of records like `[start, end)`, which decoded: an object of the same fields in the same order, written alike but for the values of
 * numbers and strings. Undefined where it is no object, or one with other values than float32 scalars and flat lists of fixed length, and
 * fields that nothing takes.
 */
export function recordProgram(plan: FieldPlan, bytes: Buffer, start: number, end: number): RecordProgram | undefined {
  const { inputs } = plan.signature;
  if (plan.asList || bytes[start] !== OPEN_BRACE || bytes[end - 1] !== CLOSE_BRACE) return undefined;
  const steps: Buffer[] = [];
  const feeds: { input: number; width: number }[] = [];
  const json = new JsonReader();
  json.reset(bytes, start, end);
  json.pos++;
  let literal = start;
  if (json.take(CLOSE_BRACE)) return undefined;
  do {
    json.peek();
    const name = json.pos;
    const escaped = json.skipName();
    const { key, input, unknown } = plan.role(json.text(name, json.nameEnd, escaped));
    const c = json.peek();
    let { pos } = json;
    json.skipValue();
    if (unknown || (key && input >= 0)) return undefined;
    let kind: Kind = key ? KEY : SCALAR;
    let width = 0;
    if (input >= 0) {
      const spec = inputs[input];
      const [batch, size, ...others] = spec?.shape ?? [];
      if (spec?.dtype !== 'float32' || batch === undefined || size === null || others.length > 0) return undefined;
      kind = size === undefined ? NUMBER : LIST;
      width = size ?? 1;
      if (kind === LIST) pos++;
      feeds.push({ input, width });
    } else if (c !== QUOTE && c !== MINUS && !(c >= ZERO && c <= NINE)) return undefined;
    steps.push(step(kind, width, bytes.subarray(literal, pos)));
    literal = json.pos;
  } while (json.another(CLOSE_BRACE));
  steps.push(step(END, 0, bytes.subarray(literal, end)));
  const width = feeds.reduce((sum, feed) => sum + feed.width, 0);
  const program = Buffer.concat(steps);
  if (feeds.length !== inputs.length || width > MOST_NUMBERS || program.length > PROGRAM_SIZE) return undefined;
  return { bytes: program, feeds, width };
}

function step(kind: Kind, width: number, literal: Buffer): Buffer {
  const padded = Buffer.alloc(HEADER_BYTES + LANES * Math.ceil(literal.length / LANES));
  padded.writeInt32LE(kind, 0);
  padded.writeInt32LE(width, 4);
  padded.writeInt32LE(literal.length, 8);
  literal.copy(padded, HEADER_BYTES);
  return padded;
}
