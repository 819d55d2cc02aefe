import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Tfjs } from '../shared/models/tfjs-backend.ts';

/** Writes model.json and weights.bin, as TensorFlow.js's own file handlers lay them out. */
export async function saveLayersModel(tf: Tfjs, model: LayersModel, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await model.save(
    tf.io.withSaveHandler(async ({ weightData, weightSpecs, ...artifacts }) => {
      const manifest = { weightsManifest: [{ paths: ['weights.bin'], weights: weightSpecs }] };
      await writeFile(join(folder, 'model.json'), JSON.stringify({ ...artifacts, ...manifest }));
      await writeFile(join(folder, 'weights.bin'), new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)));
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON({ modelTopology: {} }) };
    }),
  );
}

/** A seeded generator of numbers in [0, 1): training gives the same weights every time. Mulberry32, by Tommy Ettinger. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The numbers below `length` in random order (Fisher and Yates). */
export function shuffledIndexes(length: number, random: () => number): Int32Array {
  const order = Int32Array.from({ length }, (_, index) => index);
  for (let last = length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const swapped = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = swapped;
  }
  return order;
}
