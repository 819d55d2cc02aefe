import type { Signature } from '../models/model.ts';
import type { InstanceConfig } from './format.ts';
import { listOf, subjectOf, unexpected } from './row-error.ts';
import type { RowError } from './row-error.ts';

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
  /** It is an item of the list that the instance becomes. */
  readonly element: boolean;
  /** Its place in `includedFields`; -1 where there are none: the order of the record. */
  readonly order: number;
  /** It is selected, but nothing takes it. */
  readonly unknown: boolean;
}

/**
 * What an InstanceConfig and a signature make of the fields of an instance, the same for every format:
 * - the key field is taken out, unless the model asks for it: an input has its name, or `includedFields` name it;
 * - `includedFields` or `excludedFields` select what the model sees; by default, all;
 * - what is selected feeds the input of its name or, with instanceType array and a signature of one input, is an item of its list.
 */
export class FieldPlan {
  readonly signature: Signature;
  readonly config: InstanceConfig;
  /** The fields of an instance become a list, which is the only input's value. */
  readonly asList: boolean;
  /** Only an object makes an instance. */
  readonly needsObject: boolean;
  /** The fields that the configuration or the signature name. */
  readonly known: readonly FieldRole[];
  readonly #byName = new Map<string, FieldRole>();
  readonly #inputs: ReadonlyMap<string, number>;
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
    this.#included = includedFields && new Map([...new Set(includedFields)].map((name, order) => [name, order]));
    this.#excluded = new Set(config.excludedFields);
    const names = [...(config.keyField === undefined ? [] : [config.keyField]), ...this.#inputs.keys()];
    for (const name of [...names, ...(includedFields ?? []), ...(config.excludedFields ?? [])]) {
      this.#byName.set(name, this.#assign(name));
    }
    this.known = [...this.#byName.values()];
  }

  role(name: string): FieldRole {
    return this.#byName.get(name) ?? this.#assign(name);
  }

  /** The fields that every instance must have. */
  get required(): readonly FieldRole[] {
    return this.known.filter(({ name, key, order }) => key || order >= 0 || (!this.asList && this.#inputs.has(name)));
  }

  /** The error of a required field that an instance does not have. @param expected what the input of that name takes. */
  missing(role: FieldRole, expected: string): RowError {
    const subject = subjectOf(role.name);
    if (role.key) return unexpected(subject, 'no such field', 'the instance key');
    if (role.element || role.unknown) return unexpected(subject, 'no such field', 'it, as includedFields name it');
    return unexpected(subject, role.input < 0 ? 'the field left out by instanceConfig' : 'no such field', expected);
  }

  /** The error of a selected field that is no input. */
  refuse(name: string): RowError {
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
    const input = this.#inputs.get(name) ?? -1;
    const order = this.#included?.get(name) ?? -1;
    const takenOut = key && (this.asList || input < 0);
    const selected = this.#included ? order >= 0 : !this.#excluded.has(name) && !takenOut;
    return {
      name,
      bytes: PLAIN.test(name) ? Buffer.from(name) : undefined,
      key,
      input: !selected ? -1 : this.asList ? 0 : input,
      element: selected && this.asList,
      order,
      unknown: selected && !this.asList && input < 0,
    };
  }
}
