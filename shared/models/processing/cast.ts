import { expectedElement } from '../../formats/create-column.ts';
import { integerRange } from '../../formats/integer-column.ts';
import type { IntegerDType } from '../../formats/integer-column.ts';
import { newData, newTensor } from '../../tensor.ts';
import type { DType, Tensor } from '../../tensor.ts';
import { isFloat, Misfit, rowSizeOf } from './value.ts';
import type { Failures } from './value.ts';

/** @throws Misfit where a value of one dtype never becomes one of the other. */
export function checkCast(from: DType, to: DType): void {
  if (from !== to && (from === 'string' || to === 'string')) throw new Misfit(`found ${from}, expected ${to}`);
}

/**
 * The numbers as another dtype's: to an integer they are rounded (half away from zero); to bool, everything but 0 is true. A number
 * that the integer dtype does not hold, or that is none, is its row's error.
 */
export function castTensor(tensor: Tensor, dtype: DType, subject: string, failures: Failures): Tensor {
  if (tensor.dtype === dtype) return tensor;
  if (tensor.dtype === 'string' || dtype === 'string') throw new Error(`${subject}: ${tensor.dtype} is no ${dtype}`);
  const from: ArrayLike<number | bigint> = tensor.data;
  const to = newData(dtype, from.length) as (number | bigint)[] | { [index: number]: number | bigint };
  if (dtype === 'bool') {
    for (let i = 0; i < from.length; i++) to[i] = Number(from[i]) === 0 ? 0 : 1;
  } else if (isFloat(dtype)) {
    for (let i = 0; i < from.length; i++) to[i] = Number(from[i]);
  } else {
    const integer = dtype as IntegerDType;
    const [least, greatest] = integerRange(integer);
    const rowSize = rowSizeOf(tensor);
    for (let i = 0; i < from.length; i++) {
      const value = rounded(from[i] as number | bigint);
      // Comparing a number with a bigint is exact.
      if (value >= least && value <= greatest) to[i] = greatest > 2n ** 53n ? BigInt(value) : Number(value);
      else failures.add(Math.floor(i / rowSize), subject, String(from[i]), expectedElement(integer));
    }
  }
  return newTensor(dtype, tensor.shape, to as Tensor['data']);
}

function rounded(value: number | bigint): number | bigint {
  if (typeof value === 'bigint') return value;
  return Math.sign(value) * Math.round(Math.abs(value));
}
