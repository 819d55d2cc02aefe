import { asBuffer } from '../ascii.ts';
import { ByteWriter } from '../byte-writer.ts';
import { ExampleReader } from './example-reader.ts';
import type { ExampleFeature } from './example-reader.ts';
import { writeExample } from './write-example.ts';
import type { FeatureValues } from './write-example.ts';

export type { ExampleFeature, FeatureValues };

/**
 * tf.Example: a map of named features, each a list of bytes, floats or int64s.
 * Source: tensorflow/core/example/example.proto and feature.proto.
 */

/**
 * Reads a serialized tf.Example: packed and unpacked lists; fields of other messages are skipped. Of two features of one name the last counts, and one
 * without a list is none, as TensorFlow has it.
 * @throws RowError naming the byte where the message is broken.
 */
export function decodeExample(bytes: Uint8Array): Map<string, ExampleFeature> {
  return new ExampleReader(asBuffer(bytes)).example();
}

/** Where an Example is put together. */
const scratch = new ByteWriter();
/** More memory than this is not kept for the next one. */
const MAX_SCRATCH_BYTES = 1024 * 1024;

/** A serialized tf.Example, as `writeExample` writes it. */
export function encodeExample(features: ReadonlyMap<string, FeatureValues>): Uint8Array {
  writeExample(scratch, features);
  const bytes = new Uint8Array(scratch.length);
  bytes.set(scratch.bytes.subarray(0, scratch.length));
  if (scratch.length > MAX_SCRATCH_BYTES) scratch.take();
  scratch.length = 0;
  return bytes;
}
