import { opDtype } from '../op-attrs.ts';
import { dataTypeName } from '../graph-def.ts';
import { floats, graphError, ints, numberOf, strings, toInt32 } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import { latin1 } from '../op-text.ts';
import type { Op, Ops } from '../op.ts';
import { tableOf } from '../table-handles.ts';
import type { LookupTable, TableValue } from '../table.ts';

/** Inputs: the table's handle (table-handles.ts), keys of any shape, the default (a scalar). Output: the values, in the keys' shape. */
const find: Op = ([handle, keys, fallback]) => {
  const table = tableOf(numberOf(handle, 'the table'));
  if (!keys || !fallback) throw graphError('a lookup without keys or default');
  const dtype = opDtype(table.valueType);
  if (fallback.dtype !== dtype || keys.dtype !== opDtype(table.keyType)) {
    throw graphError(`a lookup of ${keys.dtype} with the default ${fallback.dtype} in a table of ${typesOf(table)}`);
  }
  const found = keys.dtype === 'string' ? findAll(table, keys.data.map(latin1)) : findAll(table, keys.data);
  const other = fallback.data[0] as TableValue;
  return [
    valueTensor(
      dtype,
      keys.shape,
      found.map((value) => value ?? other),
    ),
  ];
};

const size: Op = ([handle]) => [ints([], Int32Array.of(tableOf(numberOf(handle, 'the table')).size))];

/** tf.lookup's operations, on the tables that the model attached. */
export const lookupOps: Ops = {
  LookupTableFind: find,
  LookupTableFindV2: find,
  LookupTableSize: size,
  LookupTableSizeV2: size,
};

function findAll(table: LookupTable, keys: ArrayLike<string | number>): (TableValue | undefined)[] {
  return Array.from(keys, (key) => table.find(key));
}

function valueTensor(dtype: OpTensor['dtype'], shape: readonly number[], values: readonly TableValue[]): OpTensor {
  switch (dtype) {
    case 'string':
      return strings(shape, values as readonly Uint8Array[]);
    case 'float32':
      return floats(shape, Float32Array.from(values as readonly number[]));
    case 'int32':
      return ints(
        shape,
        Int32Array.from(values as readonly number[], (value) => toInt32(value, "a table's value")),
      );
    case 'bool':
      return { dtype, shape, data: Uint8Array.from(values as readonly number[]) };
  }
}

function typesOf({ keyType, valueType }: LookupTable): string {
  return `${dataTypeName(keyType)} to ${dataTypeName(valueType)}`;
}
