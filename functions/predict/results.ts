import { PermanentError } from '../../shared/errors.ts';
import type { ErrorInfo } from '../../shared/errors.ts';
import { LF, OPEN_BRACKET } from '../../shared/formats/ascii.ts';
import type { Signature } from '../../shared/models/model.ts';
import { JsonText } from './json-text.ts';
import type { Slice } from './json-text.ts';
import type { PredictRequest } from './request.ts';

const PREDICTION = '{"prediction":';
const EMPTY = Buffer.from('""');
const ZERO = Buffer.from('0');
const OPEN = Buffer.from('[');
const CLOSE = Buffer.from(']');
const COMMA = Buffer.from(',');

/**
 * The predictions in output lines, each in the text that it was encoded as.
 * @throws PermanentError of the first row that failed, naming it.
 */
export function predictionsOf(lines: Buffer, kind: PredictRequest['kind']): readonly Buffer[] {
  const predictions: Buffer[] = [];
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(LF, start);
    const head = lines.toString('latin1', start, start + PREDICTION.length);
    if (head !== PREDICTION) {
      const { error } = JSON.parse(lines.toString('utf8', start, end)) as { readonly error: ErrorInfo };
      throw new PermanentError(error.status, `${kind}[${predictions.length}]: ${error.message}`);
    }
    predictions.push(lines.subarray(start + PREDICTION.length, end - 1));
    start = end + 1;
  }
  return predictions;
}

/** `{"predictions":[…]}`: one value a row. */
export function rowAnswer(predictions: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from('{"predictions":'), list(predictions), Buffer.from('}')]);
}

/** `{"outputs":…}`: one tensor an output, the rows its first dimension; that of the only output stands bare. */
export function columnAnswer(predictions: readonly Buffer[], { outputs }: Signature): Buffer {
  const [only] = outputs;
  if (only !== undefined && outputs.length === 1) {
    const value = only.shape?.length === 0 && predictions.length === 1 ? predictions[0] : undefined;
    return Buffer.concat([Buffer.from('{"outputs":'), value ?? list(predictions), Buffer.from('}')]);
  }
  const rows = predictions.map(fieldsOf);
  const columns = outputs.map(({ name, shape }, place) => {
    const values = rows.map((fields) => fields.get(name) ?? missing(name));
    const value = shape?.length === 0 && values.length === 1 ? values[0] : undefined;
    return Buffer.concat([Buffer.from(`${place === 0 ? '' : ','}${JSON.stringify(name)}:`), value ?? list(values)]);
  });
  return Buffer.concat([Buffer.from('{"outputs":{'), ...columns, Buffer.from('}}')]);
}

/**
 * `{"results":[[[label, score]…]…]}` out of the outputs `classes` and `scores`. Where a signature has but one of them, labels are empty, or
 * scores 0, as TensorFlow Serving has it.
 */
export function classifyAnswer(predictions: readonly Buffer[], signature: Signature): Buffer {
  const names = signature.outputs.map(({ name }) => name);
  if (!names.includes('classes') && !names.includes('scores'))
    throw refuse(signature, ':classify', 'outputs classes or scores');
  const results = predictions.map((prediction) => {
    const fields = outputsOf(prediction, names);
    const classes = fields.get('classes');
    const scores = fields.get('scores');
    const labels = classes && elements(classes);
    const values = scores && elements(scores);
    const count = Math.max(labels?.length ?? 0, values?.length ?? 0);
    return list(Array.from({ length: count }, (_, place) => list([labels?.[place] ?? EMPTY, values?.[place] ?? ZERO])));
  });
  return Buffer.concat([Buffer.from('{"results":'), list(results), Buffer.from('}')]);
}

/** `{"results":[v…]}` out of the output `outputs`, or of the only one: one value an example. */
export function regressAnswer(predictions: readonly Buffer[], signature: Signature): Buffer {
  const names = signature.outputs.map(({ name }) => name);
  const name = names.includes('outputs') ? 'outputs' : names.length === 1 ? names[0] : undefined;
  if (name === undefined) throw refuse(signature, ':regress', 'an output called outputs, or a single one');
  const results = predictions.map((prediction) => {
    const [value, ...others] = elements(outputsOf(prediction, names).get(name) ?? missing(name));
    if (value === undefined || others.length > 0)
      throw refuse(signature, ':regress', `one value of ${name} for each example (it has ${others.length + 1})`);
    return value;
  });
  return Buffer.concat([Buffer.from('{"results":'), list(results), Buffer.from('}')]);
}

function outputsOf(prediction: Buffer, names: readonly string[]): ReadonlyMap<string, Buffer> {
  const [only] = names;
  return only !== undefined && names.length === 1 ? new Map([[only, prediction]]) : fieldsOf(prediction);
}

function fieldsOf(prediction: Buffer): ReadonlyMap<string, Buffer> {
  const text = new JsonText(prediction);
  return new Map(
    [...(text.fields(text.whole) ?? [])].map(([name, slice]: [string, Slice]) => [name, text.text(slice)]),
  );
}

/** The elements of a list; a value that is none is one. */
function elements(value: Buffer): readonly Buffer[] {
  if (value[0] !== OPEN_BRACKET) return [value];
  const text = new JsonText(value);
  return (text.items(text.whole) ?? []).map((slice) => text.text(slice));
}

function list(values: readonly Buffer[]): Buffer {
  const pieces: Buffer[] = [OPEN];
  for (const [place, value] of values.entries()) {
    if (place > 0) pieces.push(COMMA);
    pieces.push(value);
  }
  pieces.push(CLOSE);
  return Buffer.concat(pieces);
}

function missing(name: string): never {
  throw new Error(`output "${name}" is in no prediction`);
}

function refuse({ name }: Signature, verb: string, expected: string): PermanentError {
  return new PermanentError('INVALID_ARGUMENT', `signature "${name}": ${verb} expects ${expected}; use :predict`);
}
