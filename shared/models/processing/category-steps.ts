import { excerpt } from '../../formats/row-error.ts';
import { toElement } from '../text.ts';
import type { InputStep } from './input-step.ts';
import { newData, newTensor } from '../../tensor.ts';
import { isInteger, Misfit, rowSizeOf } from './value.ts';
import type { FloatDType } from './value.ts';

/** Texts to their places in the list. @param unknown the place of what is not in it; undefined: such a row is an error. */
export function vocabulary(values: readonly string[], unknown: number | undefined): InputStep {
  const places = new Map<string, number>();
  for (const [place, value] of values.entries()) if (!places.has(value)) places.set(value, place);
  return {
    op: 'vocabulary',
    takes: 'string',
    outputType: ({ dtype, shape }) => {
      if (dtype !== 'string') throw new Misfit(`found ${dtype}, expected string`);
      return { dtype: 'int32', shape };
    },
    inputShape: (shape) => shape,
    run: (tensor, failures, subject) => {
      const data = new Int32Array(tensor.data.length);
      const rowSize = rowSizeOf(tensor);
      for (let i = 0; i < data.length; i++) {
        const element = tensor.data[i] as string | Uint8Array;
        const text = typeof element === 'string' ? element : toElement(element);
        const place = (typeof text === 'string' ? places.get(text) : undefined) ?? unknown;
        if (place === undefined) {
          failures.add(Math.floor(i / rowSize), subject, show(text), `one of the vocabulary's ${values.length} values`);
        } else data[i] = place;
      }
      return newTensor('int32', tensor.shape, data);
    },
  };
}

/** 1 at the number's place, else 0; −1 has no place. */
export function oneHot(float: FloatDType, depth: number): InputStep {
  return {
    op: 'oneHot',
    takes: 'int32',
    outputType: ({ dtype, shape }) => {
      if (!isInteger(dtype)) throw new Misfit(`found ${dtype}, expected an integer dtype`);
      return { dtype: float, shape: shape === null ? null : [...shape, depth] };
    },
    inputShape: (shape) => (shape === null ? null : shape.length > 0 ? shape.slice(0, -1) : undefined),
    run: (tensor, failures, subject) => {
      const data = newData(float, tensor.data.length * depth);
      const rowSize = rowSizeOf(tensor);
      for (let i = 0; i < tensor.data.length; i++) {
        const place = Number(tensor.data[i]);
        if (place >= 0 && place < depth) data[i * depth + place] = 1;
        else if (place !== -1) {
          failures.add(Math.floor(i / rowSize), subject, String(place), `an integer from -1 to ${depth - 1}`);
        }
      }
      return newTensor(float, [...tensor.shape, depth], data);
    },
  };
}

function show(element: string | Uint8Array): string {
  if (typeof element !== 'string') return `${element.length} bytes that are not UTF-8`;
  const text = Buffer.from(JSON.stringify(element.slice(0, 400)));
  return excerpt(text, 0, text.length);
}
