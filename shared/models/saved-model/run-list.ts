import type * as tfc from '@tensorflow/tfjs-core';
import { DT } from './graph-def.ts';
import { typeAttr } from './graph-node.ts';
import { computedType } from './graph-support.ts';
import { numberInput, numbersInput, tensorInput, TensorList, type Kernel, type StepRun } from './run-value.ts';

/** Lists of tensors. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/list_kernels.h */

/** Elements of all lists of a run are bounded by what loops make; a reserved one by this. */
const MAX_ELEMENTS = 16_777_216;

function listInput({ inputs, step }: StepRun, n = 0): TensorList {
  const value = inputs[n];
  if (value instanceof TensorList) return value;
  throw new TypeError(`${step.name} (${step.op}): input ${n} is no list`);
}

/** A shape that is given as a tensor: a scalar −1 for any rank. */
function shapeInput(run: StepRun, n: number): readonly number[] | null {
  const tensor = tensorInput(run, n);
  return tensor.rank === 0 ? null : numbersInput(run, n);
}

function elementType({ step }: StepRun): number {
  return typeAttr(step.attrs, 'element_dtype') ?? DT.FLOAT;
}

/** What is known of the shape from both. */
function mergeShapes(a: readonly number[] | null, b: readonly number[] | null): readonly number[] | null {
  if (a === null || b === null) return a ?? b;
  return a.map((size, axis) => (size >= 0 ? size : (b[axis] ?? -1)));
}

/** The elements' shape, from the list, the caller and the elements that are there. */
function fullShape(run: StepRun, list: TensorList, wanted: readonly number[] | null): readonly number[] {
  const known = mergeShapes(
    mergeShapes(wanted, list.elementShape),
    list.elements.find((e) => e !== undefined)?.shape ?? null,
  );
  if (known === null || known.some((size) => size < 0)) {
    throw new RangeError(
      `${run.step.name} (${run.step.op}): the list has elements that are not there, of a shape that nobody knows`,
    );
  }
  return known;
}

function zeros({ tf }: StepRun, shape: readonly number[], dtype: number): tfc.Tensor {
  const type = computedType(dtype);
  return tf.zeros([...shape], type === 'float32' || type === 'bool' ? type : 'int32');
}

/** Elements that are not there are zeros. */
function present(run: StepRun, list: TensorList, wanted: readonly number[] | null): tfc.Tensor[] {
  if (!list.elements.includes(undefined)) return [...(list.elements as readonly tfc.Tensor[])];
  const shape = fullShape(run, list, wanted);
  return list.elements.map((element) => element ?? zeros(run, shape, list.dtype));
}

function stack(
  run: StepRun,
  elements: readonly tfc.Tensor[],
  list: TensorList,
  wanted: readonly number[] | null,
): tfc.Tensor {
  if (elements.length > 0) return run.tf.stack([...elements]);
  return zeros(
    run,
    [0, ...(mergeShapes(wanted, list.elementShape) ?? []).map((size) => Math.max(size, 0))],
    list.dtype,
  );
}

function reserved(run: StepRun, count: number): undefined[] {
  if (count < 0 || count > MAX_ELEMENTS)
    throw new RangeError(`${run.step.name} (${run.step.op}): a list of ${count} elements`);
  return Array.from({ length: count }, () => undefined);
}

function place(list: TensorList, index: number): number {
  if (index >= 0 && index < list.elements.length) return index;
  throw new RangeError(`Trying to access element ${index} in a list with ${list.elements.length} elements.`);
}

const fromTensor: Kernel = (run) => [
  new TensorList(run.tf.unstack(tensorInput(run, 0)), shapeInput(run, 1), elementType(run)),
];

const setItem: Kernel = (run) => {
  const list = listInput(run);
  const index = numberInput(run, 1);
  const elements = [...list.elements];
  while (elements.length <= index && run.step.attrs.get('resize_if_index_out_of_bounds')) elements.push(undefined);
  elements[place(new TensorList(elements, null, list.dtype), index)] = tensorInput(run, 2);
  return [new TensorList(elements, list.elementShape, list.dtype)];
};

const getItem: Kernel = (run) => {
  const list = listInput(run);
  const element = list.elements[place(list, numberInput(run, 1))];
  return [element ?? zeros(run, fullShape(run, list, shapeInput(run, 2)), list.dtype)];
};

const scatter: Kernel = (run) => {
  const rows = run.tf.unstack(tensorInput(run, 0));
  const indices = numbersInput(run, 1);
  const count = run.step.op === 'TensorListScatterV2' ? numberInput(run, 3) : -1;
  const elements: (tfc.Tensor | undefined)[] = reserved(run, Math.max(count, 0, ...indices.map((index) => index + 1)));
  indices.forEach((index, i) => (elements[index] = rows[i]));
  return [new TensorList(elements, shapeInput(run, 2), elementType(run))];
};

const scatterInto: Kernel = (run) => {
  const list = listInput(run);
  const rows = run.tf.unstack(tensorInput(run, 1));
  const elements = [...list.elements];
  numbersInput(run, 2).forEach((index, i) => (elements[index] = rows[i]));
  return [new TensorList(elements, list.elementShape, list.dtype)];
};

const concat: Kernel = (run) => {
  const list = listInput(run);
  const wanted = run.step.op === 'TensorListConcatV2' ? shapeInput(run, 1) : null;
  const elements = present(run, list, wanted);
  const lengths = elements.map(({ shape }) => shape[0]);
  const joined = elements.length > 0 ? run.tf.concat(elements) : stack(run, [], list, wanted?.slice(1) ?? null);
  return [joined, run.tf.tensor1d(lengths, 'int32')];
};

const split: Kernel = (run) => {
  const lengths = numbersInput(run, 2);
  const tensor = tensorInput(run, 0);
  const elements = lengths.length > 0 ? run.tf.split(tensor, lengths) : [];
  return [new TensorList(elements, shapeInput(run, 1), elementType(run))];
};

const pushBack: Kernel = (run) => {
  const list = listInput(run);
  return [new TensorList([...list.elements, tensorInput(run, 1)], list.elementShape, list.dtype)];
};

const popBack: Kernel = (run) => {
  const list = listInput(run);
  const last = place(list, list.elements.length - 1);
  const element = list.elements[last] ?? zeros(run, fullShape(run, list, shapeInput(run, 1)), list.dtype);
  return [new TensorList(list.elements.slice(0, -1), list.elementShape, list.dtype), element];
};

const resize: Kernel = (run) => {
  const list = listInput(run);
  const size = numberInput(run, 1);
  const elements = [...list.elements.slice(0, size), ...reserved(run, Math.max(0, size - list.elements.length))];
  return [new TensorList(elements, list.elementShape, list.dtype)];
};

export const LIST_KERNELS: Readonly<Record<string, Kernel>> = {
  TensorListReserve: (run) => [
    new TensorList(reserved(run, numberInput(run, 1)), shapeInput(run, 0), elementType(run)),
  ],
  EmptyTensorList: (run) => [new TensorList([], shapeInput(run, 0), elementType(run))],
  TensorListFromTensor: fromTensor,
  TensorListSetItem: setItem,
  TensorListGetItem: getItem,
  TensorListStack: (run) => {
    const list = listInput(run);
    const wanted = shapeInput(run, 1);
    return [stack(run, present(run, list, wanted), list, wanted)];
  },
  TensorListGather: (run) => {
    const list = listInput(run);
    const wanted = shapeInput(run, 2);
    const elements = present(run, list, wanted);
    const chosen = numbersInput(run, 1).map((index) => elements[place(list, index)] as tfc.Tensor);
    return [stack(run, chosen, list, wanted)];
  },
  TensorListScatter: scatter,
  TensorListScatterV2: scatter,
  TensorListScatterIntoExistingList: scatterInto,
  TensorListConcat: concat,
  TensorListConcatV2: concat,
  TensorListSplit: split,
  TensorListPushBack: pushBack,
  TensorListPopBack: popBack,
  TensorListResize: resize,
  TensorListLength: (run) => [run.tf.scalar(listInput(run).elements.length, 'int32')],
  TensorListElementShape: (run) => {
    const { elementShape } = listInput(run);
    return [elementShape === null ? run.tf.scalar(-1, 'int32') : run.tf.tensor1d([...elementShape], 'int32')];
  },
};
