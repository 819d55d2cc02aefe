import type { InputStep } from './input-step.ts';
import { newTensor } from '../../tensor.ts';
import { Misfit, toFloats } from './value.ts';
import type { FloatDType } from './value.ts';

/** A step that makes of every number another one. @param float what it computes in. */
export function elementwise(op: string, float: FloatDType, map: (value: number) => number): InputStep {
  return numeric(op, float, (data) => {
    for (let i = 0; i < data.length; i++) data[i] = map(data[i] as number);
  });
}

/** (x − mean) / std, by channel: the last dimension, or all of it where there is one mean. */
export function normalize(float: FloatDType, mean: readonly number[], std: readonly number[]): InputStep {
  const channels = mean.length;
  const step = numeric('normalize', float, (data) => {
    for (let i = 0; i < data.length; i++) {
      const channel = i % channels;
      data[i] = ((data[i] as number) - (mean[channel] as number)) / (std[channel] as number);
    }
  });
  const check = (last: number | null | undefined): void => {
    if (channels > 1 && last !== channels && last !== null) {
      throw new Misfit(`found ${last ?? 'no'} channels in the last dimension, expected ${channels}, as mean has`);
    }
  };
  return {
    ...step,
    outputType: (input) => {
      check(input.shape === null ? null : input.shape.at(-1));
      return step.outputType(input);
    },
    run: (tensor, failures, subject) => {
      check(tensor.shape.length > 1 ? tensor.shape.at(-1) : undefined);
      return step.run(tensor, failures, subject);
    },
  };
}

function numeric(op: string, float: FloatDType, change: (data: Float32Array | Float64Array) => void): InputStep {
  return {
    op,
    takes: float,
    outputType: ({ dtype, shape }) => {
      if (dtype === 'string') throw new Misfit('found string, expected numbers');
      return { dtype: float, shape };
    },
    inputShape: (shape) => shape,
    run: (tensor) => {
      const data = toFloats(tensor, float);
      change(data);
      return newTensor(float, tensor.shape, data);
    },
  };
}
