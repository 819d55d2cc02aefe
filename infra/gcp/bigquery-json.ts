import type { ByteWriter } from '../../shared/formats/byte-writer.ts';
import { timestampText } from '../../shared/formats/parquet/parquet-leaf.ts';
import { PermanentError } from '../../shared/errors.ts';

/** A column as tables.get describes it: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema */
export interface BigQueryField {
  readonly name: string;
  readonly type: string;
  readonly mode?: string;
  readonly fields?: readonly BigQueryField[];
}

/** A cell, and a row or record, as tabledata.list gives them. */
interface Cell {
  readonly v: unknown;
}

export interface BigQueryRow {
  readonly f: readonly Cell[];
}

const INTEGER = /^-?\d+$/;

/**
 * Writes a row as a JSON object: INT64, NUMERIC and BIGNUMERIC with all their digits, BYTES as `{"b64": …}`, TIMESTAMP by ISO 8601 in UTC, JSON as it
 * is, NaN and the infinities as strings, a RECORD as an object, a REPEATED column as a list, and `null` where there is no value.
 */
export function writeBigQueryRow(out: ByteWriter, fields: readonly BigQueryField[], row: BigQueryRow): void {
  out.ascii('{');
  fields.forEach((field, index) => {
    if (index > 0) out.ascii(',');
    out.jsonString(field.name);
    out.ascii(':');
    writeCell(out, field, row.f[index]?.v);
  });
  out.ascii('}');
}

function writeCell(out: ByteWriter, field: BigQueryField, value: unknown): void {
  if (value === null || value === undefined) out.ascii(field.mode === 'REPEATED' ? '[]' : 'null');
  else if (field.mode === 'REPEATED') {
    const single = { ...field, mode: 'NULLABLE' };
    out.ascii('[');
    (value as readonly Cell[]).forEach(({ v }, index) => {
      if (index > 0) out.ascii(',');
      writeCell(out, single, v);
    });
    out.ascii(']');
  } else if (field.fields !== undefined) writeBigQueryRow(out, field.fields, value as BigQueryRow);
  else writeScalar(out, field, value as string);
}

function writeScalar(out: ByteWriter, { name, type }: BigQueryField, text: string): void {
  switch (type) {
    case 'INTEGER':
    case 'INT64':
    case 'NUMERIC':
    case 'BIGNUMERIC':
      if (!/^-?\d+(\.\d+)?$/.test(text)) refuse(name, type, text);
      out.ascii(text);
      return;
    case 'FLOAT':
    case 'FLOAT64': {
      const number = Number(text);
      if (Number.isFinite(number)) out.ascii(JSON.stringify(number));
      else out.jsonString(text);
      return;
    }
    case 'BOOLEAN':
    case 'BOOL':
      out.ascii(text === 'true' ? 'true' : 'false');
      return;
    case 'BYTES':
      out.ascii('{"b64":');
      out.jsonString(text);
      out.ascii('}');
      return;
    case 'TIMESTAMP':
      if (!INTEGER.test(text)) refuse(name, type, text);
      out.ascii(timestampText(BigInt(text), 'MICROS', true));
      return;
    case 'JSON':
      // Newlines stand only between the tokens of JSON text.
      out.utf8(text.replaceAll(/[\r\n]/g, ' '));
      return;
    default:
      out.jsonString(text);
  }
}

function refuse(name: string, type: string, text: string): never {
  throw new PermanentError('DATA_LOSS', `column ${JSON.stringify(name)}: found ${text.slice(0, 80)}, expected ${type}`);
}
