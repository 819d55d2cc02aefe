import { z } from 'zod';
import { oneLine, PermanentError } from '../errors.ts';
import { elementCount } from '../tensor.ts';
import { siblingFile } from './file-path.ts';
import type { ModelFiles } from './model.ts';
import { parseJsonFile } from './serving-config.ts';

/** A TensorFlow.js model read from its folder: model.json and the weight shards that its manifest names. */

export const MODEL_JSON = 'model.json';

/** TensorFlow.js itself computes with at most 6. */
const MAX_RANK = 32;

const weightSchema = z.looseObject({
  name: z.string(),
  shape: z.array(z.int().nonnegative()).max(MAX_RANK, `more than ${MAX_RANK} dimensions`),
  dtype: z.enum(['float32', 'int32', 'bool', 'string']),
  quantization: z.looseObject({ dtype: z.enum(['uint8', 'uint16', 'float16']) }).exactOptional(),
});
const modelSchema = z.looseObject({
  format: z.string().nullish(),
  modelTopology: z.looseObject({}),
  weightsManifest: z.array(z.looseObject({ paths: z.array(z.unknown()), weights: z.array(weightSchema) })),
});

type TfjsWeight = z.infer<typeof weightSchema>;

export interface TfjsArtifacts {
  readonly format: 'layers-model' | 'graph-model';
  readonly topology: Readonly<Record<string, unknown>>;
  readonly weights: readonly TfjsWeight[];
  /** The shards, in the manifest's order. */
  readonly weightData: ArrayBuffer[];
  /** Bytes of the weights as they are computed with, so after dequantization. */
  readonly byteSize: number;
  /** The whole of model.json: signature, initializer, metadata. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** https://github.com/tensorflow/tfjs/blob/master/tfjs-core/src/io/types.ts, DTYPE_VALUE_SIZE_MAP */
const STORED_BYTES = { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2 } as const;

/**
 * Reads model.json and its weights, and checks one against the other before TensorFlow.js allocates anything by the manifest.
 * @throws PermanentError INVALID_ARGUMENT (not a model.json, a path that leaves the folder, weights of another size than declared),
 * FAILED_PRECONDITION (a shard is missing), UNIMPLEMENTED (another format).
 */
export async function readTfjsArtifacts(files: ModelFiles): Promise<TfjsArtifacts> {
  const parsed = modelSchema.safeParse(parseJsonFile(files, MODEL_JSON, await files.read(MODEL_JSON)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined ? '' : `: ${issue.path.map(String).join('.')}: ${issue.message}`;
    throw new PermanentError('INVALID_ARGUMENT', `${files.label}: ${MODEL_JSON} is not a TensorFlow.js model${where}`);
  }
  const { modelTopology: topology, weightsManifest } = parsed.data;
  const format = parsed.data.format ?? ('node' in topology ? 'graph-model' : 'layers-model');
  if (format !== 'layers-model' && format !== 'graph-model') {
    const message = `${files.label}: ${MODEL_JSON} has the format ${format}; expected layers-model or graph-model`;
    throw new PermanentError('UNIMPLEMENTED', message);
  }
  if (format === 'graph-model') {
    // Loaded only for a graph: layers have a check of their own.
    const { checkGraphModel } = await import('./tfjs-graph-check.ts');
    checkGraphModel(files, MODEL_JSON, parsed.data);
  }
  const paths = weightsManifest.map((group) => group.paths.map((path) => siblingFile(files, MODEL_JSON, path)));
  refuseRepeated(files, paths.flat());
  const weightData: ArrayBuffer[] = [];
  for (const [group, { weights }] of weightsManifest.entries()) {
    const names = paths[group] ?? [];
    const shards: Uint8Array[] = [];
    for (const name of names) shards.push(await files.read(name));
    checkSize(files, names, weights, shards);
    weightData.push(...shards.map(ownBuffer));
  }
  const weights = weightsManifest.flatMap((group) => group.weights);
  return { format, topology, weights, weightData, byteSize: heldBytes(weights, weightData), json: parsed.data };
}

/** A small file named a million times would stand for any memory. */
function refuseRepeated(files: ModelFiles, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) {
      const message = `${files.label}: ${MODEL_JSON} names the file ${name} twice; expected each shard once`;
      throw new PermanentError('INVALID_ARGUMENT', message);
    }
    seen.add(name);
  }
}

function checkSize(
  files: ModelFiles,
  names: string[],
  weights: readonly TfjsWeight[],
  shards: readonly Uint8Array[],
): void {
  const found = shards.reduce((sum, shard) => sum + shard.byteLength, 0);
  const shard = names.length === 0 ? 'no file' : listed(names);
  const mismatch = (declared: number): PermanentError =>
    new PermanentError(
      'INVALID_ARGUMENT',
      `${files.label}: ${shard} holds ${found} bytes of weights; ${MODEL_JSON} declares ${declared}`,
    );
  let declared = 0;
  for (const weight of weights) {
    try {
      declared += storedBytes(weight, shards, declared);
    } catch (error) {
      const message = `${files.label}: ${shard}: weight ${weight.name}: ${oneLine(error)}`;
      throw new PermanentError('INVALID_ARGUMENT', message, { cause: error });
    }
    // At once: a string weight after it would be looked for beyond the end.
    if (declared > found) throw mismatch(declared);
  }
  if (declared !== found) throw mismatch(declared);
}

/** The first of many. */
function listed(names: readonly string[]): string {
  return names.length > 4 ? `${names.slice(0, 3).join(' + ')} and ${names.length - 3} more` : names.join(' + ');
}

function storedBytes(weight: TfjsWeight, shards: readonly Uint8Array[], start: number): number {
  const count = elementCount(weight.shape);
  if (weight.dtype !== 'string') return count * STORED_BYTES[weight.quantization?.dtype ?? weight.dtype];
  // Strings are stored one by one, each after its length in four bytes, little-endian.
  const bytes = Buffer.concat(shards);
  let at = start;
  for (let index = 0; index < count; index++) {
    if (at + 4 > bytes.length) throw new RangeError('the file ends inside a string');
    at += 4 + bytes.readUInt32LE(at);
  }
  return at - start;
}

function heldBytes(weights: readonly TfjsWeight[], weightData: readonly ArrayBuffer[]): number {
  const numbers = weights.filter((weight) => weight.dtype !== 'string');
  if (numbers.length < weights.length) return weightData.reduce((sum, shard) => sum + shard.byteLength, 0);
  return numbers.reduce((sum, { shape, dtype }) => sum + elementCount(shape) * (dtype === 'bool' ? 1 : 4), 0);
}

/** A shard as a buffer of its own; only what is part of a larger one is copied. */
function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) return buffer;
  return new Uint8Array(buffer, byteOffset, byteLength).slice().buffer;
}
