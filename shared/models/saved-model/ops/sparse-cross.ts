import type { OpAttrs } from '../op-attrs.ts';
import { graphError, ints, numberOf, numbersOf, stringOf, strings, toInt32 } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import { fromLatin1, latin1 } from '../op-text.ts';
import type { Ops } from '../op.ts';
import { concatFingerprints, fingerprint } from './fingerprint.ts';
import { sipHash } from './sip-hash.ts';

const SEPARATOR = '_X_';
const DEFAULT_KEY = 0xdecafcaffe;
const INT64_MAX = 2n ** 63n - 1n;

/** The features of one column: a list for each row. */
type Column = readonly (readonly (Uint8Array | number)[])[];

/** What becomes of the crosses: a value for each. */
type Finish = (crosses: readonly (readonly (Uint8Array | number)[])[]) => OpTensor | Promise<OpTensor>;

/** The crosses of N sparse columns (indices, values and shapes) and then dense ones. */
async function crossAll(inputs: readonly OpTensor[], count: number, finish: Finish): Promise<OpTensor[]> {
  const dense = inputs.slice(3 * count);
  const rows = count > 0 ? (numbersOf(inputs[2 * count], 'shapes')[0] ?? 0) : (dense[0]?.shape[0] ?? 0);
  const columns = [
    ...Array.from({ length: count }, (_, i) => sparseColumn(inputs[i], inputs[count + i], rows)),
    ...dense.map((column) => denseColumn(column, rows)),
  ];
  const crosses = Array.from({ length: rows }, (_, row) => cross(columns.map((column) => column[row] ?? [])));
  const all = crosses.flat();
  const values = await finish(all);
  const indices = crosses.flatMap((made, row) => made.flatMap((_, place) => [row, place]));
  const longest = crosses.reduce((most, made) => Math.max(most, made.length), 0);
  return [ints([all.length, 2], Int32Array.from(indices)), values, ints([2], Int32Array.of(rows, longest))];
}

const joinedBy =
  (separator: string): Finish =>
  (crosses) =>
    strings(
      [crosses.length],
      crosses.map((chosen) => fromLatin1(chosen.map(textOf).join(separator))),
    );

/**
 * The crosses of tf.feature_column.crossed_column and of tf.sparse.cross: every choice of one feature from each column, by row, the last column's
 * fastest. Inputs: indices, values and shapes of N sparse columns, then dense ones. Outputs: a sparse tensor's indices, values and shape.
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/kernels/sparse_cross_op.cc
 */
export const sparseCrossOps: Ops = {
  SparseCross: (inputs, attrs) => {
    const isHashed = attrs.bool('hashed_output', false);
    return crossAll(inputs, attrs.int('N', 0), isHashed ? (all) => hashed(all, attrs) : joinedBy(SEPARATOR));
  },
  /** After the columns: what stands between the features. */
  SparseCrossV2: (inputs, attrs) => {
    const separator = latin1(stringOf(inputs.at(-1), 'sep'));
    return crossAll(inputs.slice(0, -1), attrs.int('N', 0), joinedBy(separator));
  },
  /** After the columns: the number of buckets, whether to hash by SipHash, and its two keys. */
  SparseCrossHashed: (inputs, attrs) => {
    const [buckets, strong, salt] = inputs.slice(-3);
    const keys = Array.from(numbersOf(salt, 'salt'), BigInt);
    const options = {
      buckets: BigInt(numberOf(buckets, 'num_buckets')),
      keys: numberOf(strong, 'strong_hash') ? keys : undefined,
    };
    return crossAll(inputs.slice(0, -3), attrs.int('N', 0), (all) => chained(all, options));
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

async function hashed(crosses: readonly (readonly (Uint8Array | number)[])[], attrs: OpAttrs): Promise<OpTensor> {
  const of = await fingerprint();
  const [buckets, key] = [BigInt(attrs.int('num_buckets', 0)), BigInt(attrs.int('hash_key', DEFAULT_KEY))];
  const features = crosses.map((chosen) => chosen.map((value) => hashOf(value, of)));
  return bucketsOf(
    features.map((hashes) => hashes.reduce(concatFingerprints, key)),
    buckets,
  );
}

/** Of one feature its hash; of more, one after the other. */
async function chained(
  crosses: readonly (readonly (Uint8Array | number)[])[],
  { buckets, keys }: { readonly buckets: bigint; readonly keys: readonly bigint[] | undefined },
): Promise<OpTensor> {
  const weak = await fingerprint();
  const [low = 0n, high = 0n] = (keys ?? []).map((key) => BigInt.asUintN(64, key));
  const of = keys === undefined ? weak : (bytes: Uint8Array): bigint => sipHash(bytes, low, high);
  const features = crosses.map((chosen) => chosen.map((value) => hashOf(value, of)));
  return bucketsOf(
    features.map((hashes) => hashes.reduce(concatFingerprints)),
    buckets,
  );
}

function hashOf(value: Uint8Array | number, of: (bytes: Uint8Array) => bigint): bigint {
  return typeof value === 'number' ? BigInt.asUintN(64, BigInt(value)) : of(value);
}

function bucketsOf(hashes: readonly bigint[], buckets: bigint): OpTensor {
  const modulus = buckets > 0n ? buckets : INT64_MAX;
  return ints(
    [hashes.length],
    Int32Array.from(hashes, (hash) => toInt32(hash % modulus, 'the bucket of a cross')),
  );
}

function textOf(value: Uint8Array | number): string {
  return typeof value === 'number' ? String(value) : latin1(value);
}
