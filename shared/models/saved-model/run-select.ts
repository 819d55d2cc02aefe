import type * as tfc from '@tensorflow/tfjs-core';
import { boolAttr } from './graph-node.ts';
import { numberInput, tensorInput, type Kernel } from './run-value.ts';

/** Operations whose results are as large as the data makes them: TensorFlow.js has them only asynchronously. */

const where: Kernel = async (run) => {
  const condition = tensorInput(run, 0);
  return [
    await run.tf.whereAsync(
      condition.dtype === 'bool' ? condition : run.tf.notEqual(condition, run.tf.zerosLike(condition)),
    ),
  ];
};

const suppress: Kernel = async (run) => {
  const boxes = tensorInput(run, 0) as tfc.Tensor2D;
  const scores = tensorInput(run, 1) as tfc.Tensor1D;
  const [count, overlap, least] = [2, 3, 4].map((n) => (n < run.inputs.length ? numberInput(run, n) : undefined));
  const { image } = run.tf;
  if (run.step.op === 'NonMaxSuppressionV5') {
    const sigma = numberInput(run, 5);
    const kept = await image.nonMaxSuppressionWithScoreAsync(boxes, scores, count ?? 0, overlap, least, sigma);
    const { selectedIndices, selectedScores } = kept as {
      selectedIndices: typeof scores;
      selectedScores: typeof scores;
    };
    return [selectedIndices, selectedScores, run.tf.scalar(selectedIndices.size, 'int32')];
  }
  if (run.step.op === 'NonMaxSuppressionV4') {
    const pads = boolAttr(run.step.attrs, 'pad_to_max_output_size');
    const kept = await image.nonMaxSuppressionPaddedAsync(boxes, scores, count ?? 0, overlap, least, pads);
    const { selectedIndices, validOutputs } = kept as { selectedIndices: tfc.Tensor1D; validOutputs: tfc.Scalar };
    return [selectedIndices, validOutputs];
  }
  return [await image.nonMaxSuppressionAsync(boxes, scores, count ?? 0, overlap, least ?? Number.NEGATIVE_INFINITY)];
};

export const SELECT_KERNELS: Readonly<Record<string, Kernel>> = {
  Where: where,
  NonMaxSuppressionV2: suppress,
  NonMaxSuppressionV3: suppress,
  NonMaxSuppressionV4: suppress,
  NonMaxSuppressionV5: suppress,
};
