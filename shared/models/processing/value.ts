import { errorInfo } from '../../errors.ts';
import type { ErrorInfo } from '../../errors.ts';
import { unexpected } from '../../formats/row-error.ts';
import { elementCount, newData } from '../../tensor.ts';
import type { DType, Tensor } from '../../tensor.ts';
import { RowFailures } from '../row-failures.ts';

/** What flows between two steps of processing: tensors `[rows, ...rowShape]`. */

/** Steps compute in one of them. */
export type FloatDType = 'float32' | 'float64';

/** The rows that a step found it cannot process, with their errors; what stands in their places is of no account. */
export class Failures {
  readonly rows = new Map<number, ErrorInfo>();

  /** The first error of a row stays. */
  add(row: number, subject: string, found: string, expected: string): void {
    if (this.rows.has(row)) return;
    this.rows.set(row, errorInfo('INVALID_ARGUMENT', unexpected(subject, found, expected).message));
  }

  /** @throws RowFailures */
  throwIfAny(): void {
    if (this.rows.size > 0) throw new RowFailures(this.rows);
  }
}

/** Why a step does not fit what comes before it: found when the model is loaded. */
export class Misfit extends Error {
  /** Where serving.json says it, as far as the thrower knows: `steps.0 (resize)`. */
  readonly path: readonly string[];

  constructor(message: string, path: readonly string[] = []) {
    super(message);
    this.path = path;
  }
}

/** Puts this place before that of what does not fit. */
export async function within<T>(place: string | readonly string[], work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Misfit) throw new Misfit(error.message, [place, error.path].flat());
    throw error;
  }
}

export function rowsOf(tensor: Tensor): number {
  return tensor.shape[0] ?? 1;
}

/** Elements of one row. */
export function rowSizeOf(tensor: Tensor): number {
  return elementCount(tensor.shape.slice(1));
}

export function isFloat(dtype: DType): boolean {
  return dtype === 'float16' || dtype === 'float32' || dtype === 'float64';
}

export function isInteger(dtype: DType): boolean {
  return !isFloat(dtype) && dtype !== 'bool' && dtype !== 'string';
}

/** Where integers or float64 are computed with, float32 would lose their digits. */
export function floatFor(dtype: DType): FloatDType {
  const fits =
    dtype === 'float16' || dtype === 'float32' || dtype === 'bool' || dtype === 'string' || /^u?int(8|16)$/.test(dtype);
  return fits ? 'float32' : 'float64';
}

/** The numbers of a tensor in new storage, which the caller may write to. */
export function toFloats(tensor: Tensor, dtype: FloatDType): Float32Array | Float64Array {
  const data = newData(dtype, tensor.data.length);
  if (tensor.dtype === 'int64' || tensor.dtype === 'uint64')
    tensor.data.forEach((value, i) => (data[i] = Number(value)));
  else if (tensor.dtype !== 'string') data.set(tensor.data);
  return data;
}
