import type { DType } from '../tensor.ts';
import type { Column } from './columns.ts';
import { Float32Column, FloatColumn } from './float-column.ts';
import { IntegerColumn, integerRange } from './integer-column.ts';
import type { IntegerDType } from './integer-column.ts';
import { BoolColumn, StringColumn } from './other-columns.ts';

/** What an element of this dtype should be, for messages. */
export function expectedElement(dtype: DType): string {
  switch (dtype) {
    case 'float16':
    case 'float32':
    case 'float64':
      return 'a number';
    case 'bool':
      return 'true or false';
    case 'string':
      return 'a string';
    default:
      return `an integer from ${integerRange(dtype).join(' to ')}`;
  }
}

/** An empty column of the dtype with room for so many elements. */
export function createColumn(dtype: DType, capacity: number): Column {
  const expected = expectedElement(dtype);
  switch (dtype) {
    case 'float16':
      return new FloatColumn(dtype, expected, new Float16Array(capacity));
    case 'float32':
      return new Float32Column(dtype, expected, new Float32Array(capacity));
    case 'float64':
      return new FloatColumn(dtype, expected, new Float64Array(capacity));
    case 'int8':
      return integers(dtype, new Int8Array(capacity));
    case 'uint8':
      return integers(dtype, new Uint8Array(capacity));
    case 'int16':
      return integers(dtype, new Int16Array(capacity));
    case 'uint16':
      return integers(dtype, new Uint16Array(capacity));
    case 'int32':
      return integers(dtype, new Int32Array(capacity));
    case 'uint32':
      return integers(dtype, new Uint32Array(capacity));
    case 'int64':
      return integers(dtype, new BigInt64Array(capacity));
    case 'uint64':
      return integers(dtype, new BigUint64Array(capacity));
    case 'bool':
      return new BoolColumn(dtype, expected, new Uint8Array(capacity));
    case 'string':
      return new StringColumn(expected);
  }
}

function integers<D extends IntegerDType>(dtype: D, data: IntegerColumn<D>['data']): IntegerColumn<D> {
  return new IntegerColumn(dtype, expectedElement(dtype), data);
}
