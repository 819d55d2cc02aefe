import { asBuffer } from '../ascii.ts';
import { BatchBuilder } from '../batch-builder.ts';
import { takeBytes } from '../example/example-columns.ts';
import { ExampleFeed } from '../example/example-feed.ts';
import { writeExampleJson, writeFeatureJson } from '../example/example-json.ts';
import { decodeExample, encodeExample } from '../example/example.ts';
import type { ExampleFeature } from '../example/example.ts';
import { FieldPlan } from '../field-plan.ts';
import type { FieldRole } from '../field-plan.ts';
import type { DecodeOptions, RowBatch, ShardDecoder } from '../format.ts';
import type { InputReader } from '../input-reader.ts';
import { checkSize } from '../record-label.ts';
import { INSTANCE, RowError } from '../row-error.ts';
import { FOOTER_BYTES, HEADER_BYTES, checkRecordData, readRecordHeader } from './tf-record-framing.ts';

/** Bytes of a record that did not decode that its output line shows: 1 KiB of base64. */
const SHOWN_RECORD_BYTES = 768;

/**
 * Decodes TFRecords. An input that takes serialized tf.Examples, and the only input where it takes strings (unless instanceType says otherwise), gets
 * the record as it is; with includedFields or excludedFields, the tf.Example of the selected features. For other signatures the
 * record is a tf.Example whose features feed the inputs. The instance key is the feature of its name.
 *
 * The echo of a record without a key is `{"b64": …}` or, where it is taken apart, the object of its features.
 */
export class TfRecordDecoder implements ShardDecoder {
  readonly #bytes: Buffer;
  readonly #maxRowBytes: number;
  readonly #plan: FieldPlan;
  readonly #builder: BatchBuilder;
  readonly #feed: ExampleFeed;
  /** The input that gets the record. */
  readonly #whole: InputReader | undefined;
  /** The record is echoed as it is. */
  readonly #opaque: boolean;
  readonly #selects: boolean;
  /** The record need not be a tf.Example. */
  readonly #unread: boolean;
  #pos = 0;

  constructor(shard: Uint8Array, { signature, instanceConfig, maxRowBytes }: DecodeOptions) {
    const { keyField, includedFields, excludedFields, instanceType } = instanceConfig;
    this.#bytes = asBuffer(shard);
    this.#maxRowBytes = maxRowBytes;
    this.#plan = new FieldPlan(signature, instanceConfig);
    this.#builder = new BatchBuilder(signature);
    const { inputs } = this.#builder;
    this.#selects = includedFields !== undefined || excludedFields !== undefined;
    const only = inputs.length === 1 && !this.#selects && instanceType === undefined ? inputs[0] : undefined;
    this.#whole = inputs[this.#plan.examples] ?? (only?.shapeOf(1) && only.spec.dtype === 'string' ? only : undefined);
    this.#feed = new ExampleFeed(this.#plan, inputs, this.#whole);
    // Without inputs nothing is scored: only keys and echoes are wanted.
    this.#opaque = this.#whole !== undefined || inputs.length === 0;
    this.#unread = keyField === undefined && !this.#selects && this.#opaque && inputs.length <= 1;
  }

  next(maxRows: number): RowBatch | undefined {
    const builder = this.#builder;
    const { length } = this.#bytes;
    builder.begin(maxRows, length - this.#pos);
    while (builder.rowCount < maxRows && this.#pos < length) this.#pos = this.#record(this.#pos);
    return builder.rowCount === 0 ? undefined : builder.build();
  }

  /** Decodes the record at `at`; returns where the next one begins. */
  #record(at: number): number {
    const bytes = this.#bytes;
    const left = bytes.length - at;
    if (left < HEADER_BYTES)
      return this.#lost(at, `found the end of the file after ${left} bytes of a record's header`);
    const header = readRecordHeader(bytes, at);
    if ('broken' in header) return this.#lost(at, header.broken);
    const start = at + HEADER_BYTES;
    const end = start + header.length;
    const next = end + FOOTER_BYTES;
    if (next > bytes.length) {
      return this.#lost(at, `found the end of the file after ${left} bytes of a record of ${next - at}`);
    }
    const damage = checkRecordData(bytes, start, end);
    if (damage !== undefined) {
      this.#brokenLabel(start, end);
      this.#builder.fail(new RowError(`${INSTANCE}: ${damage}: the record is damaged`), 'DATA_LOSS');
    } else this.#row(start, end, checkSize(next - at, this.#maxRowBytes));
    return next;
  }

  /** Makes the rest of the file one row, as its scanner has it. */
  #lost(at: number, found: string): number {
    const { length } = this.#bytes;
    this.#brokenLabel(at, length);
    const lost = `no record can be found in the last ${length - at} bytes of the file`;
    this.#builder.fail(new RowError(`${INSTANCE}: ${found}: ${lost}`), 'DATA_LOSS');
    return length;
  }

  #row(start: number, end: number, refused: RowError | undefined): void {
    const bytes = this.#bytes;
    const data = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
    let example: Map<string, ExampleFeature> | undefined;
    try {
      if (refused !== undefined) throw refused;
      if (!this.#unread) example = decodeExample(data);
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      this.#brokenLabel(start, end);
      this.#builder.fail(error);
      return;
    }
    this.#label(start, end, example);
    try {
      if (example !== undefined) this.#feed.feed(example);
      if (this.#whole !== undefined)
        takeBytes(this.#whole, example && this.#selects ? this.#selected(example) : data, INSTANCE);
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      this.#builder.fail(error);
      return;
    }
    this.#builder.commit();
  }

  /** The tf.Example of the selected features. */
  #selected(example: ReadonlyMap<string, ExampleFeature>): Uint8Array {
    const plan = this.#plan;
    const missing = plan.requiredFeatures.find(({ name, feature }) => feature === undefined || !example.has(name));
    if (missing !== undefined) throw plan.missing(missing, 'the feature');
    const isSelected = ({ feature, unknown, input }: FieldRole): boolean =>
      feature !== undefined || unknown || input === plan.examples;
    return encodeExample(new Map([...example].filter(([name]) => isSelected(plan.role(name)))));
  }

  #label(start: number, end: number, example: ReadonlyMap<string, ExampleFeature> | undefined): void {
    const { labels } = this.#builder;
    const { keyField, rowKeys } = this.#plan.config;
    if (keyField !== undefined) {
      const key = example?.get(keyField);
      if (key === undefined) labels.ascii('null');
      else writeFeatureJson(labels, key);
    } else if (rowKeys !== true) {
      if (this.#opaque || example === undefined) this.#echo(start, end);
      else writeExampleJson(labels, example, this.#feed.inputOf);
    }
  }

  /** The label of a record that is none: there is no key in it. */
  #brokenLabel(start: number, end: number): void {
    const { keyField, rowKeys } = this.#plan.config;
    if (keyField !== undefined) this.#builder.labels.ascii('null');
    else if (rowKeys !== true) this.#echo(start, Math.min(end, start + SHOWN_RECORD_BYTES));
  }

  #echo(start: number, end: number): void {
    this.#builder.labels.ascii(`{"b64":"${this.#bytes.toString('base64', start, end)}"}`);
  }
}
