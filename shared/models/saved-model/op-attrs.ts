import { valueType } from './graph-def.ts';
import { computedType } from './graph-support.ts';
import { graphError } from './op-tensor.ts';
import type { OpTensor } from './op-tensor.ts';

/** An attribute of ours, of an operation that fails by its values: the places of the outputs that nobody reads. */
export const UNREAD_OUTPUTS = '_unread_outputs';

/** An attribute as the graph that TensorFlow.js runs holds it: AttrValue in proto3 JSON, `s` in base64 (or as character codes). */
export interface RawAttr {
  readonly s?: RawBytes;
  readonly i?: number | string;
  readonly f?: number | string;
  readonly b?: boolean;
  readonly type?: number;
  readonly shape?: RawShape;
  readonly list?: {
    readonly s?: readonly RawBytes[];
    readonly i?: readonly (number | string)[];
    readonly f?: readonly (number | string)[];
    readonly b?: readonly boolean[];
    readonly type?: readonly number[];
    readonly shape?: readonly RawShape[];
  };
}

type RawBytes = string | readonly number[];

interface RawShape {
  readonly unknownRank?: boolean;
  readonly dim?: readonly { readonly size?: number | string }[];
}

/**
 * An operation's attributes. TensorFlow.js's own reading of them is of no use: it makes strings lower case, and drops types that it has not.
 * An attribute that is not there has TensorFlow's default, which the reader gives.
 */
export class OpAttrs {
  readonly #raw: Readonly<Record<string, RawAttr>>;

  constructor(raw: Readonly<Record<string, RawAttr>>) {
    this.#raw = raw;
  }

  int(name: string, fallback: number): number {
    return Number(this.#get(name)?.i ?? fallback);
  }

  ints(name: string): bigint[] {
    return (this.#get(name)?.list?.i ?? []).map(BigInt);
  }

  float(name: string, fallback: number): number {
    return Number(this.#get(name)?.f ?? fallback);
  }

  floats(name: string): number[] {
    return (this.#get(name)?.list?.f ?? []).map(Number);
  }

  bool(name: string, fallback: boolean): boolean {
    return this.#get(name)?.b ?? fallback;
  }

  text(name: string, fallback: string): string {
    const raw = this.#get(name)?.s;
    return raw === undefined ? fallback : textOf(raw);
  }

  texts(name: string): string[] {
    return (this.#get(name)?.list?.s ?? []).map(textOf);
  }

  /** A `DT` of graph-def.ts. */
  type(name: string, fallback: number): number {
    const raw = this.#get(name)?.type;
    return raw === undefined ? fallback : valueType(raw);
  }

  types(name: string): number[] {
    return (this.#get(name)?.list?.type ?? []).map(valueType);
  }

  /** −1 for an unknown dimension; an unknown rank is refused. */
  shapes(name: string): number[][] {
    return (this.#get(name)?.list?.shape ?? []).map((shape) => shapeOf(shape, name));
  }

  shape(name: string): number[] {
    return shapeOf(this.#get(name)?.shape ?? {}, name);
  }

  #get(name: string): RawAttr | undefined {
    return Object.hasOwn(this.#raw, name) ? this.#raw[name] : undefined;
  }
}

/** The dtype that our operations compute a DataType in. @throws PermanentError of one that they do not. */
export function opDtype(type: number): OpTensor['dtype'] {
  const dtype = computedType(type);
  if (dtype === undefined || dtype === 'complex64') throw graphError(`DataType ${type} cannot be computed with`);
  return dtype;
}

function textOf(raw: RawBytes): string {
  return typeof raw === 'string' ? Buffer.from(raw, 'base64').toString() : Buffer.from(raw).toString();
}

function shapeOf({ unknownRank, dim = [] }: RawShape, name: string): number[] {
  if (unknownRank) throw graphError(`the attribute ${name} holds a shape of unknown rank; expected a known one`);
  return dim.map(({ size = 0 }) => Number(size));
}
