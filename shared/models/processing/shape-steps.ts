import { fixedSize } from '../spec.ts';
import type { RowShape } from '../spec.ts';
import type { InputStep } from './input-step.ts';
import { newData, newTensor } from '../../tensor.ts';
import { Misfit, rowSizeOf, rowsOf } from './value.ts';

/** From rows, columns, channels to channels, rows, columns: what ONNX models of PyTorch take. */
export function channelsFirst(): InputStep {
  const move = (shape: RowShape): RowShape => {
    if (shape === null) return [null, null, null];
    const [height = null, width = null, channels = null] = shape;
    if (shape.length !== 3) throw new Misfit(`found ${shape.length} dimensions, expected 3: rows, columns, channels`);
    return [channels, height, width];
  };
  return {
    op: 'channelsFirst',
    takes: undefined,
    outputType: ({ dtype, shape }) => ({ dtype, shape: move(shape) }),
    inputShape: (shape) =>
      shape === null
        ? [null, null, null]
        : shape.length === 3
          ? [shape[1] ?? null, shape[2] ?? null, shape[0] ?? null]
          : undefined,
    run: (tensor) => {
      const [rows = 0, height = 0, width = 0, channels = 0] = tensor.shape;
      const plane = height * width;
      const data = newData(tensor.dtype, tensor.data.length);
      for (let row = 0; row < rows; row++) {
        const first = row * plane * channels;
        for (let pixel = 0; pixel < plane; pixel++) {
          for (let channel = 0; channel < channels; channel++) {
            data[first + channel * plane + pixel] = tensor.data[first + pixel * channels + channel] as never;
          }
        }
      }
      return newTensor(tensor.dtype, [rows, channels, height, width], data);
    },
  };
}

export function reshape(shape: readonly number[]): InputStep {
  const size = fixedSize(shape) ?? 1;
  const check = (found: number | undefined): void => {
    if (found !== undefined && found !== size) throw new Misfit(`found ${found} elements in a row, expected ${size}`);
  };
  return {
    op: 'reshape',
    takes: undefined,
    outputType: (input) => {
      check(fixedSize(input.shape));
      return { dtype: input.dtype, shape };
    },
    inputShape: () => undefined,
    run: (tensor) => {
      check(rowSizeOf(tensor));
      return newTensor(tensor.dtype, [rowsOf(tensor), ...shape], tensor.data);
    },
  };
}
