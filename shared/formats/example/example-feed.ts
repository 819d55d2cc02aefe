import { LF } from '../ascii.ts';
import { ByteWriter } from '../byte-writer.ts';
import { takeFeature } from './example-columns.ts';
import { writeFeatureJson } from './example-json.ts';
import type { ExampleFeature } from './example.ts';
import type { FieldPlan, FieldRole } from '../field-plan.ts';
import type { InputReader } from '../input-reader.ts';
import { JsonReader } from '../json-reader.ts';
import { INSTANCE, listOf, subjectOf, unexpected } from '../row-error.ts';

/** Feeds the features of a tf.Example to the inputs, as the object of the same fields in a JSON line would be. */
export class ExampleFeed {
  readonly #plan: FieldPlan;
  readonly #inputs: readonly InputReader[];
  readonly #whole: InputReader | undefined;
  readonly #required: readonly FieldRole[];
  readonly #json = new JsonReader();
  readonly #scratch = new ByteWriter();

  /** @param whole the input that takes the record as it is, whatever its features are. */
  constructor(plan: FieldPlan, inputs: readonly InputReader[], whole: InputReader | undefined) {
    this.#plan = plan;
    this.#inputs = inputs;
    this.#whole = whole;
    this.#required = plan.required.filter(
      ({ key, order, input }) => whole === undefined || key || order >= 0 || inputs[input] !== whole,
    );
  }

  /** The input that the feature of this name feeds as a whole. */
  readonly inputOf = (name: string): InputReader | undefined => {
    const { input, element } = this.#plan.role(name);
    return element ? undefined : this.#inputs[input];
  };

  /** @throws RowError: the columns then hold a part of the row. */
  feed(example: ReadonlyMap<string, ExampleFeature>): void {
    const list: FieldRole[] = [];
    for (const [name, feature] of example) {
      const role = this.#plan.role(name);
      if (role.unknown && this.#whole === undefined) throw this.#plan.refuse(name);
      if (role.element) list.push(role);
      else this.#give(role, feature);
    }
    for (const role of this.#required) {
      if (!example.has(role.name)) throw this.#plan.missing(role, this.inputOf(role.name)?.expected ?? 'a value');
    }
    if (this.#plan.asList) this.#list(list, example);
  }

  #give({ name, input: index }: FieldRole, feature: ExampleFeature): void {
    const input = this.#inputs[index];
    if (input === undefined || input === this.#whole || takeFeature(input, feature)) return;
    input.read(this.#jsonOf(feature, input), subjectOf(name));
  }

  /** Feeds the selected features, in the order of includedFields or else as written, as the items of the only input's list. */
  #list(items: FieldRole[], example: ReadonlyMap<string, ExampleFeature>): void {
    const [input] = this.#inputs;
    if (input === undefined || this.#inputs.length > 1) {
      const names = listOf(this.#inputs.map(({ spec }) => spec.name));
      throw unexpected(INSTANCE, 'a list', `instanceType object: an object with the inputs ${names}`);
    }
    items.sort((a, b) => a.order - b.order);
    input.beginList();
    for (const { name } of items) {
      const feature = example.get(name);
      if (feature !== undefined) input.item(this.#jsonOf(feature), subjectOf(name));
    }
    input.endList(INSTANCE, items.length);
  }

  /** A reader at the value as JSON. */
  #jsonOf(feature: ExampleFeature, input?: InputReader): JsonReader {
    const scratch = this.#scratch;
    scratch.length = 0;
    writeFeatureJson(scratch, feature, input);
    scratch.byte(LF);
    this.#json.reset(scratch.bytes, 0, scratch.length - 1);
    return this.#json;
  }
}
