import { CLOSE_BRACE, CLOSE_BRACKET, COLON, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './ascii.ts';
import { ExampleFields } from './example/example-fields.ts';
import { takeBytes } from './example/example-columns.ts';
import { BYTES_FIELD } from './field-plan.ts';
import type { FieldPlan, FieldRole } from './field-plan.ts';
import type { InputReader } from './input-reader.ts';
import { JsonReader } from './json-reader.ts';
import type { FloatReader } from './kernel/float-reader.ts';
import { INSTANCE, excerpt, listOf, subjectOf, unexpected } from './row-error.ts';
import type { RowError } from './row-error.ts';

/** More field names than this are forgotten and met anew. */
const MAX_SLOTS = 20_000;

/** A field that records have: its role, and which record had it last. */
interface Slot {
  readonly role: FieldRole;
  readonly subject: string;
  seen: number;
  /** Where its value is in that record, where it is an item of the instance's list. */
  start: number;
}

/** The input that takes tf.Examples, and the fields that make them up. */
interface ExampleSlot {
  readonly fields: ExampleFields;
  readonly slot: Slot;
  readonly input: InputReader;
}

/**
 * Decodes instances of JSON text into the columns of the inputs, by TensorFlow Serving's row format. Where an input takes serialized tf.Examples, an
 * object of fields is made into one (`ExampleFields`), as Serving does with the examples of :classify and :regress; `{"b64": …}`, a string and
 * an object that names the input are taken as they are.
 */
export class InstanceDecoder {
  /** Where the key is in the record that was decoded last. */
  keyStart = 0;
  keyEnd = 0;
  /** Where the instance is, without the whitespace around it. */
  start = 0;
  end = 0;
  readonly #json: JsonReader;
  readonly #plan: FieldPlan;
  readonly #inputs: readonly InputReader[];
  readonly #required: readonly Slot[];
  /** Where an instance's fields can make up the tf.Example that an input takes. */
  readonly #example: ExampleSlot | undefined;
  #slots = new Map<string, Slot>();
  /** In the order of the last record: the next record's fields are likely the same. */
  #order: Slot[] = [];
  #record = 0;
  /** The items of the last record's list. */
  readonly #items: Slot[] = [];

  constructor(plan: FieldPlan, inputs: readonly InputReader[], floats: FloatReader) {
    this.#json = new JsonReader(floats);
    this.#plan = plan;
    this.#inputs = inputs;
    this.#required = plan.required.map(({ name }) => this.#slot(name));
    const input = inputs[plan.examples];
    this.#example = input && { fields: new ExampleFields(plan), slot: this.#slot(input.spec.name), input };
  }

  /**
   * Reads the record `[start, end)`, which a newline follows.
   * @throws RowError: the columns then hold a part of the row, and keyStart, keyEnd, start and end say nothing.
   */
  decode(bytes: Buffer, start: number, end: number): void {
    const json = this.#json;
    json.reset(bytes, start, end);
    this.#record++;
    const c = json.peek();
    this.start = json.pos;
    if (c !== OPEN_BRACE) this.#bareValue(json, c);
    else if (this.#plan.asList) this.#listOfFields(json);
    else this.#object(json);
    this.end = json.pos;
    json.finish();
  }

  #bareValue(json: JsonReader, c: number): void {
    const { keyField } = this.#plan.config;
    const [input] = this.#inputs;
    if (keyField !== undefined) throw this.#refuse(json, `an object with the key field ${JSON.stringify(keyField)}`);
    if (this.#plan.needsObject) throw this.#refuse(json, 'an object');
    if (input === undefined || this.#inputs.length > 1) throw this.#refuse(json, this.#objectOfInputs());
    if (!this.#plan.asList) input.read(json, INSTANCE);
    else if (c !== OPEN_BRACKET) throw this.#refuse(json, 'a list or an object');
    else if (!input.unwraps) input.read(json, INSTANCE);
    else this.#listOfOne(json, input);
  }

  #listOfOne(json: JsonReader, input: InputReader): void {
    json.pos++;
    let count = 0;
    input.beginList();
    if (!json.take(CLOSE_BRACKET)) {
      do {
        input.item(json, INSTANCE);
        count++;
      } while (json.another(CLOSE_BRACKET));
    }
    input.endList(INSTANCE, count);
  }

  #object(json: JsonReader): void {
    json.pos++;
    let index = 0;
    this.#example?.fields.begin();
    if (!json.take(CLOSE_BRACE)) {
      do this.#field(json, this.#name(json, index++));
      while (json.another(CLOSE_BRACE));
    }
    this.#checkRequired();
    if (this.#example !== undefined) this.#endExample(this.#example);
  }

  #field(json: JsonReader, slot: Slot): void {
    const { key, input, extra } = slot.role;
    if (key) this.#key(json, slot);
    if (input >= 0) {
      if (key) json.pos = this.keyStart;
      else this.#once(slot);
      (this.#inputs[input] as InputReader).read(json, slot.subject);
    } else if (extra) this.#extra(json, slot);
    else if (!key) json.skipValue();
  }

  /** Gives the fields of the instance, as a tf.Example, to the input, unless the instance had the input's value itself. */
  #endExample({ fields, slot, input }: ExampleSlot): void {
    if (slot.seen !== this.#record || slot.role.feature !== undefined) takeBytes(input, fields.encode(), INSTANCE);
    else if (fields.first !== undefined) throw this.#plan.beside(fields.first);
  }

  #key(json: JsonReader, slot: Slot): void {
    this.#once(slot);
    json.peek();
    this.keyStart = json.pos;
    json.skipValue();
    this.keyEnd = json.pos;
  }

  /** A field that no input takes: a feature, or `{"b64": …}`, which is the value of a signature of one string input; else an error. */
  #extra(json: JsonReader, slot: Slot): void {
    const { key, feature } = slot.role;
    if (feature !== undefined) {
      if (key) json.pos = this.keyStart;
      else this.#once(slot);
      this.#example?.fields.read(json, slot.role, slot.subject);
      return;
    }
    const [input] = this.#inputs;
    if (slot.role.name !== BYTES_FIELD || this.#inputs.length !== 1 || input?.spec.dtype !== 'string') {
      throw this.#plan.refuse(slot.role.name);
    }
    this.#once(this.#slot(input.spec.name));
    input.readBase64(json, slot.subject);
  }

  /** An object whose selected fields, in the order of includedFields or else as written, are the items of the instance's list. */
  #listOfFields(json: JsonReader): void {
    const [input] = this.#inputs;
    if (input === undefined || this.#inputs.length > 1)
      throw this.#refuse(json, `instanceType object: ${this.#objectOfInputs()}`);
    const items = this.#items;
    items.length = 0;
    let ordered = true;
    json.pos++;
    let index = 0;
    if (!json.take(CLOSE_BRACE)) {
      do {
        const slot = this.#name(json, index++);
        json.peek();
        const start = json.pos;
        if (slot.role.key) this.#key(json, slot);
        else {
          if (slot.role.element) this.#once(slot);
          json.skipValue();
        }
        if (slot.role.element) {
          ordered &&= slot.role.order >= (items.at(-1)?.role.order ?? -Infinity);
          slot.start = start;
          items.push(slot);
        }
      } while (json.another(CLOSE_BRACE));
    }
    const end = json.pos;
    this.#checkRequired();
    if (!ordered) items.sort((a, b) => a.role.order - b.role.order);
    input.beginList();
    for (const { start, subject } of items) {
      json.pos = start;
      input.item(json, subject);
    }
    input.endList(INSTANCE, items.length);
    json.pos = end;
  }

  /** Reads a field's name and colon. */
  #name(json: JsonReader, index: number): Slot {
    json.peek();
    const start = json.pos;
    const likely = this.#order[index];
    if (likely?.role.bytes !== undefined && isNamed(json, likely.role.bytes)) {
      if (json.take(COLON)) return likely;
      throw json.malformed('a colon');
    }
    const escaped = json.skipName();
    const slot = this.#slot(json.text(start, json.nameEnd, escaped));
    if (index <= this.#order.length) this.#order[index] = slot;
    return slot;
  }

  #slot(name: string): Slot {
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      slot = { role: this.#plan.role(name), subject: subjectOf(name), seen: 0, start: 0 };
      this.#slots.set(name, slot);
    }
    return slot;
  }

  #once(slot: Slot): void {
    if (slot.seen === this.#record) throw unexpected(slot.subject, 'the field twice', 'it once');
    slot.seen = this.#record;
  }

  #checkRequired(): void {
    for (const { role, seen } of this.#required) {
      if (seen === this.#record) continue;
      const input = this.#inputs.find(({ spec }) => spec.name === role.name);
      throw this.#plan.missing(role, input?.expected ?? 'a value');
    }
    if (this.#slots.size > MAX_SLOTS) {
      const kept = this.#example === undefined ? this.#required : [...this.#required, this.#example.slot];
      this.#slots = new Map(kept.map((slot) => [slot.role.name, slot]));
      this.#order = [];
    }
  }

  #refuse(json: JsonReader, expected: string): RowError {
    json.pos = this.start;
    json.skipValue();
    return unexpected(INSTANCE, excerpt(json.bytes, this.start, json.pos), expected);
  }

  #objectOfInputs(): string {
    return `an object with the inputs ${listOf(this.#inputs.map(({ spec }) => spec.name))}`;
  }
}

/** Whether the quoted name at the reader's position is this one; it is skipped then. */
function isNamed(json: JsonReader, name: Buffer): boolean {
  const { bytes, pos } = json;
  const end = pos + 1 + name.length;
  if (bytes[pos] !== QUOTE || bytes[end] !== QUOTE) return false;
  for (let i = 0; i < name.length; i++) if (bytes[pos + 1 + i] !== name[i]) return false;
  json.pos = end + 1;
  return true;
}
