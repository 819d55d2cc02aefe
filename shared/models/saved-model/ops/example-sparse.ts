import { ints } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import { ColumnValues, featureOf } from './example-column.ts';
import type { ExampleColumn, ParsedExample } from './example-column.ts';

/** A feature of any length: indices [values, 2] of Example and place in its list, values, and shape [batch, longest]; of a single Example without the batch. */
export function sparseColumn(
  column: ExampleColumn,
  examples: readonly ParsedExample[],
  single: boolean,
): { indices: OpTensor; values: OpTensor; shape: OpTensor } {
  const { values, lengths } = gather(column, examples);
  const rank = single ? 1 : 2;
  const indices = new Int32Array(values.count * rank);
  let at = 0;
  lengths.forEach((length, row) => {
    for (let place = 0; place < length; place++) {
      if (!single) indices[at++] = row;
      indices[at++] = place;
    }
  });
  const longest = Math.max(0, ...lengths);
  return {
    indices: ints([values.count, rank], indices),
    values: values.tensor([values.count]),
    shape: ints([rank], Int32Array.from(single ? [longest] : [examples.length, longest])),
  };
}

/** The same as values and where each Example's begin, [batch + 1]; of a single Example there are no such places. */
export function raggedColumn(
  column: ExampleColumn,
  examples: readonly ParsedExample[],
  single: boolean,
): { values: OpTensor; splits: OpTensor } {
  const { values, lengths } = gather(column, examples);
  if (single) return { values: values.tensor([values.count]), splits: ints([0], new Int32Array(0)) };
  const splits = new Int32Array(examples.length + 1);
  lengths.forEach((length, row) => (splits[row + 1] = (splits[row] as number) + length));
  return { values: values.tensor([values.count]), splits: ints([splits.length], splits) };
}

function gather(
  column: ExampleColumn,
  examples: readonly ParsedExample[],
): { values: ColumnValues; lengths: number[] } {
  const values = new ColumnValues(column, examples.length);
  const lengths = examples.map((example) => {
    const feature = featureOf(column, example);
    if (feature) values.addFeature(feature, example);
    return feature?.values.length ?? 0;
  });
  return { values, lengths };
}
