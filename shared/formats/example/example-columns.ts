import type { Column } from '../columns.ts';
import { Float32Column, FloatColumn } from '../float-column.ts';
import type { ExampleFeature } from './example.ts';
import type { InputReader } from '../input-reader.ts';
import { IntegerColumn } from '../integer-column.ts';
import { StringColumn } from '../other-columns.ts';
import { unexpected } from '../row-error.ts';

/** Strings that are no JSON text. */
class BytesColumn extends StringColumn {
  constructor(values: readonly Uint8Array[]) {
    super('');
    for (const value of values) this.push(value);
  }
}

/** Gives an input bytes, as they are, as the row's one string. @throws RowError where it takes no strings, or another number of them. */
export function takeBytes(input: InputReader, bytes: Uint8Array, subject: string): void {
  if (input.spec.dtype === 'string' && input.take(new BytesColumn([bytes]))) return;
  throw unexpected(subject, 'one string of bytes', input.expected);
}

/** Gives an input the values of a feature. Returns false, having given nothing, where they are of another dtype, or make no row of the input. */
export function takeFeature(input: InputReader, feature: ExampleFeature): boolean {
  const column = columnOf(input, feature);
  return column !== undefined && input.take(column);
}

function columnOf({ spec: { dtype } }: InputReader, { kind, values }: ExampleFeature): Column | undefined {
  if (kind === 'bytes') return dtype === 'string' ? new BytesColumn(values) : undefined;
  if (kind === 'float') {
    if (dtype === 'float64') return filled(new FloatColumn(dtype, '', Float64Array.from(values)), values);
    if (dtype !== 'float32') return undefined;
    return filled(
      new Float32Column(dtype, '', values instanceof Float32Array ? values : Float32Array.from(values)),
      values,
    );
  }
  return dtype === 'int64' ? filled(new IntegerColumn(dtype, '', BigInt64Array.from(values)), values) : undefined;
}

function filled(column: Column, { length }: ArrayLike<unknown>): Column {
  column.length = length;
  return column;
}
