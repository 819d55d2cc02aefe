import type { FeatureSpec } from '../../models/model.ts';
import { FeatureReader, inferredDtype } from './example-feature.ts';
import { encodeExample } from './example.ts';
import type { FeatureValues } from './example.ts';
import type { FieldPlan, FieldRole } from '../field-plan.ts';
import type { JsonReader } from '../json-reader.ts';

const LOWER_N = 110;

/** Makes the fields of instances into serialized tf.Examples, one instance at a time. */
export class ExampleFields {
  readonly #plan: FieldPlan;
  readonly #required: readonly FieldRole[];
  readonly #known = new Map<string, FeatureReader>();
  readonly #inferred = new Map<FeatureSpec['dtype'], FeatureReader>();
  readonly #values = new Map<string, FeatureValues>();

  constructor(plan: FieldPlan) {
    this.#plan = plan;
    this.#required = plan.requiredFeatures;
    for (const { feature } of plan.known) {
      if (typeof feature === 'object') this.#known.set(feature.name, new FeatureReader(feature));
    }
  }

  /** Starts another instance. */
  begin(): void {
    this.#values.clear();
  }

  /** The name of a feature that the instance has; undefined where it has none. */
  get first(): string | undefined {
    return this.#values.keys().next().value;
  }

  /** What the feature of this name takes, for messages; undefined where nobody tells. */
  expected(name: string): string | undefined {
    return this.#known.get(name)?.expected;
  }

  /** Reads the JSON value that is next as the feature of that field; `null` where it may be missing, and an empty list of nobody knows what, leave it out. */
  read(json: JsonReader, { name, feature }: FieldRole, subject: string): void {
    const known = this.#known.get(name);
    if (json.peek() === LOWER_N && (typeof feature !== 'object' || feature.optional)) json.skipValue();
    else if (known === undefined) this.#infer(json, name, subject);
    else this.#values.set(name, known.read(json, subject));
  }

  /** The instance as a serialized tf.Example. @throws RowError where a feature that the model needs is missing. */
  encode(): Uint8Array {
    for (const role of this.#required) {
      if (this.#values.has(role.name)) continue;
      throw this.#plan.missing(role, this.expected(role.name) ?? 'the feature');
    }
    return encodeExample(this.#values);
  }

  #infer(json: JsonReader, name: string, subject: string): void {
    const dtype = inferredDtype(json);
    if (dtype === undefined) {
      json.skipValue();
      return;
    }
    let reader = this.#inferred.get(dtype);
    if (reader === undefined) {
      reader = new FeatureReader({ name, dtype, shape: null, optional: true });
      this.#inferred.set(dtype, reader);
    }
    const { kind, values } = reader.read(json, subject);
    // The next field of the same dtype is read by the same reader.
    this.#values.set(name, { kind, values: Array.from<unknown>(values) } as FeatureValues);
  }
}
