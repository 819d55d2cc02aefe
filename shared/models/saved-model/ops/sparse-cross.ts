import type { OpAttrs } from '../op-attrs.ts';
import { graphError, ints, numbersOf, strings, toInt32 } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import { fromLatin1, latin1 } from '../op-text.ts';
import type { Ops } from '../op.ts';
import { concatFingerprints, fingerprint } from './fingerprint.ts';

const SEPARATOR = '_X_';
const DEFAULT_KEY = 0xdecafcaffe;
const INT64_MAX = 2n ** 63n - 1n;

/** The features of one column: a list for each row. */
type Column = readonly (readonly (Uint8Array | number)[])[];

/**
 * The crosses of tf.feature_column.crossed_column: every choice of one feature from each column, by row, the last column's fastest.
 * Inputs: indices, values and shapes of N sparse columns, then dense ones. Outputs: a sparse tensor's indices, values and shape.
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/sparse_cross_op.cc
 */
export const sparseCrossOps: Ops = {
  SparseCross: async (inputs, attrs) => {
    const count = attrs.int('N', 0);
    const dense = inputs.slice(3 * count);
    const rows = count > 0 ? (numbersOf(inputs[2 * count], 'shapes')[0] ?? 0) : (dense[0]?.shape[0] ?? 0);
    const columns = [
      ...Array.from({ length: count }, (_, i) => sparseColumn(inputs[i], inputs[count + i], rows)),
      ...dense.map((column) => denseColumn(column, rows)),
    ];
    const crosses = Array.from({ length: rows }, (_, row) => cross(columns.map((column) => column[row] ?? [])));
    const all = crosses.flat();
    const values = attrs.bool('hashed_output', false)
      ? ints([all.length], Int32Array.from(await hashed(all, attrs)))
      : strings(
          [all.length],
          all.map((chosen) => fromLatin1(chosen.map(textOf).join(SEPARATOR))),
        );
    const indices = crosses.flatMap((made, row) => made.flatMap((_, place) => [row, place]));
    const longest = crosses.reduce((most, made) => Math.max(most, made.length), 0);
    return [ints([all.length, 2], Int32Array.from(indices)), values, ints([2], Int32Array.of(rows, longest))];
  },
};

function sparseColumn(indices: OpTensor | undefined, values: OpTensor | undefined, rows: number): Column {
  const column = Array.from({ length: rows }, (): (Uint8Array | number)[] => []);
  const places = numbersOf(indices, 'indices');
  Array.from<Uint8Array | number>(values?.data ?? []).forEach((value, i) => {
    const row = column[places[2 * i] as number];
    if (!row) throw graphError(`indices[${i}] is beyond the ${rows} rows of the batch`);
    row.push(value);
  });
  return column;
}

function denseColumn({ data, shape }: OpTensor, rows: number): Column {
  const width = shape[1] ?? 1;
  if (shape[0] !== rows) throw graphError(`Expected batch size ${rows} for dense tensor, got ${shape[0] ?? 0}`);
  return Array.from({ length: rows }, (_, row) =>
    Array.from<Uint8Array | number>(data.slice(row * width, (row + 1) * width)),
  );
}

function cross(lists: Column): (Uint8Array | number)[][] {
  return lists.reduce<(Uint8Array | number)[][]>(
    (made, list) => made.flatMap((chosen) => list.map((value) => [...chosen, value])),
    [[]],
  );
}

async function hashed(crosses: readonly (readonly (Uint8Array | number)[])[], attrs: OpAttrs): Promise<number[]> {
  const of = await fingerprint();
  const [buckets, key] = [BigInt(attrs.int('num_buckets', 0)), BigInt(attrs.int('hash_key', DEFAULT_KEY))];
  const modulus = buckets > 0n ? buckets : INT64_MAX;
  return crosses.map((chosen) => {
    const features = chosen.map((value) => (typeof value === 'number' ? BigInt.asUintN(64, BigInt(value)) : of(value)));
    return toInt32(features.reduce(concatFingerprints, key) % modulus, 'the bucket of a cross');
  });
}

function textOf(value: Uint8Array | number): string {
  return typeof value === 'number' ? String(value) : latin1(value);
}
