import type { SchemaTree } from 'hyparquet';

import { CLOSE_BRACE, CLOSE_BRACKET, COMMA, OPEN_BRACE, OPEN_BRACKET } from '../ascii.ts';
import type { ByteWriter } from '../byte-writer.ts';
import type { ColumnValues } from './parquet-column.ts';
import { leafWriter, listWriter } from './parquet-leaf.ts';
import type { WriteList, WriteValue } from './parquet-leaf.ts';

/** How a column's values become JSON; rows are objects with a field for every column, `null` where it has no value. */
export interface Column {
  /** The field's name with its quotes and colon. */
  readonly label: Buffer;
  readonly name: string;
  readonly kind: 'leaf' | 'list' | 'map' | 'struct';
  /** Of a list its items, of a map its values, of a struct its fields. */
  readonly children: readonly Column[];
  readonly write: WriteValue;
  /** Writes a list of the values at once, where it can. */
  readonly writeList: WriteList | undefined;
}

/** @param node of the schema as the file has it. */
export function columnOf(node: SchemaTree): Column {
  const { name } = node.element;
  const label = Buffer.from(`${JSON.stringify(name)}:`);
  const base = { label, name, write: leafWriter(node.element), writeList: listWriter(node.element) };
  if (node.children.length === 0) return { ...base, kind: 'leaf', children: [] };
  const inner = node.children.length === 1 ? node.children[0] : undefined;
  if (inner?.element.repetition_type === 'REPEATED') {
    const [first, second] = inner.children;
    if (node.element.converted_type === 'LIST' && inner.children.length <= 1)
      return { ...base, kind: 'list', children: [columnOf(first ?? inner)] };
    const isMap = node.element.converted_type === 'MAP' && inner.children.length === 2 && first !== undefined;
    const single = first?.element.repetition_type !== 'REPEATED' && second?.element.repetition_type !== 'REPEATED';
    if (isMap && second !== undefined && single && first.element.name === 'key' && second.element.name === 'value')
      return { ...base, kind: 'map', children: [columnOf(second)] };
  }
  return { ...base, kind: 'struct', children: node.children.map(columnOf) };
}

/** Writes a row as a JSON object. @param root the schema's. @param values of each of its columns. */
export function writeRow(out: ByteWriter, root: Column, values: readonly ColumnValues[], row: number): void {
  out.byte(OPEN_BRACE);
  for (let index = 0; index < root.children.length; index++) {
    const column = root.children[index] as Column;
    if (index > 0) out.byte(COMMA);
    out.copy(column.label);
    writeColumn(out, column, values[index]?.at(row));
  }
  out.byte(CLOSE_BRACE);
}

function writeColumn(out: ByteWriter, column: Column, value: unknown): void {
  if (value === null || value === undefined) out.ascii('null');
  // A repeated column that is no LIST has lists of its values, too.
  else if (column.kind === 'list' || Array.isArray(value)) {
    const items = value as readonly unknown[];
    const item = column.kind === 'list' ? (column.children[0] ?? column) : column;
    out.byte(OPEN_BRACKET);
    if (item.kind !== 'leaf' || item.writeList?.(out, items) !== true) {
      items.forEach((each, index) => {
        if (index > 0) out.byte(COMMA);
        writeColumn(out, item, each);
      });
    }
    out.byte(CLOSE_BRACKET);
  } else if (column.kind === 'leaf') column.write(out, value);
  else if (column.kind === 'map') writeMap(out, column, value as Readonly<Record<string, unknown>>);
  else writeStruct(out, column, value as Readonly<Record<string, unknown>>);
}

function writeStruct(out: ByteWriter, column: Column, value: Readonly<Record<string, unknown>>): void {
  out.byte(OPEN_BRACE);
  column.children.forEach((child, index) => {
    if (index > 0) out.byte(COMMA);
    out.copy(child.label);
    writeColumn(out, child, value[child.name]);
  });
  out.byte(CLOSE_BRACE);
}

/** Keys that are text carry a mark (`parquet.ts`). */
function writeMap(out: ByteWriter, column: Column, value: Readonly<Record<string, unknown>>): void {
  out.byte(OPEN_BRACE);
  Object.entries(value).forEach(([key, each], index) => {
    if (index > 0) out.byte(COMMA);
    out.jsonString(key.startsWith('$') ? key.slice(1) : key);
    out.ascii(':');
    writeColumn(out, column.children[0] ?? column, each);
  });
  out.byte(CLOSE_BRACE);
}
