import { join } from 'node:path';
import * as layers from '@tensorflow/tfjs-layers';
import { onBackend } from '../../shared/models/tfjs-backend.ts';
import { saveLayersModel } from '../save-layers-model.ts';

/** Learns y = 5x from five points and writes the model to model/1: `node examples/times-five/train.ts`. */

const EPOCHS = 400;

await onBackend('cpu', async (tf) => {
  const x = layers.input({ shape: [1], name: 'x' });
  const y = layers.layers.dense({ units: 1, name: 'y', kernelInitializer: 'zeros' }).apply(x) as layers.SymbolicTensor;
  const model = layers.model({ inputs: x, outputs: y, name: 'times_five' });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
  const inputs = tf.tensor2d([-2, -1, 0, 1, 2], [5, 1]);
  await model.fit(inputs, tf.mul(inputs, 5), { epochs: EPOCHS, batchSize: 5, shuffle: false });
  const prediction = model.predictOnBatch(tf.tensor2d([[10]])) as ReturnType<typeof tf.tensor>;
  console.log(`10 → ${prediction.dataSync()[0] ?? NaN}`);
  await saveLayersModel(tf, model, join(import.meta.dirname, '..', 'models', 'times-five', '1'));
});
