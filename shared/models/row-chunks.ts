import type { ErrorInfo } from '../errors.ts';
import { sliceRows } from '../tensor-rows.ts';
import { elementCount } from '../tensor.ts';
import type { Tensor, TensorData, Tensors } from '../tensor.ts';
import { concatRows } from './concat-rows.ts';
import { RowFailures } from './row-failures.ts';

/** Batches taken apart and put together again, for models that wrap models. */

/**
 * Calls `score` with at most `size` of the rows at a time and joins what it returns, `[rows, ...]` each.
 * @throws RowFailures of all chunks together; else whatever `score` throws, at once.
 */
export async function scoreInChunks(
  inputs: Tensors,
  rows: number,
  size: number,
  score: (inputs: Tensors, rows: number) => Promise<Tensors>,
): Promise<Tensors> {
  if (rows <= size) return score(inputs, rows);
  const chunks: Tensors[] = [];
  const failures = new Map<number, ErrorInfo>();
  for (let from = 0; from < rows; from += size) {
    const to = Math.min(rows, from + size);
    try {
      chunks.push(await score(sliceRows(inputs, rows, from, to), to - from));
    } catch (error) {
      if (!(error instanceof RowFailures)) throw error;
      for (const [row, info] of error.failures) if (row < to - from) failures.set(from + row, info);
    }
  }
  if (failures.size > 0) throw new RowFailures(failures);
  return concatRows(chunks);
}

/** The rows of this batch whose places are given, in that order: copies. A tensor without a batch dimension stays. */
export function takeRows(tensors: Tensors, rows: readonly number[]): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      if (tensor.shape.length === 0) return [name, tensor];
      const size = elementCount(tensor.shape.slice(1));
      const shape = [rows.length, ...tensor.shape.slice(1)];
      const data = emptyLike(tensor, rows.length * size);
      for (const [at, row] of rows.entries()) {
        for (let i = 0; i < size; i++) data[at * size + i] = tensor.data[row * size + i] as never;
      }
      return [name, { dtype: tensor.dtype, shape, data } as Tensor];
    }),
  );
}

function emptyLike(tensor: Tensor, length: number): TensorData {
  if (Array.isArray(tensor.data)) return new Array<string>(length).fill('');
  const Data = tensor.data.constructor as new (length: number) => TensorData;
  return new Data(length);
}
