import { join } from 'node:path';
import * as layers from '@tensorflow/tfjs-layers';
import { onBackend, type Tfjs } from '../../shared/models/tfjs-backend.ts';
import { saveLayersModel, seededRandom, shuffledIndexes } from '../save-layers-model.ts';
import { CLASSES, PIXELS, readDigits, type Digit } from './dataset.ts';

/** Trains the digits model and writes it to model/1: `node examples/digits/train.ts`. Takes about a minute on one core. */

const EPOCHS = 40;
const BATCH = 64;
/** Divided by ten for the last quarter, to settle. */
const LEARNING_RATE = 2e-3;
const SEED = 7;
const SIDE = 28;

function buildModel(): layers.LayersModel {
  const hidden = (units: number, seed: number): ReturnType<typeof layers.layers.dense> =>
    layers.layers.dense({ units, activation: 'relu', kernelInitializer: layers.initializers.heNormal({ seed }) });
  const pixels = layers.input({ shape: [PIXELS], name: 'pixels' });
  const first = hidden(128, SEED).apply(pixels);
  const second = hidden(64, SEED + 1).apply(first);
  const output = layers.layers.dense({
    units: CLASSES,
    activation: 'softmax',
    name: 'probabilities',
    kernelInitializer: layers.initializers.glorotNormal({ seed: SEED + 2 }),
  });
  return layers.model({ inputs: pixels, outputs: output.apply(second) as layers.SymbolicTensor, name: 'digits' });
}

/** Writes the digit moved by up to two pixels each way: the network learns that a digit is where it is drawn. */
function writeShifted(digit: Digit, target: Float32Array, random: () => number): void {
  const right = Math.floor(random() * 5) - 2;
  const down = Math.floor(random() * 5) - 2;
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const inside = x >= right && x - right < SIDE && y >= down && y - down < SIDE;
      target[y * SIDE + x] = inside ? (digit.pixels[(y - down) * SIDE + x - right] ?? 0) : 0;
    }
  }
}

async function fit(tf: Tfjs, model: layers.LayersModel, digits: readonly Digit[]): Promise<void> {
  const random = seededRandom(SEED);
  const optimizer = tf.train.adam(LEARNING_RATE);
  model.compile({ optimizer, loss: 'categoricalCrossentropy' });
  const pixels = new Float32Array(BATCH * PIXELS);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    (optimizer as unknown as { learningRate: number }).learningRate = LEARNING_RATE / (epoch < EPOCHS * 0.75 ? 1 : 10);
    const order = shuffledIndexes(digits.length, random);
    let loss = 0;
    let batches = 0;
    for (let start = 0; start + BATCH <= order.length; start += BATCH) {
      const labels = new Float32Array(BATCH * CLASSES);
      order.subarray(start, start + BATCH).forEach((index, row) => {
        const digit = digits[index];
        if (digit === undefined) return;
        writeShifted(digit, pixels.subarray(row * PIXELS, (row + 1) * PIXELS), random);
        labels[row * CLASSES + digit.label] = 1;
      });
      const x = tf.tensor2d(pixels, [BATCH, PIXELS]);
      const y = tf.tensor2d(labels, [BATCH, CLASSES]);
      loss += (await model.trainOnBatch(x, y)) as number;
      batches += 1;
      tf.dispose([x, y]);
    }
    console.log(`epoch ${epoch + 1}/${EPOCHS}  loss ${(loss / batches).toFixed(4)}`);
  }
}

function accuracy(tf: Tfjs, model: layers.LayersModel, digits: readonly Digit[]): number {
  return tf.tidy(() => {
    const pixels = new Float32Array(digits.length * PIXELS);
    digits.forEach((digit, row) => {
      pixels.set(digit.pixels, row * PIXELS);
    });
    const output = model.predictOnBatch(tf.tensor2d(pixels, [digits.length, PIXELS]));
    if (Array.isArray(output)) throw new TypeError('the model has one output');
    const guesses = tf.argMax(output, 1).dataSync();
    return digits.filter((digit, row) => guesses[row] === digit.label).length / digits.length;
  });
}

await onBackend('wasm', async (tf) => {
  const digits = await readDigits();
  const model = buildModel();
  await fit(
    tf,
    model,
    digits.filter((digit) => !digit.heldBack),
  );
  const heldBack = digits.filter((digit) => digit.heldBack);
  console.log(
    `accuracy on the ${heldBack.length} held-back digits: ${(accuracy(tf, model, heldBack) * 100).toFixed(2)} %`,
  );
  await saveLayersModel(tf, model, join(import.meta.dirname, '..', 'models', 'digits', '1'));
});
