import { isUtf8 } from 'node:buffer';

import { CR, LF, SPACE, TAB, asBuffer, byteOrderMarkLength, isSpace } from './ascii.ts';
import { BatchBuilder } from './batch-builder.ts';
import { FieldPlan } from './field-plan.ts';
import type { DecodeOptions, EmitBoundary, Format, RecordScanner, RowBatch, ShardDecoder } from './format.ts';
import { InstanceDecoder } from './instance-decoder.ts';
import { FloatReader } from './kernel/float-reader.ts';
import { KernelText } from './kernel/kernel-text.ts';
import { RecordReader } from './kernel/record-reader.ts';
import { checkSize, checkUtf8, diagnose, writeRecordAsString } from './record-label.ts';
import { RowError } from './row-error.ts';

/** JSON lines: one JSON value per line. A line of nothing but spaces, tabs and carriage returns is no record. */
export const jsonl: Format = {
  name: 'jsonl',
  boundaries: 'anywhere',
  scanner: () => new LineScanner(),
  readHeader: (head) => ({ length: byteOrderMarkLength(head) }),
  decoder: (shard, options) => new JsonlDecoder(shard, options),
};

class LineScanner implements RecordScanner {
  #offset = 0;
  #lineStart = 0;
  #blank = true;

  push(chunk: Uint8Array, emit: EmitBoundary): void {
    const bytes = asBuffer(chunk);
    let p = 0;
    while (p < bytes.length) {
      if (this.#blank) {
        while (p < bytes.length && isBlank(bytes[p] as number)) p++;
        this.#blank = p === bytes.length || bytes[p] === LF;
      }
      const newline = bytes.indexOf(LF, p);
      if (newline < 0) break;
      p = newline + 1;
      this.#lineStart = this.#offset + p;
      const blank = this.#blank;
      this.#blank = true;
      emit(this.#lineStart, blank);
    }
    this.#offset += bytes.length;
  }

  finish(emit: EmitBoundary): void {
    if (this.#offset > this.#lineStart) emit(this.#offset, this.#blank);
    this.#lineStart = this.#offset;
  }
}

class JsonlDecoder implements ShardDecoder {
  readonly #bytes: Buffer;
  readonly #isUtf8: boolean;
  readonly #maxRowBytes: number;
  readonly #plan: FieldPlan;
  readonly #builder: BatchBuilder;
  readonly #instances: InstanceDecoder;
  readonly #alike: RecordReader | undefined;
  #pos = 0;

  constructor(shard: Uint8Array, { signature, instanceConfig, maxRowBytes }: DecodeOptions) {
    this.#bytes = endingInNewline(shard);
    this.#isUtf8 = isUtf8(shard);
    this.#maxRowBytes = maxRowBytes;
    this.#plan = new FieldPlan(signature, instanceConfig);
    this.#builder = new BatchBuilder(signature);
    const text = new KernelText(this.#bytes);
    this.#instances = new InstanceDecoder(this.#plan, this.#builder.inputs, new FloatReader(text));
    this.#alike = this.#isUtf8 ? new RecordReader(text, this.#plan, maxRowBytes) : undefined;
  }

  next(maxRows: number): RowBatch | undefined {
    const bytes = this.#bytes;
    const builder = this.#builder;
    builder.begin(maxRows, bytes.length - this.#pos);
    while (builder.rowCount < maxRows && this.#pos < bytes.length) {
      this.#pos = this.#alike?.read(this.#pos, maxRows - builder.rowCount, builder) ?? this.#pos;
      if (builder.rowCount === maxRows || this.#pos === bytes.length) break;
      let start = this.#pos;
      while (isBlank(bytes[start] as number)) start++;
      if (bytes[start] === LF) {
        this.#pos = start + 1;
        continue;
      }
      const newline = bytes.indexOf(LF, start);
      this.#row(this.#pos, newline);
      this.#pos = newline + 1;
    }
    return builder.rowCount === 0 ? undefined : builder.build();
  }

  #row(start: number, end: number): void {
    const bytes = this.#bytes;
    const { labels } = this.#builder;
    const refused =
      checkSize(end - start, this.#maxRowBytes) ?? (this.#isUtf8 ? undefined : checkUtf8(bytes, start, end));
    if (refused !== undefined) {
      this.#fail(refused, start, end, false);
      return;
    }
    try {
      this.#instances.decode(bytes, start, end);
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      this.#fail(error, start, end, true);
      return;
    }
    const { keyField, rowKeys } = this.#plan.config;
    const { keyStart, keyEnd } = this.#instances;
    if (keyField !== undefined) labels.copy(bytes, keyStart, keyEnd);
    else if (rowKeys !== true) labels.copy(bytes, this.#instances.start, this.#instances.end);
    this.#builder.commit();
    this.#alike?.learn(this.#instances.start, this.#instances.end);
  }

  /** @param readable the record may be echoed, if it is JSON. */
  #fail(error: RowError, from: number, to: number, readable: boolean): void {
    const bytes = this.#bytes;
    const { labels } = this.#builder;
    const { keyField, rowKeys } = this.#plan.config;
    const { malformed, key } = diagnose(bytes, from, to, keyField);
    let start = from;
    let end = to;
    while (isSpace(bytes[start])) start++;
    while (end > start && isSpace(bytes[end - 1])) end--;
    if (keyField !== undefined) {
      if (key === undefined) labels.ascii('null');
      else labels.copy(bytes, key[0], key[1]);
    } else if (rowKeys !== true) {
      if (readable && malformed === undefined) labels.copy(bytes, start, end);
      else writeRecordAsString(labels, bytes, start, end);
    }
    this.#builder.fail(readable ? (malformed ?? error) : error);
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === CR;
}

/** The bytes, copied only where they do not end in a newline. */
function endingInNewline(bytes: Uint8Array): Buffer {
  if (bytes.length === 0 || bytes[bytes.length - 1] === LF) return asBuffer(bytes);
  return Buffer.concat([bytes, Buffer.of(LF)]);
}
