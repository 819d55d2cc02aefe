import { isUtf8 } from 'node:buffer';

import { errorInfo, PermanentError } from '../errors.ts';
import type { ErrorInfo } from '../errors.ts';
import { mapConcurrent } from '../map-concurrent.ts';
import type { StringElement, Tensor, Tensors, TensorSpec } from '../tensor.ts';
import { CLOSE_BRACKET, LF, OPEN_BRACKET, asBuffer, byteOrderMarkLength } from './ascii.ts';
import { ByteWriter } from './byte-writer.ts';
import type { BatchGroup, DecodeOptions, Format, ReadObject, RowBatch, ShardDecoder } from './format.ts';
import { decodeValues } from './json-values.ts';
import { jsonl } from './jsonl.ts';

/** A batch holds the content of all its rows: with the default limit of 8 MiB a row, 256 MiB at most. */
const MAX_BATCH_ROWS = 32;
/** Objects read at the same time, for one batch. */
const MAX_READS = 8;

/**
 * A list of objects, one URI a line; blank lines are skipped. A row's value is the object's bytes, which `fetch` puts where the decoder left the
 * URI; the key, where a key field is asked for, is the URI, and so is the instance that an output line shows.
 */
export const fileList: Format = {
  name: 'file-list',
  boundaries: 'anywhere',
  maxBatchRows: MAX_BATCH_ROWS,
  scanner: () => jsonl.scanner(),
  readHeader: (head) => ({ length: byteOrderMarkLength(head) }),
  decoder: (shard, options) => new FileListDecoder(shard, options),
  fetch,
};

class FileListDecoder implements ShardDecoder {
  readonly #bytes: Buffer;
  readonly #options: DecodeOptions;
  /** Lists of one around a URI, where the input's rows have dimensions of 1. */
  readonly #depth: number;
  #at = 0;

  constructor(shard: Uint8Array, options: DecodeOptions) {
    this.#bytes = asBuffer(shard);
    // A key field of any name is the URI, which is the label anyway; one value is no array, either.
    const instanceConfig = { ...options.instanceConfig };
    delete instanceConfig.keyField;
    delete instanceConfig.instanceType;
    this.#options = { ...options, instanceConfig };
    this.#depth = depthOf(options.signature.inputs[0]);
  }

  next(maxRows: number): RowBatch | undefined {
    const lines = new ByteWriter();
    const refused = new Map<number, ErrorInfo>();
    let rows = 0;
    while (rows < maxRows && this.#at < this.#bytes.length) {
      const newline = this.#bytes.indexOf(LF, this.#at);
      const end = newline < 0 ? this.#bytes.length : newline;
      const line = this.#bytes.subarray(this.#at, end);
      this.#at = end + 1;
      const uri = line.toString('utf8').trim();
      if (uri === '') continue;
      const problem = problemOf(line, uri, this.#options.maxRowBytes);
      if (problem !== undefined) refused.set(rows, errorInfo('INVALID_ARGUMENT', `file-list: ${problem}`));
      this.#write(lines, uri);
      rows++;
    }
    if (rows === 0) return undefined;
    const batch = decodeValues(lines.take(), rows, this.#options, refused);
    return this.#depth === 0 ? withoutRefused(batch) : withoutRefused({ ...batch, ...this.#unwrapLabels(batch) });
  }

  #write(lines: ByteWriter, uri: string): void {
    for (let depth = 0; depth < this.#depth; depth++) lines.byte(OPEN_BRACKET);
    lines.jsonString(uri);
    for (let depth = 0; depth < this.#depth; depth++) lines.byte(CLOSE_BRACKET);
    lines.byte(LF);
  }

  /** A label shows the URI, without the lists around it. */
  #unwrapLabels({ labelStarts, labelEnds }: RowBatch): Pick<RowBatch, 'labelStarts' | 'labelEnds'> {
    if (this.#options.instanceConfig.rowKeys === true) return { labelStarts, labelEnds };
    return {
      labelStarts: labelStarts.map((start) => start + this.#depth),
      labelEnds: labelEnds.map((end) => end - this.#depth),
    };
  }
}

function depthOf(input: TensorSpec | undefined): number {
  const sizes = input?.dtype === 'string' ? (input.shape?.slice(1) ?? []) : [];
  return sizes.every((size) => size === 1 || size === null) ? sizes.length : 0;
}

function problemOf(line: Buffer, uri: string, maxRowBytes: number): string | undefined {
  if (line.length > maxRowBytes) return `found a line of ${line.length} bytes, expected at most ${maxRowBytes}`;
  if (!isUtf8(line)) return 'found invalid UTF-8, expected a URI';
  return uri.includes('\0') ? 'found a NUL in the line, expected a URI' : undefined;
}

/** A row that was refused may have decoded all the same: it leaves its group. */
function withoutRefused(batch: RowBatch): RowBatch {
  const { errors } = batch;
  if (errors.size === 0) return batch;
  const groups = batch.groups.map((group) => keepRows(group, (row) => !errors.has(row)));
  return { ...batch, groups: groups.filter(({ rows }) => rows.length > 0) };
}

/** Replaces the URIs by the bytes of their objects. A row whose object cannot be had becomes an error that names it. */
async function fetch(batch: RowBatch, read: ReadObject): Promise<RowBatch> {
  const errors = new Map(batch.errors);
  const groups: BatchGroup[] = [];
  for (const group of batch.groups) {
    const [name, tensor] = Object.entries(group.inputs)[0] ?? [];
    if (name === undefined || tensor?.dtype !== 'string') throw new Error('file-list: a batch without URIs');
    const contents = await mapConcurrent(tensor.data, MAX_READS, async (uri, index) => {
      try {
        return await read(typeof uri === 'string' ? uri : asBuffer(uri).toString());
      } catch (error) {
        // What another attempt may mend fails the shard, which comes again.
        if (!(error instanceof PermanentError)) throw error;
        errors.set(group.rows[index] ?? index, errorInfo(error.status, error.message));
        return '';
      }
    });
    const inputs = { [name]: { ...tensor, data: contents } };
    groups.push(keepRows({ ...group, inputs }, (row) => !errors.has(row)));
  }
  return { ...batch, groups: groups.filter(({ rows }) => rows.length > 0), errors };
}

function keepRows({ rows, inputs }: BatchGroup, keep: (row: number) => boolean): BatchGroup {
  const kept = Int32Array.from(rows.filter(keep));
  if (kept.length === rows.length) return { rows, inputs };
  const tensors: Tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]): [string, Tensor] => {
      if (tensor.dtype !== 'string') throw new Error('file-list: a batch without URIs');
      const data: StringElement[] = tensor.data.filter((_, index) => keep(rows[index] ?? -1));
      // An input without a batch dimension has one row a group: it is kept, or the group is empty.
      const shape = tensor.shape.length === 0 ? [] : [kept.length, ...tensor.shape.slice(1)];
      return [name, { ...tensor, shape, data }];
    }),
  );
  return { rows: kept, inputs: tensors };
}
