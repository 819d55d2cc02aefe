import type { Tensors } from '../../tensor.ts';
import type { Signature } from '../model.ts';
import { rowTexts } from './exact-json.ts';
import type { JsonDialect } from './exact-json.ts';
import { brief, readRows } from './read-tensor.ts';
import type { RemoteConfig } from './remote-config.ts';

/**
 * Instances and predictions, one JSON value per row: TF Serving's row format, which Vertex AI took over.
 * Source: https://github.com/tensorflow/serving/blob/master/tensorflow_serving/g3doc/api_rest.md#predict-api
 */

/** `[…]`, with each instance as an object by input name, or as the bare value of its only input. */
export function writeInstances(
  config: RemoteConfig,
  signature: Signature,
  inputs: Tensors,
  rows: number,
  dialect: JsonDialect,
): string {
  const columns = signature.inputs.map(({ name }) => {
    const tensor = inputs[name];
    if (tensor === undefined) throw new Error(`input ${name} is missing`);
    return { field: `${JSON.stringify(name)}:`, texts: rowTexts(tensor, rows, dialect) };
  });
  const [only] = columns;
  const instances = Array.from({ length: rows }, (_, row) =>
    config.instances === 'value'
      ? only?.texts[row]
      : `{${columns.map(({ field, texts }) => field + (texts[row] ?? '')).join(',')}}`,
  );
  return `[${instances.join(',')}]`;
}

/** The answer's `predictions`: bare values where there is one output, else objects by output name. */
export function readPredictions(signature: Signature, answer: unknown, rows: number): Tensors {
  const predictions = (answer as { readonly predictions?: unknown } | null)?.predictions;
  if (!Array.isArray(predictions)) throw new Error(`found ${brief(predictions)} as "predictions", expected a list`);
  if (predictions.length !== rows) throw new Error(`found ${predictions.length} predictions, expected ${rows}`);
  const isSingle = signature.outputs.length === 1;
  return Object.fromEntries(
    signature.outputs.map((spec) => {
      const values = predictions.map((prediction: unknown, row) => {
        if (isObject(prediction) && Object.hasOwn(prediction, spec.name)) return prediction[spec.name];
        if (isSingle) return prediction;
        throw new Error(`prediction ${row}: found ${brief(prediction)}, expected an object with output ${spec.name}`);
      });
      return [spec.name, readRows(spec, values)];
    }),
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
