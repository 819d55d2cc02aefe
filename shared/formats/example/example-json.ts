import type { Tensor } from '../../tensor.ts';
import { CLOSE_BRACE, COLON, COMMA, OPEN_BRACE } from '../ascii.ts';
import type { ByteWriter } from '../byte-writer.ts';
import type { ExampleFeature } from './example.ts';
import type { InputReader } from '../input-reader.ts';
import { TensorWriter } from '../tensor-writer.ts';

/**
 * Writes features as the JSON object of an instance. One that feeds an input becomes nested lists of the input's shape where it has as many values; any other a
 * flat list, or the bare value where it has one. int64s keep their digits; bytes are text where they are UTF-8, else `{"b64": …}`.
 * @param inputOf the input that a feature feeds, if any.
 */
export function writeExampleJson(
  out: ByteWriter,
  features: Iterable<readonly [string, ExampleFeature]>,
  inputOf: (name: string) => InputReader | undefined,
): void {
  out.byte(OPEN_BRACE);
  let first = true;
  for (const [name, feature] of features) {
    if (!first) out.byte(COMMA);
    first = false;
    out.jsonString(name);
    out.byte(COLON);
    writeFeatureJson(out, feature, inputOf(name));
  }
  out.byte(CLOSE_BRACE);
}

/** Writes the value of one feature. */
export function writeFeatureJson(out: ByteWriter, feature: ExampleFeature, input?: InputReader): void {
  const count = feature.values.length;
  const shape = input?.shapeOf(count) ?? (count === 1 ? [] : [count]);
  new TensorWriter('', tensorOf(feature, [1, ...shape], input)).row(out, 0);
}

function tensorOf({ kind, values }: ExampleFeature, shape: readonly number[], input: InputReader | undefined): Tensor {
  switch (kind) {
    case 'bytes':
      return { dtype: 'string', shape, data: values };
    case 'float':
      return { dtype: 'float32', shape, data: values instanceof Float32Array ? values : Float32Array.from(values) };
    case 'int64':
      if (input?.spec.dtype === 'bool' && values.every((value) => value === 0n || value === 1n)) {
        return { dtype: 'bool', shape, data: Uint8Array.from(values, Number) };
      }
      return { dtype: 'int64', shape, data: BigInt64Array.from(values) };
  }
}
