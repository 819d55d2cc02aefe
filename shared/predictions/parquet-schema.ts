import type { SchemaElement } from 'hyparquet';

import { isBytes, isList, parseOutput } from './elements.ts';
import type { Element, Nested } from './elements.ts';
import { ERROR_COLUMN } from './layout.ts';
import type { Layout, OutputColumn } from './layout.ts';

/**
 * The columns of a Parquet output. Types as https://github.com/apache/parquet-format/blob/master/LogicalTypes.md has them: a list is the
 * three-level structure `optional group name (LIST) { repeated group list { required element } }`.
 */

const STRING = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const;

/** `key` or `instance`, the outputs, and `error {code, status, message}`; whatever a row may lack is nullable. */
export function schemaOf(layout: Layout): SchemaElement[] {
  return [
    { name: 'root', num_children: layout.outputs.length + 2 },
    { name: layout.label, repetition_type: 'REQUIRED', ...STRING },
    ...layout.outputs.flatMap((output) => outputSchema(output)),
    { name: ERROR_COLUMN, repetition_type: 'OPTIONAL', num_children: 3 },
    { name: 'code', repetition_type: 'REQUIRED', type: 'INT32' },
    { name: 'status', repetition_type: 'REQUIRED', ...STRING },
    { name: 'message', repetition_type: 'REQUIRED', ...STRING },
  ];
}

function outputSchema(output: OutputColumn): SchemaElement[] {
  const elements: SchemaElement[] = [];
  let name = output.column;
  let repetition: 'OPTIONAL' | 'REQUIRED' = 'OPTIONAL';
  for (let level = 0; level < (output.rank ?? 0); level++) {
    elements.push(
      { name, repetition_type: repetition, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    );
    name = 'element';
    repetition = 'REQUIRED';
  }
  return [...elements, { name, repetition_type: repetition, ...elementType(output) }];
}

/** A value of unknown rank is JSON text. */
function elementType(output: OutputColumn): Partial<SchemaElement> {
  if (output.rank === null) return STRING;
  switch (output.dtype) {
    case 'float16':
    case 'float32':
      return { type: 'FLOAT' };
    case 'float64':
      return { type: 'DOUBLE' };
    case 'int8':
    case 'uint8':
    case 'int16':
    case 'uint16':
    case 'int32':
      return { type: 'INT32' };
    case 'uint32':
    case 'int64':
      return { type: 'INT64' };
    case 'uint64':
      // Only the older of the two annotations: hyparquet-writer writes the bit width of the newer one as another type than Thrift readers take.
      return { type: 'INT64', converted_type: 'UINT_64' };
    case 'bool':
      return { type: 'BOOLEAN' };
    case 'string':
      return isBytes(output) ? { type: 'BYTE_ARRAY' } : STRING;
    default:
      return output.dtype satisfies never;
  }
}

/**
 * One row's value as its column takes it.
 * @throws PermanentError where it is not what the signature says.
 */
export function cellOf(json: Buffer, output: OutputColumn): Nested {
  if (output.rank === null) return json.toString('utf8');
  const value = parseOutput(json, output);
  if (output.dtype === 'uint32') return mapElements(value, (element) => BigInt(element as number));
  if (output.dtype !== 'string') return value;
  return mapElements(value, isBytes(output) ? toBytes : toText);
}

function toBytes(element: Element): Element {
  return typeof element === 'string' ? Buffer.from(element) : element;
}

/** Bytes among the texts of a column are its values as a line has them. */
function toText(element: Element): Element {
  return element instanceof Uint8Array ? `{"b64":"${Buffer.from(element).toString('base64')}"}` : element;
}

function mapElements(value: Nested, map: (element: Element) => Element): Nested {
  return isList(value) ? value.map((item) => mapElements(item, map)) : map(value);
}
