import { isUtf8 } from 'node:buffer';

import { CLOSE_BRACE, CLOSE_BRACKET, COMMA, CR, LF, OPEN_BRACE, OPEN_BRACKET, asBuffer } from '../ascii.ts';
import { BatchBuilder } from '../batch-builder.ts';
import { ByteWriter } from '../byte-writer.ts';
import { PLAIN_CELL, writeCell, writeCellLeniently } from './csv-cell.ts';
import { columnOf, exampleOf, unusable } from './csv-columns.ts';
import type { CsvColumn, CsvExample } from './csv-columns.ts';
import { Cells, CsvReader } from './csv-reader.ts';
import { takeBytes } from '../example/example-columns.ts';
import { FieldPlan } from '../field-plan.ts';
import type { DecodeOptions, InstanceConfig, RowBatch, ShardDecoder } from '../format.ts';
import type { InputReader } from '../input-reader.ts';
import { numberEnd } from '../json-number.ts';
import { JsonReader } from '../json-reader.ts';
import { FloatReader } from '../kernel/float-reader.ts';
import { KernelText } from '../kernel/kernel-text.ts';
import { checkSize, checkUtf8, writeRecordAsString } from '../record-label.ts';
import { INSTANCE, RowError, unexpected } from '../row-error.ts';

/**
 * Decodes CSV records: each is an object by the names of the columns, and becomes an instance as the same object in a JSON line would, its
 * cells typed by the inputs that they feed. Without an instanceType, the cells are a list where the signature has one input, an object
 * where it has several, or takes tf.Examples: of those, an empty cell is a missing feature where that may be missing.
 *
 * The echo of a record without a key is that list or, where it is an object or columns are left out, the object of all columns.
 */
export class CsvDecoder implements ShardDecoder {
  readonly #bytes: Buffer;
  readonly #isUtf8: boolean;
  readonly #maxRowBytes: number;
  readonly #config: InstanceConfig;
  readonly #names: readonly string[];
  readonly #columns: readonly CsvColumn[];
  readonly #fed: readonly number[];
  readonly #asList: boolean;
  readonly #echoesList: boolean;
  /** The list is made of neighbouring columns, in their order. */
  readonly #isRun: boolean;
  readonly #keyColumn: number;
  readonly #example: CsvExample | undefined;
  /** What is wrong with every record: the columns do not make up an instance. */
  readonly #unusable: RowError | undefined;
  readonly #builder: BatchBuilder;
  readonly #reader = new CsvReader();
  readonly #cells = new Cells();
  readonly #json: JsonReader;
  readonly #scratch = new ByteWriter();
  #pos = 0;

  constructor(shard: Uint8Array, { signature, instanceConfig, columns = [], maxRowBytes }: DecodeOptions) {
    const isList = signature.inputs.length === 1 && signature.examples === undefined;
    const instanceType = instanceConfig.instanceType ?? (isList ? 'array' : 'object');
    const plan = new FieldPlan(signature, { ...instanceConfig, instanceType });
    this.#bytes = asBuffer(shard);
    this.#json = new JsonReader(new FloatReader(new KernelText(this.#bytes)));
    this.#isUtf8 = isUtf8(shard);
    this.#maxRowBytes = maxRowBytes;
    this.#config = instanceConfig;
    this.#names = columns;
    this.#builder = new BatchBuilder(signature);
    this.#asList = plan.asList;
    this.#columns = columns.map((name) => columnOf(name, plan));
    const feeds = (index: number): boolean => {
      const { input = -1, feature } = this.#columns[index]?.role ?? {};
      return input >= 0 || feature !== undefined;
    };
    const fed = [...this.#columns.keys()].filter(feeds);
    const order = (index: number): number => this.#columns[index]?.role.order ?? -1;
    this.#fed = plan.asList ? fed.sort((a, b) => order(a) - order(b)) : fed;
    this.#echoesList = plan.asList && fed.length === columns.length && fed.every((column, index) => column === index);
    this.#isRun = plan.asList && this.#fed.every((column, place) => column === (this.#fed[0] ?? 0) + place);
    this.#keyColumn = instanceConfig.keyField === undefined ? -1 : columns.indexOf(instanceConfig.keyField);
    this.#example = exampleOf(plan, this.#columns, this.#builder.inputs);
    this.#unusable = unusable(plan, this.#columns, this.#builder.inputs, this.#example);
  }

  next(maxRows: number): RowBatch | undefined {
    const builder = this.#builder;
    const { length } = this.#bytes;
    builder.begin(maxRows, length - this.#pos);
    while (builder.rowCount < maxRows && this.#pos < length) {
      const start = this.#pos;
      this.#cells.clear();
      const found = this.#reader.recordEnd(this.#bytes, start, this.#cells);
      const blank = found < 0 ? !this.#reader.finish(this.#bytes, this.#cells) : this.#reader.blank;
      this.#pos = found < 0 ? length : found;
      if (!blank) this.#row(start, this.#pos);
    }
    return builder.rowCount === 0 ? undefined : builder.build();
  }

  #row(start: number, end: number): void {
    const broken = this.#check(start, end);
    if (broken === undefined) this.#label();
    else this.#brokenLabel(start, end);
    const error = broken ?? this.#decode();
    if (error === undefined) this.#builder.commit();
    else this.#builder.fail(error);
  }

  /** What is wrong with the record as such. */
  #check(start: number, end: number): RowError | undefined {
    const { count } = this.#cells;
    const names = this.#names;
    return (
      checkSize(end - start, this.#maxRowBytes) ??
      (this.#isUtf8 ? undefined : checkUtf8(this.#bytes, start, end)) ??
      this.#cells.error(names) ??
      (count === names.length
        ? undefined
        : unexpected(INSTANCE, countOf(count), `${names.length} (${names.join(', ')})`))
    );
  }

  #decode(): RowError | undefined {
    try {
      if (this.#unusable !== undefined) return this.#unusable;
      const [list] = this.#builder.inputs;
      if (!this.#asList) this.#object();
      else if (list !== undefined && !this.#feedRun(list)) {
        list.beginList();
        for (const index of this.#fed) this.#feed(index);
        list.endList(INSTANCE, this.#fed.length);
      }
      return undefined;
    } catch (error) {
      if (error instanceof RowError) return error;
      throw error;
    }
  }

  #object(): void {
    this.#example?.fields.begin();
    for (const index of this.#fed) this.#feed(index);
    if (this.#example !== undefined) takeBytes(this.#example.input, this.#example.fields.encode(), INSTANCE);
  }

  /** Gives the cells of the list to its input at once, as they stand in the record; returns whether that could be done. */
  #feedRun(list: InputReader): boolean {
    const { starts, ends } = this.#cells;
    const first = this.#fed[0];
    if (!this.#isRun || first === undefined) return false;
    const end = ends[first + this.#fed.length - 1] as number;
    this.#json.reset(this.#bytes, starts[first] as number, end);
    return list.cells(this.#json, INSTANCE, this.#fed.length);
  }

  /** Gives one cell, as JSON, to its input. */
  #feed(index: number): void {
    const { role, subject, type, optional } = this.#columns[index] as CsvColumn;
    const scratch = this.#scratch;
    const json = this.#json;
    const start = this.#cells.starts[index] as number;
    const end = this.#cells.ends[index] as number;
    if (optional && start === end) return;
    if (type.numeric && numberEnd(this.#bytes, start) === end) json.reset(this.#bytes, start, end);
    else {
      scratch.length = 0;
      writeCell(scratch, this.#bytes, this.#cells, index, type, subject);
      scratch.byte(LF);
      json.reset(scratch.bytes, 0, scratch.length - 1);
    }
    const input = this.#builder.inputs[role.input];
    if (role.feature !== undefined) this.#example?.fields.read(json, role, subject);
    else if (role.element) input?.item(json, subject);
    else input?.read(json, subject);
  }

  #label(): void {
    const { labels } = this.#builder;
    if (this.#config.rowKeys === true) return;
    if (this.#config.keyField !== undefined) {
      this.#keyLabel();
      return;
    }
    labels.byte(this.#echoesList ? OPEN_BRACKET : OPEN_BRACE);
    this.#columns.forEach(({ label, type }, index) => {
      if (index > 0) labels.byte(COMMA);
      if (!this.#echoesList) labels.copy(label);
      writeCellLeniently(labels, this.#bytes, this.#cells, index, type);
    });
    labels.byte(this.#echoesList ? CLOSE_BRACKET : CLOSE_BRACE);
  }

  #keyLabel(): void {
    const { labels } = this.#builder;
    if (this.#keyColumn < 0) labels.ascii('null');
    else writeCell(labels, this.#bytes, this.#cells, this.#keyColumn, PLAIN_CELL, '');
  }

  /** The label of a record that is none: its key, where that cell is whole. */
  #brokenLabel(start: number, end: number): void {
    const { labels } = this.#builder;
    const { keyField, rowKeys } = this.#config;
    const cells = this.#cells;
    const column = this.#keyColumn;
    if (keyField !== undefined) {
      const whole = column >= 0 && column < cells.count && (cells.bad < 0 || column < cells.bad);
      if (whole && isUtf8(this.#bytes.subarray(cells.starts[column], cells.ends[column]))) this.#keyLabel();
      else labels.ascii('null');
    } else if (rowKeys !== true) {
      let last = end;
      if (this.#bytes[last - 1] === LF) last--;
      if (last > start && this.#bytes[last - 1] === CR) last--;
      writeRecordAsString(labels, this.#bytes, start, last);
    }
  }
}

function countOf(count: number): string {
  return count === 1 ? '1 column' : `${count} columns`;
}
