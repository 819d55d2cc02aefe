import { ByteWriter } from '../formats/byte-writer.ts';
import { writeExample } from '../formats/example/write-example.ts';
import type { FeatureValues } from '../formats/example/write-example.ts';
import { writeRecord } from '../formats/tf-record/tf-record-framing.ts';
import type { ByteStream } from '../ports.ts';
import { isList, parseOutput } from './elements.ts';
import type { Element, Nested } from './elements.ts';
import { ERROR_COLUMN } from './layout.ts';
import type { Layout, OutputColumn } from './layout.ts';
import { plainText } from './plain-text.ts';
import { NOTHING } from './predictions-writer.ts';
import type { PredictionsWriter } from './predictions-writer.ts';
import { readRows } from './row-reader.ts';
import type { PredictionRow } from './row-reader.ts';

/**
 * TFRecords, each a serialized tf.Example: the feature `key` (int64 where it is an integer that fits, else bytes: a string's characters, or JSON)
 * or `instance` (bytes: JSON); each output as one flat list; of a failed row `error` (bytes: the message). Floats are float32, as
 * tf.Example has no others; uint64, which it has not either, are bytes: their digits.
 */
export const tfRecordWriter: PredictionsWriter = {
  uniform: false,
  part,
  header: () => NOTHING,
  footer: () => Promise.resolve(NOTHING),
};

async function* part(lines: ByteStream, layout: Layout): ByteStream {
  // The elements of an output are one flat list, whatever its rank.
  const flattened = { ...layout, outputs: layout.outputs.map((output) => ({ ...output, rank: null })) };
  for await (const rows of readRows(lines, flattened)) {
    const out = new ByteWriter();
    for (const row of rows) {
      writeRecord(out, () => {
        writeExample(out, features(row, flattened));
      });
    }
    yield out.take();
  }
}

function features({ label, values, error }: PredictionRow, layout: Layout): Map<string, FeatureValues> {
  const found = new Map<string, FeatureValues>([
    [layout.label, layout.label === 'key' ? keyFeature(label) : { kind: 'bytes', values: [label] }],
  ]);
  layout.outputs.forEach((output, index) => {
    const json = values[index];
    if (json !== undefined) found.set(output.column, outputFeature(parseOutput(json, output), output));
  });
  if (error !== undefined) found.set(ERROR_COLUMN, { kind: 'bytes', values: [error.message] });
  return found;
}

/** -0 is no integer here: it would lose its sign. */
const INTEGER = /^(?:0|-?[1-9]\d{0,18})$/;

function keyFeature(json: Buffer): FeatureValues {
  const text = json.toString('latin1', 0, 21);
  if (INTEGER.test(text)) {
    const value = BigInt(text);
    if (BigInt.asIntN(64, value) === value) return { kind: 'int64', values: [value] };
  }
  return { kind: 'bytes', values: [plainText(json)] };
}

function outputFeature(value: Nested, { dtype }: OutputColumn): FeatureValues {
  const elements = flat(value);
  switch (dtype) {
    case 'float16':
    case 'float32':
    case 'float64':
      return { kind: 'float', values: elements as number[] };
    case 'string':
      return { kind: 'bytes', values: elements as (string | Uint8Array)[] };
    case 'uint64':
      return { kind: 'bytes', values: elements.map(String) };
    default:
      return { kind: 'int64', values: elements.map((element) => BigInt(element as number | bigint | boolean)) };
  }
}

function flat(value: Nested): readonly Element[] {
  if (!isList(value)) return [value];
  return value.some(isList) ? value.flatMap(flat) : (value as readonly Element[]);
}
