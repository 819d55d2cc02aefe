import { graphError, type OpTensor } from '../op-tensor.ts';

/** The elements of both, one after the other, as a vector. */
export function joined(a: OpTensor, b: OpTensor): OpTensor {
  const shape = [a.data.length + b.data.length];
  if (a.dtype === 'string' && b.dtype === 'string') return { dtype: 'string', shape, data: [...a.data, ...b.data] };
  if (a.dtype === 'float32' && b.dtype === 'float32')
    return { dtype: 'float32', shape, data: concat(new Float32Array(shape[0] ?? 0), a.data, b.data) };
  if (a.dtype === 'int32' && b.dtype === 'int32')
    return { dtype: 'int32', shape, data: concat(new Int32Array(shape[0] ?? 0), a.data, b.data) };
  if (a.dtype === 'bool' && b.dtype === 'bool')
    return { dtype: 'bool', shape, data: concat(new Uint8Array(shape[0] ?? 0), a.data, b.data) };
  throw graphError(`values of ${a.dtype} and of ${b.dtype} do not go together`);
}

function concat<T extends Float32Array | Int32Array | Uint8Array>(
  into: T,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): T {
  into.set(a, 0);
  into.set(b, a.length);
  return into;
}
