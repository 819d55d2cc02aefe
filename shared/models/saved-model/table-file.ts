import { DT, dataTypeName } from './graph-def.ts';
import { LookupTable, insert, keyOf } from './table.ts';
import type { TableKey, TableValue } from './table.ts';

/** How a text file becomes a table: the attributes of InitializeTableFromTextFile. */
export interface TableFileOptions {
  /** A column from 0, or `WHOLE_LINE`, or `LINE_NUMBER`. */
  readonly keyIndex: number;
  readonly valueIndex: number;
  readonly keyType: number;
  readonly valueType: number;
  /** One byte, between columns. Default: a tab. */
  readonly delimiter?: string;
  /** The lines that count; −1 (the default): all. */
  readonly vocabSize?: number;
  /** Lines at the start that do not count. Line numbers start after them. */
  readonly offset?: number;
}

/** `TextFileIndex` of https://www.tensorflow.org/api_docs/python/tf/lookup/TextFileIndex */
const WHOLE_LINE = -2;
const LINE_NUMBER = -1;
const NEWLINE = 10;

/**
 * The table that a vocabulary file stands for.
 * Source: `TextFileLineIterator` of https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/lookup_util.cc
 * @throws RangeError naming the line that cannot be read.
 */
export function tableFromTextFile(bytes: Uint8Array, options: TableFileOptions): LookupTable {
  const { keyIndex, valueIndex, keyType, valueType, delimiter = '\t', vocabSize = -1, offset = 0 } = options;
  if (Buffer.from(delimiter).length !== 1)
    throw new RangeError(`the delimiter ${JSON.stringify(delimiter)}; expected one byte`);
  const content = new Map<TableKey, TableValue>();
  let line = 0;
  for (const text of linesOf(bytes)) {
    const number = line++ - offset;
    if (number < 0) continue;
    if (vocabSize >= 0 && number >= vocabSize) break;
    try {
      const columns = keyIndex >= 0 || valueIndex >= 0 ? text.split(delimiter) : [];
      const key = keyOf(cell(columns, text, number, keyIndex, keyType), keyType);
      insert(content, key, cell(columns, text, number, valueIndex, valueType));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new RangeError(`line ${line}: ${error.message}`, { cause: error });
    }
  }
  if (vocabSize >= 0 && content.size !== vocabSize) {
    throw new RangeError(`Invalid vocab_size: expected ${vocabSize} but got ${content.size}`);
  }
  return new LookupTable(keyType, valueType, content);
}

/** Lines as latin1 text; the last one may lack its end. TensorFlow's `InputBuffer::ReadLine` drops every carriage return, so do we. */
function* linesOf(bytes: Uint8Array): Generator<string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let start = 0; start < buffer.length;) {
    const newline = buffer.indexOf(NEWLINE, start);
    const end = newline < 0 ? buffer.length : newline;
    yield buffer.toString('latin1', start, end).replaceAll('\r', '');
    start = end + 1;
  }
}

function cell(columns: readonly string[], line: string, number: number, index: number, type: number): TableValue {
  if (index === LINE_NUMBER) {
    if (type !== DT.INT64 && type !== DT.INT32) throw new RangeError(`a line number is no ${dataTypeName(type)}`);
    return number;
  }
  const text = index === WHOLE_LINE ? line : columns[index];
  if (text === undefined) {
    throw new RangeError(
      `Invalid number of columns in line (${line.slice(0, 80)}): expected at least ${index + 1} got ${columns.length}`,
    );
  }
  return parse(text, type);
}

function parse(text: string, type: number): TableValue {
  switch (type) {
    case DT.STRING:
      return Buffer.from(text, 'latin1');
    case DT.INT32:
    case DT.INT64: {
      if (!/^\s*[+-]?\d+\s*$/.test(text)) break;
      const exact = BigInt(text.trim().replace(/^\+/, ''));
      return BigInt.asIntN(54, exact) === exact ? Number(exact) : exact;
    }
    case DT.FLOAT:
    case DT.DOUBLE: {
      const value = Number(text.trim());
      if (text.trim() !== '' && !Number.isNaN(value)) return value;
      break;
    }
    default:
      throw new RangeError(`a column of ${dataTypeName(type)} cannot be read`);
  }
  throw new RangeError(
    `${JSON.stringify(text)} is not a valid ${dataTypeName(type).slice('DT_'.length).toLowerCase()}`,
  );
}
