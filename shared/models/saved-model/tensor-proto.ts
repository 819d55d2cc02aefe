import { oneLine, PermanentError } from '../../errors.ts';
import { DT, valueType } from './graph-def.ts';
import type { TensorProto } from './graph-def.ts';
import { readVarint, takeBytes } from './sstable-varint.ts';
import type { Cursor } from './sstable-varint.ts';
import { countOf, elementBytes, newValues, valuesFromBytes, widenBfloat16 } from './tensor-bytes.ts';
import type { TfTensor } from './tensor-bytes.ts';

/** One value may stand for all of a constant's: this bounds what a few bytes can make. */
const MAX_FILLED_BYTES = 256 * 1024 * 1024;
/** Of an empty string in an array. */
const STRING_BYTES = 8;

/**
 * The tensor that a constant holds. Its values are given raw, or as a list whose last one stands for all that follow it (an empty list:
 * zeros, empty strings). Data may be a view of the file's bytes.
 * Source: `Tensor::FromProto` of https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/tensor.cc
 * @param source for messages: `digits@3: the constant dense/axis`.
 * @throws PermanentError INVALID_ARGUMENT where the values are not those of the shape, UNIMPLEMENTED for a dtype that is not computed with.
 */
export function tensorOfProto(proto: TensorProto, source: string): TfTensor {
  try {
    return read(proto);
  } catch (error) {
    throw new PermanentError('INVALID_ARGUMENT', `${source} cannot be read: ${oneLine(error)}`, { cause: error });
  }
}

function read(proto: TensorProto): TfTensor {
  const dtype = valueType(proto.dtype);
  if (!proto.shape) throw new RangeError('its rank is not known');
  const shape = proto.shape;
  const count = countOf(shape);
  if (proto.content.length > 0) {
    return dtype === DT.STRING
      ? { dtype, shape, data: contentStrings(proto.content, count) }
      : valuesFromBytes(dtype, shape, proto.content);
  }
  const size = dtype === DT.STRING ? STRING_BYTES : elementBytes(dtype);
  if (count * size > MAX_FILLED_BYTES) {
    throw new RangeError(
      `the shape [${shape.join(', ')}] takes ${count * size} bytes; of a list of values at most ${MAX_FILLED_BYTES}`,
    );
  }
  if (dtype === DT.STRING)
    return { dtype, shape, data: fill(new Array<Uint8Array>(count), proto.stringVal, new Uint8Array(0)) };
  return { dtype, shape, data: listed(proto, dtype, count) };
}

function listed(proto: TensorProto, dtype: number, count: number): TfTensor['data'] {
  switch (dtype) {
    case DT.INT64:
      return fill(newValues(dtype, count) as BigInt64Array, proto.int64Val, 0n);
    case DT.UINT64:
      return fill(newValues(dtype, count) as BigUint64Array, proto.uint64Val, 0n);
    case DT.HALF:
      return new Float16Array(fill(new Uint16Array(count), proto.halfVal, 0).buffer);
    case DT.BFLOAT16:
      return widenBfloat16(fill(new Uint16Array(count), proto.halfVal, 0));
    default:
      return fill(newValues(dtype, count) as Float64Array, numberList(proto, dtype), 0);
  }
}

function numberList(proto: TensorProto, dtype: number): readonly number[] {
  switch (dtype) {
    case DT.FLOAT:
      return proto.floatVal;
    case DT.DOUBLE:
      return proto.doubleVal;
    case DT.BOOL:
      return proto.boolVal.map(Number);
    case DT.UINT32:
      return proto.uint32Val;
    default:
      return proto.intVal;
  }
}

interface Fillable<T> {
  readonly length: number;
  [index: number]: T;
  fill(value: T, start?: number): unknown;
}

function fill<T, V extends Fillable<T>>(values: V, listed: readonly T[], zero: T): V {
  if (listed.length > values.length)
    throw new RangeError(`it lists ${listed.length} values for ${values.length} elements`);
  listed.forEach((value, i) => (values[i] = value));
  values.fill(listed.at(-1) ?? zero, listed.length);
  return values;
}

/** All lengths as varints, then the bytes: `EncodeStringList`. */
function contentStrings(content: Uint8Array, count: number): Uint8Array[] {
  if (count > content.length) throw new RangeError(`${content.length} bytes for ${count} strings`);
  const cursor: Cursor = { bytes: content, at: 0, end: content.length };
  const lengths = Array.from({ length: count }, () => readVarint(cursor));
  return lengths.map((length) => takeBytes(cursor, length, 'a string'));
}
