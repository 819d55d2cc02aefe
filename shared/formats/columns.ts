import type { DType, StringElement, Tensor, TensorDataByDType } from '../tensor.ts';
import { CLOSE_BRACKET } from './ascii.ts';
import type { JsonReader } from './json-reader.ts';
import { excerpt, unexpected } from './row-error.ts';
import type { RowError } from './row-error.ts';

/**
 * The elements of one input's tensor, appended as they are read. One subclass for each kind of element; it reads JSON text
 * straight into its storage.
 */
export abstract class Column {
  /** Elements held. */
  length = 0;
  /** What an element should be, for messages. */
  readonly expected: string;

  constructor(expected: string) {
    this.expected = expected;
  }

  /** Reads the element at the reader's position (no whitespace before it). */
  abstract element(json: JsonReader, subject: string): void;
  /** Appends the elements of another column of the same dtype. */
  abstract append(other: Column): void;
  /** The elements as a tensor: a view of the column's storage. */
  abstract tensor(shape: readonly number[]): Tensor;

  /** Reads the elements of a list that is not empty, from behind its bracket to behind the closing one. */
  elements(json: JsonReader, subject: string): void {
    do {
      json.peek();
      this.element(json, subject);
    } while (json.another(CLOSE_BRACKET));
  }

  /**
   * Reads the first cells of a CSV record where they can be read as they are, faster than one by one. Returns whether it did; else, or where
   * it throws, the column holds a part of them.
   */
  cells(_json: JsonReader, _subject: string, _count: number): boolean {
    return false;
  }

  /** Drops what was appended since the column had this length. */
  truncate(length: number): void {
    this.length = length;
  }

  /** The error of a value that is no element of this column; of one that is no JSON at all, that. */
  protected refuse(json: JsonReader, subject: string, expected = this.expected): RowError {
    const start = json.pos;
    json.skipValue();
    return unexpected(subject, excerpt(json.bytes, start, json.pos), expected);
  }
}

export type NumericDType = Exclude<DType, 'string'>;

/** A column whose storage is a typed array. */
export abstract class TypedColumn<D extends NumericDType> extends Column {
  readonly dtype: D;
  protected data: TensorDataByDType[D];

  constructor(dtype: D, expected: string, data: TensorDataByDType[D]) {
    super(expected);
    this.dtype = dtype;
    this.data = data;
  }

  override append(other: this): void {
    while (this.data.length < this.length + other.length) this.grow();
    this.data.set(other.data.subarray(0, other.length) as never, this.length);
    this.length += other.length;
  }

  override tensor(shape: readonly number[]): Tensor {
    const whole = this.length === this.data.length;
    const data = whole ? this.data : this.data.subarray(0, this.length);
    return { dtype: this.dtype, shape, data } as unknown as Tensor;
  }

  /** Doubles the storage; returns the new one. */
  protected grow(): TensorDataByDType[D] {
    const Data = this.data.constructor as new (length: number) => TensorDataByDType[D];
    const grown = new Data(Math.max(16, 2 * this.data.length));
    grown.set(this.data as never);
    this.data = grown;
    return grown;
  }
}

/** A column of text and bytes. */
export abstract class ListColumn extends Column {
  protected readonly data: StringElement[] = [];

  override append(other: this): void {
    for (const element of other.data) this.push(element);
  }

  override truncate(length: number): void {
    this.data.length = length;
    this.length = length;
  }

  override tensor(shape: readonly number[]): Tensor {
    return { dtype: 'string', shape, data: this.data };
  }

  protected push(element: StringElement): void {
    this.length = this.data.push(element);
  }
}
