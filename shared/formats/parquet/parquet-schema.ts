import type { SchemaElement, SchemaTree } from 'hyparquet';

import { PermanentError } from '../../errors.ts';

/** Deeper and wider schemas are refused. */
const MAX_DEPTH = 100;
const MAX_COLUMNS = 20_000;
/** Digits of a decimal: the format's own limit is far below. */
const MAX_DIGITS = 1000;

/** @throws PermanentError where rows of this schema cannot be read or written as JSON objects. */
export function checkSchema(root: SchemaTree): void {
  let columns = 0;
  const visit = (node: SchemaTree): void => {
    const name = JSON.stringify(node.path.join('.').slice(0, 200));
    if (node.path.length > MAX_DEPTH) refuse('INVALID_ARGUMENT', `column ${name} is nested deeper than ${MAX_DEPTH}`);
    if (++columns > MAX_COLUMNS) refuse('INVALID_ARGUMENT', `it has more than ${MAX_COLUMNS} columns`);
    const names = new Set<string>();
    for (const { element } of node.children) {
      if (names.has(element.name))
        refuse('INVALID_ARGUMENT', `it has two columns ${JSON.stringify(element.name)}: rename one`);
      if (element.name === '__proto__') refuse('INVALID_ARGUMENT', 'it has a column "__proto__": rename it');
      names.add(element.name);
    }
    const { logical_type: logical, type, num_children: children, scale = 0, precision = 0 } = node.element;
    if (logical?.type === 'VARIANT')
      refuse('UNIMPLEMENTED', `column ${name} is a VARIANT: write it as a struct, or as JSON text`);
    if (scale < 0 || scale > MAX_DIGITS || precision > MAX_DIGITS)
      refuse('INVALID_ARGUMENT', `column ${name} has scale ${scale}`);
    if (node.path.length > 0 && type === undefined && (children ?? 0) === 0)
      refuse('INVALID_ARGUMENT', `column ${name} has neither a type nor fields`);
    if (type === 'FIXED_LEN_BYTE_ARRAY' && (node.element.type_length ?? 0) < 1)
      refuse('INVALID_ARGUMENT', `column ${name} has values of no bytes`);
    node.children.forEach(visit);
  };
  visit(root);
  if (root.children.length === 0) refuse('INVALID_ARGUMENT', 'it has no columns');
}

/**
 * The schema without what its columns' values mean, so that they are read as they are stored: nothing is rounded on the way. Lists and maps stay,
 * and the keys of maps are text.
 */
export function physical(schema: readonly SchemaElement[]): SchemaElement[] {
  let mapKey = 0;
  return schema.map((element, index) => {
    if (element.converted_type === 'MAP' || element.logical_type?.type === 'MAP') mapKey = index + 2;
    if ((element.num_children ?? 0) > 0) return element;
    const plain = { ...element };
    delete plain.converted_type;
    delete plain.logical_type;
    return index === mapKey && element.type === 'BYTE_ARRAY' ? { ...plain, converted_type: 'UTF8' } : plain;
  });
}

function refuse(status: 'INVALID_ARGUMENT' | 'UNIMPLEMENTED', what: string): never {
  throw new PermanentError(status, `parquet: ${what}`);
}
