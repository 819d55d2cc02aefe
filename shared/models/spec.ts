import { shapeText } from '../formats/shape.ts';
import type { DType, TensorSpec } from '../tensor.ts';

/** What one row holds of a tensor: its shape without the batch dimension; null where any rank will do. */
export type RowShape = readonly (number | null)[] | null;

/** What one row holds of an input, an output or a value between steps. */
export interface RowType {
  readonly dtype: DType;
  readonly shape: RowShape;
}

/** The row's part of a tensor's shape; of a tensor without a batch dimension, `[]`. */
export function rowShapeOf({ shape }: Pick<TensorSpec, 'shape'>): RowShape {
  return shape === null ? null : shape.slice(1);
}

/** What satisfies both: a size wins over an open dimension. @returns undefined where nothing does. */
export function mergeShapes(a: RowShape, b: RowShape): RowShape | undefined {
  if (a === null) return b;
  if (b === null) return a;
  if (a.length !== b.length) return undefined;
  const merged: (number | null)[] = [];
  for (const [index, size] of a.entries()) {
    const other = b[index] ?? null;
    if (size !== null && other !== null && size !== other) return undefined;
    merged.push(size ?? other);
  }
  return merged;
}

/** The elements of a row where all its dimensions are known. */
export function fixedSize(shape: RowShape): number | undefined {
  let size = 1;
  for (const dimension of shape ?? [null]) {
    if (dimension === null) return undefined;
    size *= dimension;
  }
  return size;
}

/** For messages: `float32 [3]`. */
export function describeType({ dtype, shape }: RowType): string {
  return `${dtype} ${shape === null ? '[...]' : shapeText(shape)}`;
}
