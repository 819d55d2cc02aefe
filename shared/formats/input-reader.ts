import { elementCount } from '../tensor.ts';
import type { TensorSpec } from '../tensor.ts';
import { CLOSE_BRACKET, OPEN_BRACKET } from './ascii.ts';
import type { Column } from './columns.ts';
import { expectedElement } from './create-column.ts';
import { END } from './json-reader.ts';
import type { JsonReader } from './json-reader.ts';
import { StringColumn } from './other-columns.ts';
import { RowError, excerpt, unexpected } from './row-error.ts';
import { shapeOf, shapeText } from './shape.ts';

/** More dimensions than any runtime takes. */
const MAX_RANK = 32;
const UNKNOWN = -1;

/**
 * Reads the values of one input into a column, a row at a time, and checks their shape. A row's value is read whole (`read`), or, where
 * the fields of an instance make up a list, item by item (`beginList`, `item`, `endList`).
 */
export class InputReader {
  readonly spec: TensorSpec;
  /** The shape that rows must have: the spec's without its batch dimension. `null` for any size, or for any rank. */
  readonly dimensions: readonly (number | null)[] | null;
  /** Where values go; replaced with every batch. */
  column: Column;
  readonly #sizes = new Int32Array(MAX_RANK).fill(UNKNOWN);
  readonly #fixedRank: number;
  /** The depths whose size each row brings anew. */
  readonly #openDepths: readonly number[];
  /** Whether a value that is no list is a row's one element: the cell of a column, or a scalar where TensorFlow Serving takes one for `[1]`. */
  readonly #wraps: boolean;
  #rank: number;
  /** Where the value began, and its depth in the row: 1 where it is an item of the row's list. */
  #start = 0;
  #base = 0;

  constructor(spec: TensorSpec, column: Column) {
    this.spec = spec;
    this.column = column;
    this.dimensions = spec.shape === null ? null : spec.shape.slice(1);
    this.#fixedRank = this.dimensions?.length ?? UNKNOWN;
    this.dimensions?.forEach((size, depth) => (this.#sizes[depth] = size ?? UNKNOWN));
    this.#openDepths = this.isFixed ? [] : [...this.#sizes.keys()].filter((depth) => this.#sizes[depth] === UNKNOWN);
    this.#rank = this.#fixedRank;
    const { dimensions } = this;
    this.#wraps = dimensions !== null && dimensions.length > 0 && dimensions.every((size) => size === 1);
  }

  /** Whether every row has the same shape. */
  get isFixed(): boolean {
    return this.dimensions?.every((size) => size !== null) ?? false;
  }

  /** Whether a list of exactly one item stands for the item: the input takes a scalar of each row. */
  get unwraps(): boolean {
    return this.#fixedRank === 0;
  }

  /** What the input takes, for messages. */
  get expected(): string {
    const { dimensions, spec } = this;
    if (dimensions === null) return `${spec.dtype} of any shape`;
    return dimensions.length === 0 ? expectedElement(spec.dtype) : `${spec.dtype} of shape ${shapeText(dimensions)}`;
  }

  /** The shape of the row that was read last. */
  get rowShape(): number[] {
    return Array.from(this.#sizes.subarray(0, Math.max(this.#rank, 0)), (size) => Math.max(size, 0));
  }

  /** Reads the value that is next as the row's. */
  read(json: JsonReader, subject: string): void {
    this.beginList();
    this.#begin(json, 0);
    if (this.#wraps && json.peek() !== OPEN_BRACKET) this.column.element(json, subject);
    else this.#value(json, subject, 0);
  }

  /** Reads the base64 string that is next as the row's one scalar, of bytes. */
  readBase64(json: JsonReader, subject: string): void {
    this.beginList();
    this.#begin(json, 0);
    if (!(this.column instanceof StringColumn)) throw unexpected(subject, 'bytes', this.expected);
    if (!this.#wraps) this.#checkDepth(json, subject, 0);
    this.column.base64(json, subject);
  }

  /** The shape of a row of so many elements; undefined where no row has as many, or which shape it is cannot be told. */
  shapeOf(count: number): readonly number[] | undefined {
    const { dimensions } = this;
    if (dimensions === null) return count === 1 ? [] : [count];
    const known = elementCount(dimensions.map((size) => size ?? 1));
    const open = dimensions.filter((size) => size === null).length;
    const size = open === 0 ? 1 : count / known;
    if (open > 1 || !Number.isInteger(size) || known * size !== count) return undefined;
    return dimensions.map((length) => length ?? size);
  }

  /** Takes the elements, in row-major order, as the row's. Returns false, having taken nothing, where they make no row. */
  take(elements: Column): boolean {
    const shape = this.shapeOf(elements.length);
    if (shape === undefined) return false;
    this.beginList();
    this.#rank = shape.length;
    for (const depth of this.#openDepths) this.#sizes[depth] = shape[depth] ?? UNKNOWN;
    this.column.append(elements);
    return true;
  }

  /**
   * Reads the cells of a CSV record as the row's list where they can be read as they are, up to the end of the reader's text; returns whether it
   * did. Where not, nothing was read: they are to be read item by item, which also finds what is wrong with them.
   */
  cells(json: JsonReader, subject: string, count: number): boolean {
    const before = this.column.length;
    if (this.#fixedRank !== 1 || !this.#canBe(count)) return false;
    try {
      if (this.column.cells(json, subject, count) && this.column.length === before + count && json.peek() === END) {
        this.beginList();
        this.endList(subject, count);
        return true;
      }
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
    }
    this.column.truncate(before);
    return false;
  }

  beginList(): void {
    this.#rank = this.#fixedRank;
    for (const depth of this.#openDepths) this.#sizes[depth] = UNKNOWN;
  }

  /** Reads the next item of the row's list. */
  item(json: JsonReader, subject: string): void {
    const depth = this.unwraps ? 0 : 1;
    this.#begin(json, depth);
    this.#value(json, subject, depth);
  }

  /** Ends the row's list of so many items. */
  endList(subject: string, count: number): void {
    if (this.unwraps) {
      if (count !== 1) throw unexpected(subject, `shape [${count}]`, 'a scalar');
      return;
    }
    if (this.#rank === UNKNOWN) this.#rank = 1;
    if (!this.#fits(0, count)) {
      const found = [count, ...this.rowShape.slice(1)];
      throw unexpected(subject, `shape ${shapeText(found)}`, `shape ${shapeText(this.dimensions ?? [])}`);
    }
  }

  #begin(json: JsonReader, depth: number): void {
    json.peek();
    this.#start = json.pos;
    this.#base = depth;
  }

  #value(json: JsonReader, subject: string, depth: number): void {
    if (json.peek() === OPEN_BRACKET) this.#list(json, subject, depth);
    else {
      this.#checkDepth(json, subject, depth);
      this.column.element(json, subject);
    }
  }

  #checkDepth(json: JsonReader, subject: string, depth: number): void {
    if (this.#rank === UNKNOWN) this.#rank = depth;
    else if (this.#rank !== depth) throw this.#misshapen(json, subject);
  }

  #list(json: JsonReader, subject: string, depth: number): void {
    if (depth === this.#rank || depth + 1 >= MAX_RANK) throw this.#misshapen(json, subject);
    json.pos++;
    const c = json.peek();
    let count = 0;
    if (c === CLOSE_BRACKET) {
      json.pos++;
      if (this.#rank === UNKNOWN) this.#rank = depth + 1;
    } else if (c !== OPEN_BRACKET && (this.#rank === depth + 1 || this.#rank === UNKNOWN)) {
      this.#rank = depth + 1;
      const before = this.column.length;
      this.column.elements(json, subject);
      count = this.column.length - before;
    } else {
      do {
        this.#value(json, subject, depth + 1);
        count++;
      } while (json.another(CLOSE_BRACKET));
    }
    if (!this.#fits(depth, count)) throw this.#misshapen(json, subject);
  }

  #canBe(count: number): boolean {
    const size = this.dimensions?.[0];
    return size === null || size === count;
  }

  #fits(depth: number, count: number): boolean {
    if (this.#sizes[depth] === UNKNOWN) this.#sizes[depth] = count;
    return this.#sizes[depth] === count;
  }

  /** The error of a value that is not nested as the input is; of one that is no JSON, that. */
  #misshapen(json: JsonReader, subject: string): RowError {
    json.pos = this.#start;
    json.skipValue();
    const end = json.pos;
    json.pos = this.#start;
    const found = shapeOf(json);
    const expected = this.dimensions?.slice(this.#base);
    const wanted =
      expected === undefined
        ? 'lists of equal length'
        : expected.length === 0
          ? 'a scalar'
          : `shape ${shapeText(expected)}`;
    if (found === undefined) return unexpected(subject, 'a ragged list', wanted);
    if (found.length > 0) return unexpected(subject, `shape ${shapeText(found)}`, wanted);
    return unexpected(subject, excerpt(json.bytes, this.#start, end), wanted);
  }
}
