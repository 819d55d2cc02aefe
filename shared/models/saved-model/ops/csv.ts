import { DT } from '../graph-def.ts';
import { opDtype } from '../op-attrs.ts';
import { graphError, floats, ints, strings, stringsOf } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import { fromLatin1, latin1 } from '../op-text.ts';
import type { Ops } from '../op.ts';

/** tf.io.decode_csv. Inputs: records of any shape, and per column its default (empty: the field is required). Outputs: a tensor per column. */
export const csvOps: Ops = {
  DecodeCSV: ([records, ...defaults], attrs) => {
    const delimiter = attrs.text('field_delim', ',');
    const quotes = attrs.bool('use_quote_delim', true);
    const missing = attrs.text('na_value', '');
    const selected = attrs.ints('select_cols').map(Number);
    const rows = stringsOf(records, 'records').map((record, i) => {
      const fields = fieldsOf(latin1(record), delimiter, quotes, i);
      const chosen = selected.length > 0 ? selected.map((column) => fields[column]) : fields;
      if (chosen.length !== defaults.length || chosen.includes(undefined)) {
        throw graphError(`Expect ${defaults.length} fields but have ${fields.length} in record ${i}`);
      }
      return chosen as string[];
    });
    const types = attrs.types('OUT_TYPE');
    return defaults.map((fallback, f) =>
      column(rows, f, fallback, types[f] ?? DT.STRING, missing, records?.shape ?? []),
    );
  },
};

function column(
  rows: readonly string[][],
  f: number,
  fallback: OpTensor,
  type: number,
  missing: string,
  shape: readonly number[],
): OpTensor {
  const cells = rows.map((row, r) => {
    const field = row[f] as string;
    if (field !== '' && field !== missing) return field;
    if (fallback.data.length === 0) throw graphError(`Field ${f} is required but missing in record ${r}!`);
    return undefined;
  });
  const [other] = fallback.data;
  if (opDtype(type) === 'string') {
    return strings(
      shape,
      cells.map((cell) => (cell === undefined ? (other as Uint8Array) : fromLatin1(cell))),
    );
  }
  const numbers = cells.map((cell, r) => (cell === undefined ? (other as number) : numberIn(cell, type, f, r)));
  return opDtype(type) === 'float32'
    ? floats(shape, Float32Array.from(numbers))
    : ints(shape, Int32Array.from(numbers));
}

const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const INTEGER = /^\s*[+-]?\d+\s*$/;

function numberIn(cell: string, type: number, field: number, record: number): number {
  const float = opDtype(type) === 'float32';
  const value = Number(cell);
  if (!(float ? NUMBER : INTEGER).test(cell) || (!float && !(value >= -(2 ** 31) && value < 2 ** 31))) {
    const name = type === DT.FLOAT ? 'float' : type === DT.DOUBLE ? 'double' : type === DT.INT64 ? 'int64' : 'int32';
    throw graphError(`Field ${field} in record ${record} is not a valid ${name}: ${cell}`);
  }
  return value;
}

/** RFC 4180, without line ends: the record is one. */
function fieldsOf(record: string, delimiter: string, quotes: boolean, index: number): string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (quotes && record.startsWith('"', at)) {
      const [field, end] = quoted(record, at + 1, delimiter, index);
      fields.push(field);
      at = end;
    } else {
      const end = record.indexOf(delimiter, at);
      const field = record.slice(at, end < 0 ? undefined : end);
      if (quotes && field.includes('"')) throw graphError('Unquoted fields cannot have quotes/CRLFs inside');
      fields.push(field);
      at = end < 0 ? record.length : end;
    }
    if (at >= record.length) return fields;
    at += delimiter.length;
  }
}

function quoted(record: string, start: number, delimiter: string, index: number): [field: string, end: number] {
  let field = '';
  for (let at = start; ;) {
    const quote = record.indexOf('"', at);
    if (quote < 0) throw graphError(`Quoted field has to end with quote followed by delim or end (record ${index})`);
    field += record.slice(at, quote);
    if (record[quote + 1] !== '"') {
      if (quote + 1 < record.length && !record.startsWith(delimiter, quote + 1)) {
        throw graphError(`Quote inside a string has to be escaped by another quote (record ${index})`);
      }
      return [field, quote + 1];
    }
    field += '"';
    at = quote + 2;
  }
}
