import { tensorInput, type Kernel } from './run-value.ts';

/** Operations whose results are as large as the data makes them: TensorFlow.js has them only asynchronously. */

const where: Kernel = async (run) => {
  const condition = tensorInput(run, 0);
  return [
    await run.tf.whereAsync(
      condition.dtype === 'bool' ? condition : run.tf.notEqual(condition, run.tf.zerosLike(condition)),
    ),
  ];
};

export const SELECT_KERNELS: Readonly<Record<string, Kernel>> = { Where: where };
