import type { Tensor, TensorData, Tensors } from '../tensor.ts';

/**
 * The rows of several answers, one behind the other.
 * @param pieces not empty; each with the same outputs.
 * @throws Error where rows of one output have different shapes: they make no tensor.
 */
export function concatRows(pieces: readonly Tensors[]): Tensors {
  const [first, ...others] = pieces;
  if (first === undefined || others.length === 0) return first ?? {};
  return Object.fromEntries(
    Object.keys(first).map((name) => [
      name,
      concat(
        name,
        pieces.flatMap((piece) => piece[name] ?? []),
      ),
    ]),
  );
}

function concat(name: string, tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (first === undefined) throw new Error(`output ${name} is missing`);
  const rowShape = first.shape.slice(1);
  const stranger = tensors.find(({ shape }) => shape.slice(1).join() !== rowShape.join());
  if (stranger !== undefined) {
    const shapes = `[${rowShape.join(', ')}] and [${stranger.shape.slice(1).join(', ')}]`;
    throw new Error(`output ${name}: rows of one batch have the shapes ${shapes}`);
  }
  const shape = [tensors.reduce((rows, tensor) => rows + (tensor.shape[0] ?? 0), 0), ...rowShape];
  return { dtype: first.dtype, shape, data: join(tensors.map(({ data }) => data)) } as Tensor;
}

function join(parts: readonly TensorData[]): TensorData {
  const [first] = parts;
  if (first === undefined || Array.isArray(first)) return parts.flatMap((part) => part as string[]);
  const Data = first.constructor as new (length: number) => Float32Array;
  const data = new Data(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part as Float32Array, at);
    at += part.length;
  }
  return data;
}
