import type * as tfc from '@tensorflow/tfjs-core';
import { PermanentError } from '../../errors.ts';
import { intAttr } from './graph-node.ts';
import { numbersInput, tensorInput, VariableHandle, type Kernel, type StepRun } from './run-value.ts';

/** Reads of variables through their handles. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/ops/resource_variable_ops.cc */

function variableInput({ inputs, step, backend }: StepRun): tfc.Tensor {
  const [value] = inputs;
  if (value instanceof VariableHandle) return value.tensor(backend);
  throw new TypeError(`${step.name} (${step.op}): input 0 is no variable`);
}

/** Of TensorFlow.js's backends not all look whether an index is inside. */
const gather: Kernel = (run) => {
  const variable = variableInput(run);
  const indices = tensorInput(run, 1);
  const batchDims = intAttr(run.step.attrs, 'batch_dims', 0);
  const size = variable.shape[batchDims] ?? 0;
  const outside = numbersInput(run, 1).find((index) => index < 0 || index >= size);
  if (outside !== undefined) throw new PermanentError('INVALID_ARGUMENT', `index ${outside} is not in [0, ${size})`);
  return [run.tf.gather(variable, run.tf.cast(indices, 'int32'), batchDims, batchDims)];
};

export const RESOURCE_KERNELS: Readonly<Record<string, Kernel>> = {
  ReadVariableOp: (run) => [variableInput(run)],
  ResourceGather: gather,
  ResourceGatherNd: (run) => [run.tf.gatherND(variableInput(run), run.tf.cast(tensorInput(run, 1), 'int32'))],
  VariableShape: (run) => [run.tf.tensor1d(variableInput(run).shape, 'int32')],
  VarIsInitializedOp: ({ tf }) => [tf.scalar(true, 'bool')],
  IsVariableInitialized: ({ tf }) => [tf.scalar(true, 'bool')],
};
