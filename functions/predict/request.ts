import { PermanentError } from '../../shared/errors.ts';
import type { Signature } from '../../shared/models/model.ts';
import { quoteBareNumbers } from './bare-numbers.ts';
import { JsonText } from './json-text.ts';
import type { Slice } from './json-text.ts';
import { ScalarRows } from './scalar-rows.ts';

/** The body of a request, taken apart; `rows` are the values that become rows. */
export interface PredictRequest {
  readonly text: JsonText;
  readonly signatureName: string | undefined;
  /** `instances`: one value a row. `inputs`: one tensor an input, rows along its first dimension. `examples`: one object of features a row. */
  readonly kind: 'instances' | 'inputs' | 'examples';
  readonly rows: Slice;
  /** Features that every example has which does not say otherwise. */
  readonly context: ReadonlyMap<string, Slice> | undefined;
}

export type Verb = 'predict' | 'classify' | 'regress';

/** Instances as JSON lines. */
export interface Lines {
  readonly bytes: Buffer;
  readonly rows: number;
}

/** The rows of a request. */
export interface RequestLines extends Lines {
  /** Every row held scalars where the signature has lists of one (scalar-rows.ts): so will its prediction. */
  readonly scalars: boolean;
}

/**
 * Takes a body apart as TensorFlow Serving's REST API has it: https://www.tensorflow.org/tfx/serving/api_rest
 * Fields that are not named there are let be, as it does.
 * @throws PermanentError INVALID_ARGUMENT naming the field.
 */
export function parseRequest(body: Uint8Array, verb: Verb): PredictRequest {
  const text = new JsonText(quoteBareNumbers(body));
  const fields = text.fields(text.whole);
  if (fields === undefined) throw refuse('the body: expected a JSON object');
  const signatureName = stringField(text, fields.get('signature_name'));
  if (verb !== 'predict') {
    const examples = fields.get('examples');
    if (examples === undefined) throw refuse(`examples: missing; :${verb} takes a list of examples`);
    const contextAt = fields.get('context');
    const context = contextAt && text.fields(contextAt);
    if (contextAt !== undefined && context === undefined) throw refuse('context: expected an object of features');
    return { text, signatureName, kind: 'examples', rows: examples, context };
  }
  const instances = fields.get('instances');
  const inputs = fields.get('inputs');
  if (instances !== undefined && inputs !== undefined)
    throw refuse('instances and inputs: found both, expected one: rows, or columns');
  const rows = instances ?? inputs;
  if (rows === undefined) throw refuse('instances: missing; :predict takes instances (rows) or inputs (columns)');
  return { text, signatureName, kind: instances === undefined ? 'inputs' : 'instances', rows, context: undefined };
}

/**
 * The request's rows as JSON lines, each value in the text that it was sent in.
 * @throws PermanentError INVALID_ARGUMENT naming the field; OUT_OF_RANGE over `maxRows`.
 */
export function linesOf(request: PredictRequest, signature: Signature, maxRows: number): RequestLines {
  const { text, kind, rows, context } = request;
  if (kind === 'inputs') return columnLines(text, rows, signature, maxRows);
  const items = text.items(rows);
  if (items === undefined) throw refuse(`${kind}: expected a list`);
  checkRows(kind, items.length, maxRows);
  const scalarRows = new ScalarRows(signature);
  const pieces: Buffer[] = [];
  let scalars = kind === 'instances';
  for (const [index, item] of items.entries()) {
    pieces.push(kind === 'examples' ? exampleLine(text, item, index, context) : text.line(item), NEWLINE);
    scalars &&= scalarRows.inInstance(text, item);
  }
  return { bytes: Buffer.concat(pieces), rows: items.length, scalars };
}

const NEWLINE = Buffer.from('\n');

/** The example's features, and those of the context that it has not. */
function exampleLine(text: JsonText, item: Slice, index: number, context: PredictRequest['context']): Buffer {
  const own = text.fields(item);
  if (own === undefined) throw refuse(`examples[${index}]: expected an object of features`);
  const all = new Map([...(context ?? []), ...own]);
  return objectLine([...all].map(([name, value]) => [name, text.line(value)]));
}

function objectLine(fields: readonly (readonly [name: string, value: Buffer])[]): Buffer {
  const pieces = fields.flatMap(([name, value], place) => [
    Buffer.from(`${place === 0 ? '{' : ','}${JSON.stringify(name)}:`),
    value,
  ]);
  return Buffer.concat([...pieces, Buffer.from(fields.length === 0 ? '{}' : '}')]);
}

/** Columns to rows: a bare tensor is that of the only input. An input without a batch dimension is every row's. */
function columnLines(text: JsonText, value: Slice, signature: Signature, maxRows: number): RequestLines {
  const unbatched = new Set(signature.inputs.filter(({ shape }) => shape?.length === 0).map(({ name }) => name));
  const columns = namedColumns(text, value, signature).map(({ name, slice }) => {
    if (unbatched.has(name)) return { name, slice, items: undefined };
    const items = text.items(slice);
    if (items === undefined) throw refuse(`inputs.${name}: expected a list, its first dimension the rows`);
    return { name, slice, items };
  });
  const first = columns.find(({ items }) => items !== undefined);
  const rows = first?.items?.length ?? 1;
  for (const { name, items } of columns) {
    if (items !== undefined && items.length !== rows)
      throw refuse(`inputs.${name}: found ${items.length} rows, expected ${rows}, as inputs.${first?.name ?? ''} has`);
  }
  checkRows('inputs', rows, maxRows);
  // The only input's value stands for itself: what it holds (bytes, a tf.Example) is then not taken for a field.
  const bare = columns.length === 1 && signature.inputs.length === 1 && columns[0]?.name === signature.inputs[0]?.name;
  const scalarRows = new ScalarRows(signature);
  const pieces: Buffer[] = [];
  let onlyScalars = true;
  for (let row = 0; row < rows; row++) {
    const values = columns.map(({ name, slice, items }) => ({ name, slice: items?.[row] ?? slice }));
    const [only] = values;
    pieces.push(
      bare && only !== undefined
        ? text.line(only.slice)
        : objectLine(values.map(({ name, slice }) => [name, text.line(slice)])),
      NEWLINE,
    );
    onlyScalars &&= values.some(({ name, slice }) => scalarRows.inValue(text, slice, name));
  }
  return { bytes: Buffer.concat(pieces), rows, scalars: onlyScalars };
}

interface Column {
  readonly name: string;
  readonly slice: Slice;
}

function namedColumns(text: JsonText, value: Slice, { inputs }: Signature): readonly Column[] {
  const fields = text.fields(value);
  if (fields !== undefined && !(fields.size === 1 && fields.has('b64')))
    return [...fields].map(([name, slice]) => ({ name, slice }));
  const [only] = inputs;
  if (only !== undefined && inputs.length === 1) return [{ name: only.name, slice: value }];
  throw refuse(`inputs: expected an object of ${inputs.map(({ name }) => JSON.stringify(name)).join(', ')}`);
}

function checkRows(field: string, rows: number, maxRows: number): void {
  if (rows === 0) throw refuse(`${field}: found no rows, expected at least one`);
  if (rows > maxRows)
    throw new PermanentError(
      'OUT_OF_RANGE',
      `${field}: found ${rows} rows, expected at most ${maxRows} in one request`,
    );
}

function stringField(text: JsonText, slice: Slice | undefined): string | undefined {
  if (slice === undefined) return undefined;
  const value = text.parse(slice);
  if (typeof value !== 'string') throw refuse('signature_name: expected a string');
  return value === '' ? undefined : value;
}

function refuse(message: string): PermanentError {
  return new PermanentError('INVALID_ARGUMENT', message);
}
