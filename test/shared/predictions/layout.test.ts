import { describe, expect, test } from 'vitest';

import { layoutOf, sameLayout } from '../../../shared/predictions/layout.ts';
import type { TensorSpec } from '../../../shared/tensor.ts';
import { spec } from '../formats/helpers.ts';

function columnsOf(...names: readonly string[]): string[] {
  return layoutOf(
    { keyField: 'id' },
    names.map((name) => spec(name, 'float32', [null])),
  ).outputs.map(({ column }) => column);
}

describe('the layout of output rows', () => {
  test.each([
    { config: { keyField: 'id' }, label: 'key' },
    { config: { rowKeys: true }, label: 'key' },
    { config: {}, label: 'instance' },
  ])('begins with the $label where the instanceConfig is $config', ({ config, label }) => {
    expect(layoutOf(config).label).toBe(label);
  });

  test.each([
    { names: ['y'], columns: ['prediction'] },
    { names: ['a', 'b'], columns: ['a', 'b'] },
    { names: ['key', 'error', 'instance'], columns: ['prediction_key', 'prediction_error', 'instance'] },
    { names: ['prediction_key', 'key'], columns: ['prediction_key', 'prediction_prediction_key'] },
  ])('gives the outputs $names the columns $columns', ({ names, columns }) => {
    expect(columnsOf(...names)).toEqual(columns);
  });

  test.each<{ shape: TensorSpec['shape']; rank: number | null; why: string }>([
    { shape: [null], rank: 0, why: 'one number a row' },
    { shape: [null, 3, null], rank: 2, why: 'a matrix a row' },
    { shape: [1, 3], rank: 1, why: 'a batch of one' },
    { shape: [], rank: 0, why: 'a scalar, of the one row' },
    { shape: [8, 3], rank: null, why: 'a batch of eight, or eight lists of the one row' },
    { shape: null, rank: null, why: 'nobody knows' },
  ])('takes the shape $shape as rank $rank: $why', ({ shape, rank }) => {
    expect(layoutOf({}, [spec('y', 'float32', shape)]).outputs[0]?.rank).toBe(rank);
  });

  test('is the same for outputs whose sizes differ, and another for other dtypes', () => {
    const layout = (dtype: TensorSpec['dtype'], size: number) => layoutOf({}, [spec('y', dtype, [null, size])]);
    expect(sameLayout(layout('float32', 2), layout('float32', 3))).toBe(true);
    expect(sameLayout(layout('float32', 2), layout('int64', 2))).toBe(false);
  });
});
