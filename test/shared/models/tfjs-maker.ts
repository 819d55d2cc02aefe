import type { LayersModel } from '@tensorflow/tfjs-layers';
import { onBackend, type Tfjs } from '../../../shared/models/tfjs-backend.ts';
import type { ModelFiles } from '../../../shared/models/model.ts';
import { memoryFiles } from './model-files.ts';

/** Builds TensorFlow.js models in memory. */

export interface TfjsJson {
  modelTopology: Record<string, unknown>;
  weightsManifest: { paths: string[]; weights: unknown[] }[];
  [field: string]: unknown;
}

/** A layers-model, saved into memory in two shards. */
export async function saveLayers(build: (layers: typeof import('@tensorflow/tfjs-layers'), tf: Tfjs) => LayersModel) {
  const layers = await import('@tensorflow/tfjs-layers');
  return onBackend('cpu', async (tf) => {
    const model = build(layers, tf);
    let saved: { json: TfjsJson; weights: Uint8Array } | undefined;
    await model.save(
      tf.io.withSaveHandler(({ weightData, weightSpecs, modelTopology, format }) => {
        const manifest = [{ paths: ['a.bin', 'b.bin'], weights: weightSpecs ?? [] }];
        const json = { format, modelTopology: modelTopology as Record<string, unknown>, weightsManifest: manifest };
        saved = { json, weights: new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)) };
        return Promise.resolve({ modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON({ modelTopology: {} }) });
      }),
    );
    model.dispose();
    if (saved === undefined) throw new Error('nothing was saved');
    return saved;
  });
}

export function layersFiles({ json, weights }: { json: TfjsJson; weights: Uint8Array }): ModelFiles {
  const half = Math.floor(weights.length / 2);
  return memoryFiles({ 'model.json': json, 'a.bin': weights.subarray(0, half), 'b.bin': weights.subarray(half) });
}

export type Attribute = Record<string, unknown>;
export interface Node {
  name: string;
  op: string;
  input?: string[];
  attr?: Record<string, Attribute>;
}

export const type = (name: string): Attribute => ({ type: name });
export const ints = (...values: number[]): Attribute => ({ list: { i: values.map(String) } });
export const bytes = (value: string): Attribute => ({ s: Buffer.from(value).toString('base64') });
const dims = (sizes: readonly number[]) => ({ dim: sizes.map((size) => ({ size: String(size) })) });

export function placeholder(name: string, dtype: string, shape: readonly number[]): Node {
  return { name, op: 'Placeholder', attr: { dtype: type(dtype), shape: { shape: dims(shape) } } };
}

export interface GraphOptions {
  readonly nodes: readonly Node[];
  readonly weights?: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly data: Float32Array | Int32Array;
  }[];
  /** `[key, tensor, dtype, shape]`. */
  readonly inputs?: readonly (readonly [string, string, string, readonly number[]])[];
  readonly outputs?: readonly (readonly [string, string, string, readonly number[]])[];
  readonly functions?: readonly unknown[];
}

/** A graph-model in memory. */
export function graphFiles({
  nodes,
  weights = [],
  inputs = [],
  outputs = [],
  functions = [],
}: GraphOptions): ModelFiles {
  const entries = (side: typeof inputs) =>
    Object.fromEntries(side.map(([key, name, dtype, shape]) => [key, { name, dtype, tensorShape: dims(shape) }]));
  const constants = weights.map(({ name, data, shape }) => {
    const dtype = data instanceof Int32Array ? 'DT_INT32' : 'DT_FLOAT';
    return { name, op: 'Const', attr: { dtype: type(dtype), value: { tensor: { dtype, tensorShape: dims(shape) } } } };
  });
  const json = {
    format: 'graph-model',
    ...(outputs.length > 0 && { signature: { inputs: entries(inputs), outputs: entries(outputs) } }),
    modelTopology: { node: [...nodes, ...constants], library: { function: functions }, versions: { producer: 1 } },
    weightsManifest: [
      {
        paths: ['w.bin'],
        weights: weights.map(({ name, shape, data }) => ({
          name,
          shape,
          dtype: data instanceof Int32Array ? 'int32' : 'float32',
        })),
      },
    ],
  };
  const stored = Buffer.concat(
    weights.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );
  return memoryFiles({ 'model.json': json, 'w.bin': new Uint8Array(stored) });
}
