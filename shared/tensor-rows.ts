import type { Signature } from './models/model.ts';
import { elementCount } from './tensor.ts';
import type { Tensor, TensorData, Tensors } from './tensor.ts';

/**
 * Rows of columnar batches. A tensor without a batch dimension (shape `[]`) stands for one row.
 */

/** The size of the signature's batch dimension where it is fixed; 1 where an input has no batch dimension; undefined where it is free. */
export function batchDimension(signature: Signature): number | undefined {
  let fixed: number | undefined;
  for (const { shape } of signature.inputs) {
    if (shape === null) continue;
    const size = shape.length === 0 ? 1 : shape[0];
    if (size !== null && size !== undefined) fixed = Math.min(fixed ?? size, size);
  }
  return fixed === 0 ? undefined : fixed;
}

/** The rows `[from, to)` of every tensor: views, not copies. */
export function sliceRows(tensors: Tensors, rows: number, from: number, to: number): Tensors {
  if (from === 0 && to === rows) return tensors;
  return mapTensors(tensors, (tensor) => {
    if (tensor.shape.length === 0) return tensor;
    const size = rowSize(tensor);
    return withData(tensor, [to - from, ...tensor.shape.slice(1)], slice(tensor.data, from * size, to * size));
  });
}

/** The tensors with their last row repeated until there are `target` rows. */
export function padRows(signature: Signature, tensors: Tensors, rows: number, target: number): Tensors {
  const scalars = new Set(signature.inputs.filter(({ shape }) => shape?.length === 0).map(({ name }) => name));
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      if (scalars.has(name)) return [name, withData(tensor, [], tensor.data)];
      return [name, rows === target ? tensor : repeatLast(tensor, rows, target)];
    }),
  );
}

/**
 * A model's outputs as rows: what was padded is cut off; an output without a batch dimension, of one row, becomes that row's.
 * @throws Error naming the output whose first dimension is not the batch.
 */
export function toRows(outputs: Tensors, rows: number, batch: number): Tensors {
  return mapTensors(outputs, (tensor, name) => {
    if (tensor.shape[0] === batch) {
      return rows === batch
        ? tensor
        : withData(tensor, [rows, ...tensor.shape.slice(1)], slice(tensor.data, 0, rows * rowSize(tensor)));
    }
    if (batch === 1) return withData(tensor, [1, ...tensor.shape], tensor.data);
    throw new Error(
      `output "${name}": found shape [${tensor.shape.join(', ')}], expected its first dimension to be the batch of ${batch}`,
    );
  });
}

function repeatLast(tensor: Tensor, rows: number, target: number): Tensor {
  const size = rowSize(tensor);
  const shape = [target, ...tensor.shape.slice(1)];
  if (tensor.dtype === 'string') {
    const last = tensor.data.slice((rows - 1) * size);
    return {
      dtype: 'string',
      shape,
      data: [...tensor.data, ...Array.from({ length: target - rows }, () => last).flat()],
    };
  }
  const Data = tensor.data.constructor as new (length: number) => Exclude<TensorData, unknown[]>;
  const data = new Data(target * size);
  data.set(tensor.data as never, 0);
  for (let row = rows; row < target; row++) data.copyWithin(row * size, (rows - 1) * size, rows * size);
  return withData(tensor, shape, data);
}

function rowSize(tensor: Tensor): number {
  return elementCount(tensor.shape.slice(1));
}

function slice(data: TensorData, from: number, to: number): TensorData {
  return Array.isArray(data) ? data.slice(from, to) : data.subarray(from, to);
}

/** The dtype stays with data of its own kind. */
function withData(tensor: Tensor, shape: readonly number[], data: TensorData): Tensor {
  return { dtype: tensor.dtype, shape, data } as Tensor;
}

function mapTensors(tensors: Tensors, map: (tensor: Tensor, name: string) => Tensor): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, map(tensor, name)]));
}
