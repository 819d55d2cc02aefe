import { numberInput, numbersInput, type Kernel, type StepRun } from './run-value.ts';

/**
 * Random operations draw the same values for every batch: a shard that is scored again must come out the same. Graphs that serve have them
 * where they make no difference, as in a dropout that keeps everything.
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/random_ops.cc
 */

/** Two nodes draw different values. */
function seedOf({ step }: StepRun): number {
  return 1 + (step.outputs[0] ?? 0);
}

export const RANDOM_KERNELS: Readonly<Record<string, Kernel>> = {
  RandomStandardNormal: (run) => [run.tf.randomNormal(numbersInput(run, 0), 0, 1, 'float32', seedOf(run))],
  RandomUniform: (run) => [run.tf.randomUniform(numbersInput(run, 0), 0, 1, 'float32', seedOf(run))],
  RandomUniformInt: (run) => {
    const [least, limit] = [numberInput(run, 1), numberInput(run, 2)];
    return [run.tf.randomUniformInt(numbersInput(run, 0), least, limit, seedOf(run))];
  },
  TruncatedNormal: (run) => [run.tf.truncatedNormal(numbersInput(run, 0), 0, 1, 'float32', seedOf(run))],
};
