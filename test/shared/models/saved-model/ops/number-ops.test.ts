import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { DT } from '../../../../../shared/models/saved-model/graph-def.ts';
import { attachTable, detachTable } from '../../../../../shared/models/saved-model/table-handles.ts';
import { LookupTable } from '../../../../../shared/models/saved-model/table.ts';
import type { TableValue } from '../../../../../shared/models/saved-model/table.ts';
import { call, float, int, text, values, valuesOf } from './op-maker.ts';

describe('buckets', () => {
  it('Bucketize begins a bucket at its boundary', async () => {
    const boundaries = { boundaries: { list: { f: [0, 10, 100] } } };
    expect(await valuesOf('Bucketize', [float([-5, 0, 9.99, 10, 150, NaN])], boundaries)).toEqual([0, 1, 1, 2, 3, 3]);
    expect(await valuesOf('Bucketize', [int([-1, 10])], boundaries)).toEqual([0, 2]);
    await expect(call('Bucketize', [float([1])], { boundaries: { list: { f: [2, 1] } } })).rejects.toThrow(
      'Expected sorted boundaries',
    );
  });

  it('BoostedTreesBucketize is a lower bound, clamped, feature by feature', async () => {
    const made = await call(
      'BoostedTreesBucketize',
      [float([-5, 0, 1, 500]), float([2]), float([0, 10, 100]), float([1])],
      { num_features: { i: 2 } },
    );
    expect(made.map(values)).toEqual([[0, 0, 1, 2], [0]]);
  });

  it('counts by row', async () => {
    const sparse = [int([0, 0, 0, 1, 1, 0], [3, 2]), int([2, 2, 9]), int([3, 2]), int([4], []), float([])];
    const [counts] = await call('SparseBincount', sparse);
    expect(counts?.shape).toEqual([3, 4]);
    expect(values(counts)).toEqual([0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const [ragged] = await call('RaggedBincount', [
      int([0, 1, 1, 3]),
      int([1, 0, 1]),
      int([2], []),
      float([0.5, 2, 3]),
    ]);
    expect(values(ragged)).toEqual([0, 0.5, 0, 0, 2, 3]);
  });
});

describe('lookup tables', () => {
  const handles: number[] = [];
  afterEach(() => {
    for (const handle of handles.splice(0)) detachTable(handle);
  });
  const attach = (
    keyType: number,
    valueType: number,
    content: [string | number | bigint, TableValue][],
  ): ReturnType<typeof int> => {
    const handle = attachTable(new LookupTable(keyType, valueType, new Map(content)));
    handles.push(handle);
    return int([handle], []);
  };

  it('find bytes by bytes, numbers by numbers, and the default for the rest', async () => {
    const words = attach(DT.STRING, DT.INT64, [
      ['a', 3],
      ['\xff', 4],
    ]);
    const keys = text(['a', Uint8Array.of(255), 'ÿ'], [3, 1]);
    const [found] = await call('LookupTableFindV2', [words, keys, int([-1], [])]);
    expect([found?.shape, values(found)]).toEqual([
      [3, 1],
      [3, 4, -1],
    ]);
    const names = attach(DT.INT64, DT.STRING, [[7, Buffer.from('seven')]]);
    expect(await valuesOf('LookupTableFind', [names, int([7, 8]), text(['?'], [])])).toEqual(['seven', '?']);
    expect(await valuesOf('LookupTableSizeV2', [words])).toEqual([2]);
  });

  it('refuse values beyond int32, other dtypes and tables that are gone', async () => {
    const large = attach(DT.STRING, DT.INT64, [['a', 2 ** 40]]);
    await expect(call('LookupTableFindV2', [large, text(['a']), int([0], [])])).rejects.toThrow(/1099511627776.*int32/);
    await expect(call('LookupTableFindV2', [large, int([1]), int([0], [])])).rejects.toThrow(/a lookup of int32/);
    const [handle] = values(large);
    detachTable(Number(handle));
    await expect(call('LookupTableSizeV2', [large])).rejects.toThrow(/not attached/);
  });
});

describe('unique', () => {
  it('gives values in the order of first appearance, places and counts', async () => {
    const made = await call('UniqueWithCounts', [text(['b', 'a', 'b', 'c'])]);
    expect(made.map(values)).toEqual([
      ['b', 'a', 'c'],
      [0, 1, 0, 2],
      [2, 1, 1],
    ]);
    const rows = await call('UniqueV2', [int([1, 2, 1, 2, 3, 4], [3, 2]), int([0])]);
    expect(rows.map(values)).toEqual([
      [1, 2, 3, 4],
      [0, 0, 1],
    ]);
    const columns = await call('UniqueV2', [int([1, 1, 2, 3, 3, 4], [2, 3]), int([1])]);
    expect(columns.map(values)).toEqual([
      [1, 2, 3, 4],
      [0, 0, 1],
    ]);
    await expect(call('Unique', [int([1], [1, 1])])).rejects.toThrow('unique expects a 1D vector.');
  });

  it('gathered by its places it is the input', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: -3, max: 3 })), async (list) => {
        const [made, places] = (await call('Unique', [int(list)])).map(values);
        expect(places?.map((place) => made?.[place as number])).toEqual(list);
        expect(new Set(made).size).toBe(made?.length);
      }),
    );
  });
});

describe('segments', () => {
  const data = float([1, 2, 3, 4, 5, 6], [3, 2]);
  it.each([
    ['SegmentSum', [4, 6, 0, 0, 5, 6]],
    ['SegmentMean', [2, 3, 0, 0, 5, 6]],
    ['SegmentMax', [3, 4, 0, 0, 5, 6]],
    ['SegmentMin', [1, 2, 0, 0, 5, 6]],
    ['SegmentProd', [3, 8, 1, 1, 5, 6]],
  ])('%s', async (op, expected) => {
    expect(await valuesOf(op, [data, int([0, 0, 2])])).toEqual(expected);
  });

  it('in any order, with as many as asked for', async () => {
    expect(await valuesOf('UnsortedSegmentSum', [data, int([1, -1, 1]), int([2], [])])).toEqual([0, 0, 6, 8]);
    expect(await valuesOf('UnsortedSegmentMax', [int([5]), int([1]), int([2], [])])).toEqual([-(2 ** 31), 5]);
    expect(await valuesOf('UnsortedSegmentMin', [int([5]), int([1]), int([2], [])])).toEqual([2 ** 31 - 1, 5]);
    await expect(call('UnsortedSegmentSum', [data, int([5, 0, 0]), int([2], [])])).rejects.toThrow(/out of range/);
  });

  it('of chosen rows', async () => {
    const chosen = [data, int([0, 2, 1, 1]), int([0, 0, 2, 2])];
    expect(await valuesOf('SparseSegmentSumWithNumSegments', [...chosen, int([4], [])])).toEqual([
      6, 8, 0, 0, 6, 8, 0, 0,
    ]);
    expect(await valuesOf('SparseSegmentMeanWithNumSegments', [...chosen, int([3], [])])).toEqual([3, 4, 0, 0, 3, 4]);
    const root = await valuesOf('SparseSegmentSqrtN', chosen);
    expect(root[0]).toBeCloseTo(6 / Math.sqrt(2), 5);
    await expect(call('SparseSegmentSqrtN', [data, int([3]), int([0])])).rejects.toThrow(/indices\[0\] = 3/);
  });
});

describe('sparse tensors', () => {
  it('SparseReorder sorts by row, then column', async () => {
    const made = await call('SparseReorder', [int([1, 0, 0, 1, 0, 0], [3, 2]), text(['c', 'b', 'a']), int([2, 2])]);
    expect(made.map(values)).toEqual([
      [0, 0, 0, 1, 1, 0],
      ['a', 'b', 'c'],
    ]);
  });

  it('SparseTensorDenseMatMul multiplies, either side transposed', async () => {
    // [[1, 0, 2], [0, 3, 0]] by three rows of two.
    const sparse = [int([0, 0, 0, 2, 1, 1], [3, 2]), float([1, 2, 3]), int([2, 3])];
    const matrix = [1, 2, 3, 4, 5, 6];
    expect(await valuesOf('SparseTensorDenseMatMul', [...sparse, float(matrix, [3, 2])])).toEqual([11, 14, 9, 12]);
    const turned = float([1, 3, 5, 2, 4, 6], [2, 3]);
    expect(await valuesOf('SparseTensorDenseMatMul', [...sparse, turned], { adjoint_b: { b: true } })).toEqual([
      11, 14, 9, 12,
    ]);
    const across = await call('SparseTensorDenseMatMul', [...sparse, float([1, 1], [2, 1])], {
      adjoint_a: { b: true },
    });
    expect([across[0]?.shape, values(across[0])]).toEqual([
      [3, 1],
      [1, 3, 2],
    ]);
    await expect(call('SparseTensorDenseMatMul', [...sparse, float(matrix, [2, 3])])).rejects.toThrow(
      /inner dimension/,
    );
  });

  it('RaggedTensorToSparse gives each value its row and place', async () => {
    const made = await call('RaggedTensorToSparse', [int([0, 2, 2, 3]), text(['a', 'b', 'c'])]);
    expect(made.map(values)).toEqual([
      [0, 0, 0, 1, 2, 0],
      ['a', 'b', 'c'],
      [3, 2],
    ]);
    await expect(call('RaggedTensorToSparse', [int([0, 5]), text(['a'])])).rejects.toThrow(/end at 5 of 1/);
  });

  it('SparseCross crosses columns by row, the last fastest', async () => {
    // [['a', 'b'], ['c']] with the dense [[1], [2]].
    const columns = [int([0, 0, 0, 1, 1, 0], [3, 2]), text(['a', 'b', 'c']), int([2, 2]), int([1, 2], [2, 1])];
    const made = await call('SparseCross', columns, { N: { i: 1 } });
    expect(made.map(values)).toEqual([
      [0, 0, 0, 1, 1, 0],
      ['a_X_1', 'b_X_1', 'c_X_2'],
      [2, 2],
    ]);
    const pairs = await call('SparseCross', [text(['a', 'b'], [1, 2]), text(['x', 'y'], [1, 2])], { N: { i: 0 } });
    expect(values(pairs[1])).toEqual(['a_X_x', 'a_X_y', 'b_X_x', 'b_X_y']);
  });

  it('SparseCross hashes as TensorFlow does', async () => {
    // From TensorFlow's own sparse_cross_op_test: batch1-FC1-F1, batch1-FC2-F1, batch1-FC3-F1 in 100 buckets, with the default key.
    const columns = ['batch1-FC1-F1', 'batch1-FC2-F1', 'batch1-FC3-F1'].map((word) => text([word], [1, 1]));
    const hashed = { N: { i: 0 }, hashed_output: { b: true }, hash_key: { i: String(0xdecafcaffe) } };
    expect(values((await call('SparseCross', columns, { ...hashed, num_buckets: { i: 100 } }))[1])).toEqual([83]);
    await expect(call('SparseCross', columns, { ...hashed, num_buckets: { i: 0 } })).rejects.toThrow(/int32/);
  });
});

describe('sets and orders', () => {
  it('ListDiff keeps what is not in the other', async () => {
    const made = await call('ListDiff', [text(['a', 'b', 'c', 'a']), text(['a'])]);
    expect(made.map(values)).toEqual([
      ['b', 'c'],
      [1, 2],
    ]);
  });

  it('InvertPermutation turns places round', async () => {
    expect(await valuesOf('InvertPermutation', [int([3, 0, 2, 1])])).toEqual([1, 3, 2, 0]);
    await expect(call('InvertPermutation', [int([0, 0])])).rejects.toThrow('0 is duplicated in the input.');
    await expect(call('InvertPermutation', [int([2, 0])])).rejects.toThrow(/not between/);
  });
});
