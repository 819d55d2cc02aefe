import type { DType } from '../../tensor.ts';
import { DT } from './graph-def.ts';

/** TensorFlow's DataTypes as ours; bfloat16, for which JavaScript has no storage, as float32. */
const DTYPE = new Map<number, DType>([
  [DT.FLOAT, 'float32'],
  [DT.DOUBLE, 'float64'],
  [DT.HALF, 'float16'],
  [DT.BFLOAT16, 'float32'],
  [DT.INT8, 'int8'],
  [DT.UINT8, 'uint8'],
  [DT.INT16, 'int16'],
  [DT.UINT16, 'uint16'],
  [DT.INT32, 'int32'],
  [DT.UINT32, 'uint32'],
  [DT.INT64, 'int64'],
  [DT.UINT64, 'uint64'],
  [DT.BOOL, 'bool'],
  [DT.STRING, 'string'],
]);

/** Undefined for a type that no input or output here has: complex numbers, resources, variants. */
export function toDType(type: number): DType | undefined {
  return DTYPE.get(type);
}
