import type { DecodeOptions, Format, InstancesFormat, RowBatch } from '../../../shared/formats/format.ts';
import { formatOf } from '../../../shared/formats/registry.ts';
import type { Signature } from '../../../shared/models/model.ts';
import type { DType, TensorSpec } from '../../../shared/tensor.ts';

export function spec(name: string, dtype: DType, shape: TensorSpec['shape']): TensorSpec {
  return { name, dtype, shape };
}

export function signature(...inputs: TensorSpec[]): Signature {
  return { name: 'serving_default', inputs, outputs: [] };
}

export type Options = Partial<DecodeOptions> & Pick<DecodeOptions, 'signature'>;

export function decodeAll(
  format: InstancesFormat | Format,
  content: string | Uint8Array,
  options: Options,
  maxRows = 100,
): RowBatch[] {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const chosen = typeof format === 'string' ? formatOf(format) : format;
  const decoder = chosen.decoder(bytes, { instanceConfig: {}, maxRowBytes: 1_000_000, ...options });
  const batches: RowBatch[] = [];
  for (let batch = decoder.next(maxRows); batch !== undefined; batch = decoder.next(maxRows)) batches.push(batch);
  return batches;
}

/** A row as tests compare it: its label, and its inputs or its error. */
export interface PlainRow {
  readonly label: string;
  readonly inputs?: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly unknown[] }>>;
  readonly error?: string;
}

function rowsOf(batch: RowBatch): PlainRow[] {
  const labels = Buffer.from(batch.labels.buffer, batch.labels.byteOffset, batch.labels.length);
  const rows = Array.from({ length: batch.rowCount }, (_, row): PlainRow => {
    const label = labels.toString('utf8', batch.labelStarts[row], batch.labelEnds[row]);
    const error = batch.errors.get(row);
    return error === undefined ? { label } : { label, error: error.message };
  });
  for (const group of batch.groups) {
    group.rows.forEach((row, index) => {
      const inputs = Object.entries(group.inputs).map(([name, { shape, data }]) => {
        const rowShape = shape.slice(1);
        const size = rowShape.reduce((product, length) => product * length, 1);
        return [name, { shape: rowShape, data: Array.from<unknown>(data).slice(index * size, (index + 1) * size) }];
      });
      const plain = rows[row];
      if (plain === undefined || plain.inputs !== undefined || plain.error !== undefined)
        throw new Error(`row ${row} twice`);
      rows[row] = { ...plain, inputs: Object.fromEntries(inputs) as NonNullable<PlainRow['inputs']> };
    });
  }
  return rows;
}

export function decodeRows(
  format: InstancesFormat | Format,
  content: string | Uint8Array,
  options: Options,
  maxRows = 100,
): PlainRow[] {
  return decodeAll(format, content, options, maxRows).flatMap(rowsOf);
}

/** The only row's error. */
export function errorOf(
  format: InstancesFormat | Format,
  content: string | Uint8Array,
  options: Options,
): string | undefined {
  return decodeRows(format, content, options)[0]?.error;
}
