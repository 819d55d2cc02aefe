import type { Attribute, Block, NestedBlock, TypeJson } from './schema.ts';

/**
 * Reads a Terraform schema back out of the code that CDK Terrain generates from it, one class per block. Lost on the way, and of no use
 * offline: defaults, conflicts between arguments, and whether an optional attribute is computed where it is left out.
 */

/** One generated file: `lib/<resource>/index.js` and `index.d.ts`. */
export interface Binding {
  readonly js: string;
  readonly dts: string;
}

interface Property {
  readonly optional: boolean;
  readonly many: boolean;
}

interface Argument {
  readonly isBlock: boolean;
  readonly type: string;
  readonly storage: string;
}

interface Getter {
  readonly type?: TypeJson;
  /** The class of a nested value. */
  readonly nested?: string;
  readonly set?: boolean;
}

const GETTERS: Readonly<Record<string, TypeJson>> = {
  getStringAttribute: 'string',
  getNumberAttribute: 'number',
  getBooleanAttribute: 'bool',
  getListAttribute: ['list', 'string'],
  getNumberListAttribute: ['list', 'number'],
  getStringMapAttribute: ['map', 'string'],
  getNumberMapAttribute: ['map', 'number'],
  getBooleanMapAttribute: ['map', 'bool'],
};

const MAPS: Readonly<Record<string, TypeJson>> = {
  StringMap: ['map', 'string'],
  NumberMap: ['map', 'number'],
  BooleanMap: ['map', 'bool'],
};

const SCALARS: Readonly<Record<string, TypeJson>> = { string: 'string', number: 'number', boolean: 'bool' };

/** Left out, these come from the provider's configuration. */
const INHERITED = new Set(['id', 'project', 'location', 'region', 'zone']);

export function readBinding(binding: Binding): Block {
  return new BindingReader(binding).root();
}

class BindingReader {
  readonly #js: string;
  readonly #classes = new Map<string, string>();
  readonly #interfaces = new Map<string, ReadonlyMap<string, Property>>();
  readonly #root: string;

  constructor({ js, dts }: Binding) {
    this.#js = js;
    let root: string | undefined;
    for (const [, name = '', base = '', body = ''] of js.matchAll(
      /^class (\w+) extends \w+\.(\w+) \{([\s\S]*?)^\}/gm,
    )) {
      this.#classes.set(name, body);
      if (/^Terraform(Resource|DataSource|Provider)$/.test(base)) root = name;
    }
    if (root === undefined)
      throw new Error('no class of a resource, data source or provider: has the generated code changed?');
    this.#root = root;
    for (const [, name = '', body = ''] of dts.matchAll(
      /export interface (\w+)(?: extends [\w.]+)? \{\n([\s\S]*?)\n\}/g,
    )) {
      this.#interfaces.set(name, readProperties(body));
    }
  }

  root(): Block {
    const body = this.#classes.get(this.#root) ?? '';
    return this.#block(
      this.#root,
      `${this.#root}Config`,
      readArguments(body.split('synthesizeHclAttributes')[1] ?? ''),
    );
  }

  #block(name: string, config: string, args: ReadonlyMap<string, Argument>): Block {
    const getters = this.#getters(name);
    const properties = this.#interfaces.get(config);
    const attributes: Record<string, Attribute> = {};
    const blocks: Record<string, NestedBlock> = {};
    for (const key of [...new Set([...getters.keys(), ...args.keys()])].sort()) {
      const argument = args.get(key);
      const property = properties?.get(key);
      if (argument?.isBlock === true) blocks[key] = this.#nested(argument, property);
      else attributes[key] = this.#attribute(key, getters.get(key), argument, property);
    }
    return { attributes, blocks };
  }

  #nested({ storage, type }: Argument, property: Property | undefined): NestedBlock {
    const name = storage.replace(/List$/, '');
    const converter = `${name.charAt(0).toLowerCase()}${name.slice(1)}ToHclTerraform`;
    const args = readArguments(
      new RegExp(`function ${converter}\\(struct\\) \\{([\\s\\S]*?)\\n\\}`).exec(this.#js)?.[1] ?? '',
    );
    const block = this.#block(`${name}OutputReference`, name, args);
    if (type === 'struct') return { nesting: 'single', min: 0, max: 0, block };
    const min = property?.optional === false ? 1 : 0;
    return { nesting: type === 'set' ? 'set' : 'list', min, max: property?.many === true ? 0 : 1, block };
  }

  #attribute(key: string, getter?: Getter, argument?: Argument, property?: Property): Attribute {
    const type = argument === undefined ? this.#typeOf(getter) : argumentType(argument);
    if (property === undefined) return { type, computed: true };
    if (!property.optional) return { type, required: true };
    return INHERITED.has(key) ? { type, optional: true, computed: true } : { type, optional: true };
  }

  #typeOf(getter: Getter | undefined): TypeJson {
    if (getter?.type !== undefined) return getter.type;
    if (getter?.nested === undefined) return 'dynamic';
    const fields: Record<string, TypeJson> = {};
    for (const [key, field] of this.#getters(getter.nested.replace(/List$/, 'OutputReference')))
      fields[key] = this.#typeOf(field);
    return [getter.set === true ? 'set' : 'list', ['object', fields]];
  }

  #getters(name: string): ReadonlyMap<string, Getter> {
    const body = this.#classes.get(name) ?? '';
    const getters = new Map<string, Getter>();
    for (const [, , toList, getter = '', key = ''] of body.matchAll(
      /get (\w+)\(\) \{\s*return (\w+\.Fn\.tolist\()?this\.(get\w+Attribute)\('(\w+)'\)/g,
    )) {
      const type = GETTERS[getter] ?? 'dynamic';
      getters.set(key, { type: toList !== undefined && typeof type !== 'string' ? ['set', type[1]] : type });
    }
    for (const [, library, nested = '', key = '', set] of body.matchAll(
      /this\._\w+ = new (\w+\.)?(\w+)\(this, "(\w+)"(?:, (true|false))?\)/g,
    )) {
      getters.set(
        key,
        library === undefined ? { nested, set: set === 'true' } : { type: MAPS[nested] ?? ['map', 'dynamic'] },
      );
    }
    return getters;
  }
}

/** An interface's properties by the argument's own name, which stands in the link to its documentation. */
function readProperties(body: string): ReadonlyMap<string, Property> {
  const properties = new Map<string, Property>();
  for (const [, comment = '', name = '', optional, type = ''] of body.matchAll(
    /(?:\/\*\*([\s\S]*?)\*\/\s*)?readonly (\w+)(\??): ([^;]+);/g,
  )) {
    const key = /#(\w+) /.exec(comment)?.[1] ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    properties.set(key, { optional: optional === '?', many: type.includes('[]') });
  }
  return properties;
}

/** What a class hands to Terraform: each argument with whether it is a block, and the class or type of its value. */
function readArguments(body: string): ReadonlyMap<string, Argument> {
  const args = new Map<string, Argument>();
  for (const [, key = '', isBlock, type = '', storage = ''] of body.matchAll(
    /(\w+): \{\s*value: [\s\S]*?isBlock: (true|false),\s*type: "(\w+)",\s*storageClassType: "(\w+)"/g,
  )) {
    args.set(key, { isBlock: isBlock === 'true', type, storage });
  }
  return args;
}

function argumentType({ storage, type }: Argument): TypeJson {
  const scalar = SCALARS[storage];
  if (scalar !== undefined) return scalar;
  const [, element = '', kind] = /^(string|number|boolean)(List|Map)$/.exec(storage) ?? [];
  const inner = SCALARS[element];
  if (inner === undefined) return 'dynamic';
  if (kind === 'Map') return ['map', inner];
  return [type === 'set' ? 'set' : 'list', inner];
}
