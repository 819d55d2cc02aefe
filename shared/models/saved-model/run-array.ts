import type * as tfc from '@tensorflow/tfjs-core';
import { DT } from './graph-def.ts';
import { boolAttr, typeAttr } from './graph-node.ts';
import { computedType } from './graph-support.ts';
import { numberInput, numbersInput, tensorInput, TensorArray, type Kernel, type StepRun } from './run-value.ts';

/** TF1's arrays of tensors. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/tensor_array.h */

const MAX_ELEMENTS = 16_777_216;

function arrayInput({ inputs, step }: StepRun, n = 0): TensorArray {
  const value = inputs[n];
  if (value instanceof TensorArray) return value;
  throw new TypeError(`${step.name} (${step.op}): input ${n} is no tensor array`);
}

/** Their flow is only an order: data dependencies carry it here. */
function flow({ tf }: StepRun): tfc.Tensor {
  return tf.scalar(0);
}

function write(run: StepRun, array: TensorArray, index: number, tensor: tfc.Tensor | undefined): void {
  const size = array.elements.length;
  if (index < 0 || (index >= size && !array.isDynamic) || index > MAX_ELEMENTS) {
    throw new RangeError(`Tried to write to index ${index} but array is not resizeable and size is: ${size}`);
  }
  while (array.elements.length <= index) array.elements.push(undefined);
  // It outlives the round of a loop that writes it: the run's end disposes of it.
  array.elements[index] = tensor && run.tf.keep(tensor.clone());
}

function read(run: StepRun, array: TensorArray, index: number): tfc.Tensor {
  const tensor = array.elements[index];
  if (tensor !== undefined) return tensor.clone();
  const known = array.elements.find((element) => element !== undefined);
  if (known !== undefined && index >= 0 && index < array.elements.length) return run.tf.zerosLike(known);
  throw new RangeError(
    `Tried to read index ${index} of a tensor array of ${array.elements.length} elements: it was never written`,
  );
}

function stack(run: StepRun, array: TensorArray, indices: readonly number[]): tfc.Tensor {
  const tensors = indices.map((index) => read(run, array, index));
  if (tensors.length > 0) return run.tf.stack(tensors);
  const shape = run.step.attrs.get('element_shape');
  const sizes = shape?.kind === 'shape' ? (shape.value ?? []) : [];
  const type = computedType(array.dtype);
  return run.tf.zeros(
    [0, ...sizes.map((size) => Math.max(0, size))],
    type === 'float32' || type === 'bool' ? type : 'int32',
  );
}

const scatter: Kernel = (run) => {
  const rows = run.tf.unstack(tensorInput(run, 2));
  numbersInput(run, 1).forEach((index, i) => {
    write(run, arrayInput(run), index, rows[i]);
  });
  return [flow(run)];
};

const split: Kernel = (run) => {
  const lengths = numbersInput(run, 2);
  const parts = lengths.length > 0 ? run.tf.split(tensorInput(run, 1), lengths) : [];
  parts.forEach((part, i) => {
    write(run, arrayInput(run), i, part);
  });
  return [flow(run)];
};

const concat: Kernel = (run) => {
  const tensors = arrayInput(run).elements.map((_, index) => read(run, arrayInput(run), index));
  const lengths = tensors.map(({ shape }) => shape[0]);
  return [
    tensors.length > 0 ? run.tf.concat(tensors) : stack(run, arrayInput(run), []),
    run.tf.tensor1d(lengths, 'int32'),
  ];
};

export const ARRAY_KERNELS: Readonly<Record<string, Kernel>> = {
  TensorArrayV3: (run) => {
    const { attrs } = run.step;
    const size = numberInput(run, 0);
    if (size < 0 || size > MAX_ELEMENTS) throw new RangeError(`${run.step.name}: a tensor array of ${size} elements`);
    const elements = Array.from({ length: size }, () => undefined);
    const array = new TensorArray(elements, typeAttr(attrs, 'dtype') ?? DT.FLOAT, boolAttr(attrs, 'dynamic_size'));
    run.atEnd(() => {
      for (const tensor of array.elements) tensor?.dispose();
    });
    return [array, flow(run)];
  },
  TensorArrayWriteV3: (run) => {
    write(run, arrayInput(run), numberInput(run, 1), tensorInput(run, 2));
    return [flow(run)];
  },
  TensorArrayReadV3: (run) => [read(run, arrayInput(run), numberInput(run, 1))],
  TensorArrayGatherV3: (run) => [stack(run, arrayInput(run), numbersInput(run, 1))],
  TensorArrayScatterV3: scatter,
  TensorArrayConcatV3: concat,
  TensorArraySplitV3: split,
  TensorArraySizeV3: (run) => [run.tf.scalar(arrayInput(run).elements.length, 'int32')],
  TensorArrayCloseV3: () => [],
};
