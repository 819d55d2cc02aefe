import type { FeatureSpec, Signature } from '../models/model.ts';
import type { InstanceConfig } from './format.ts';
import { listOf, subjectOf, unexpected } from './row-error.ts';
import type { RowError } from './row-error.ts';

/** `{"b64": …}` is bytes: what such a field holds is no feature of an unknown name. */
export const BYTES_FIELD = 'b64';

/** Names that hold nothing that JSON escapes. */
// eslint-disable-next-line no-control-regex -- control characters are what JSON escapes
const PLAIN = /^[^"\\\u0000-\u001f\ud800-\udfff]*$/;

/** What becomes of a field of an instance. */
export interface FieldRole {
  readonly name: string;
  /** The name as JSON text has it between the quotes; undefined where it could be written in several ways. */
  readonly bytes: Buffer | undefined;
  /** The field holds the instance key. */
  readonly key: boolean;
  /** The index of the input that it feeds (with `element`, as an item of its list), or -1. */
  readonly input: number;
  /** The feature of the instance's tf.Example that it becomes, `inferred` where nobody tells the features. */
  readonly feature: FeatureSpec | 'inferred' | undefined;
  /** It is an item of the list that the instance becomes. */
  readonly element: boolean;
  /** Its place in `includedFields`; -1 where there are none: the order of the record. */
  readonly order: number;
  /** It is selected, but no input takes it. */
  readonly extra: boolean;
  /** It is selected, but nothing takes it. */
  readonly unknown: boolean;
}

/**
 * What an InstanceConfig and a signature make of the fields of an instance, the same for every format:
 * - the key field is taken out, unless the model asks for it: an input or a feature has its name, or `includedFields` name it;
 * - `includedFields` or `excludedFields` select what the model sees; by default, all;
 * - what is selected feeds the input of its name or, with instanceType array and a signature of one input, is an item of its list;
 * - where an input takes serialized tf.Examples, what no input takes is a feature of the instance's tf.Example.
 */
export class FieldPlan {
  readonly signature: Signature;
  readonly config: InstanceConfig;
  /** The fields of an instance become a list, which is the only input's value. */
  readonly asList: boolean;
  /** Only an object makes an instance. */
  readonly needsObject: boolean;
  /** The index of the input that takes serialized tf.Examples, which fields can make up; -1 where none does. */
  readonly examples: number;
  /** The fields that the configuration or the signature name. */
  readonly known: readonly FieldRole[];
  readonly #byName = new Map<string, FieldRole>();
  readonly #inputs: ReadonlyMap<string, number>;
  readonly #features: ReadonlyMap<string, FeatureSpec>;
  readonly #included: ReadonlyMap<string, number> | undefined;
  readonly #excluded: ReadonlySet<string>;

  /** @param config its instanceType settled: a format's default filled in. */
  constructor(signature: Signature, config: InstanceConfig) {
    this.signature = signature;
    this.config = config;
    this.asList = config.instanceType === 'array';
    const selects = config.includedFields !== undefined || config.excludedFields !== undefined;
    this.needsObject = selects || config.keyField !== undefined || config.instanceType === 'object';
    this.#inputs = new Map(signature.inputs.map(({ name }, index) => [name, index]));
    const { includedFields } = config;
    const { examples } = signature;
    this.examples = this.asList || examples === undefined ? -1 : (this.#inputs.get(examples.input) ?? -1);
    this.#features = new Map(this.examples < 0 ? [] : examples?.features?.map((feature) => [feature.name, feature]));
    this.#included = includedFields && new Map([...new Set(includedFields)].map((name, order) => [name, order]));
    this.#excluded = new Set(config.excludedFields);
    const names = [
      ...(config.keyField === undefined ? [] : [config.keyField]),
      ...this.#inputs.keys(),
      ...this.#features.keys(),
    ];
    for (const name of [...names, ...(includedFields ?? []), ...(config.excludedFields ?? [])]) {
      this.#byName.set(name, this.#assign(name));
    }
    this.known = [...this.#byName.values()];
  }

  role(name: string): FieldRole {
    return this.#byName.get(name) ?? this.#assign(name);
  }

  /** The fields that every instance must have; one that makes up a tf.Example also its `requiredFeatures`. */
  get required(): readonly FieldRole[] {
    const isInput = ({ name }: FieldRole): boolean => (this.#inputs.get(name) ?? this.examples) !== this.examples;
    const isIncluded = ({ order, feature }: FieldRole): boolean =>
      order >= 0 && !(typeof feature === 'object' && feature.optional);
    return this.known.filter((role) => role.key || isIncluded(role) || (!this.asList && isInput(role)));
  }

  /** The fields without which the features of an instance are no tf.Example that the model can parse. */
  get requiredFeatures(): readonly FieldRole[] {
    return [...this.#features.values()].filter(({ optional }) => !optional).map(({ name }) => this.role(name));
  }

  /** The error of a required field that an instance does not have. @param expected what the input of that name takes. */
  missing(role: FieldRole, expected: string): RowError {
    const subject = subjectOf(role.name);
    if (role.key) return unexpected(subject, 'no such field', 'the instance key');
    if (role.element || role.unknown || role.feature === 'inferred')
      return unexpected(subject, 'no such field', 'it, as includedFields name it');
    const leftOut = role.input < 0 && role.feature === undefined;
    return unexpected(subject, leftOut ? 'the field left out by instanceConfig' : 'no such field', expected);
  }

  /** The error of a feature of an instance that has the whole tf.Example. */
  beside(name: string): RowError {
    const whole = JSON.stringify(this.signature.examples?.input);
    return unexpected(
      subjectOf(name),
      `the field beside ${whole}`,
      `the features, or ${whole}: a serialized tf.Example`,
    );
  }

  /** The error of a selected field that is no input. */
  refuse(name: string): RowError {
    if (this.#features.size > 0) {
      const features = `only the features ${listOf([...this.#features.keys()])}`;
      return unexpected(
        subjectOf(name),
        'a field that is no feature',
        `${features}: rename it, or leave it out (excludedFields)`,
      );
    }
    const names = this.signature.inputs.map((input) => input.name);
    const [only = ''] = names;
    const remedy =
      names.length === 1
        ? `rename it to ${JSON.stringify(only)}, leave it out (excludedFields), or make a list of the fields (instanceType array)`
        : 'rename it, or leave it out (excludedFields)';
    const expected = names.length === 1 ? `the input ${listOf(names)}` : `only the inputs ${listOf(names)}`;
    return unexpected(subjectOf(name), 'a field that is no input', `${expected}: ${remedy}`);
  }

  #assign(name: string): FieldRole {
    const key = name === this.config.keyField;
    const feature = this.#featureOf(name);
    const input = feature === undefined ? (this.#inputs.get(name) ?? -1) : -1;
    const order = this.#included?.get(name) ?? -1;
    const takenOut = key && (this.asList || (input < 0 && !this.#features.has(name)));
    const selected = this.#included ? order >= 0 : !this.#excluded.has(name) && !takenOut;
    return {
      name,
      bytes: PLAIN.test(name) ? Buffer.from(name) : undefined,
      key,
      input: !selected ? -1 : this.asList ? 0 : input,
      feature: selected ? feature : undefined,
      element: selected && this.asList,
      order,
      extra: selected && !this.asList && input < 0,
      unknown: selected && !this.asList && input < 0 && feature === undefined,
    };
  }

  /** An input of the same name comes first, unless it is the one that takes the Examples. */
  #featureOf(name: string): FieldRole['feature'] {
    const input = this.#inputs.get(name);
    if (this.examples < 0 || (input !== undefined && input !== this.examples)) return undefined;
    const known = this.#features.get(name);
    if (known !== undefined || this.signature.examples?.features !== undefined) return known;
    return input === undefined && name !== BYTES_FIELD ? 'inferred' : undefined;
  }
}
