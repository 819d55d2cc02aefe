import { DT } from '../graph-def.ts';
import { sizeOf } from '../op-shape.ts';
import { graphError } from '../op-tensor.ts';
import type { OpTensor } from '../op-tensor.ts';
import { ColumnValues, featureError, featureOf, typeName } from './example-column.ts';
import type { ExampleColumn, ParsedExample } from './example-column.ts';

/**
 * A feature of fixed shape: [batch, ...shape] (a single Example: shape). Where its first dimension is −1 its length may vary: shorter
 * ones are padded to the longest with the default, which is one value.
 * @param fallback what a missing feature stands for; empty: it is required.
 */
export function denseColumn(
  column: ExampleColumn,
  shape: readonly number[],
  fallback: OpTensor | undefined,
  examples: readonly ParsedExample[],
  single: boolean,
): OpTensor {
  const [first = 1, ...rest] = shape;
  if (first >= 0) return fixed(column, shape, fallback, examples, single);
  const stride = sizeOf(rest);
  const lists = examples.map((example) => featureOf(column, example)?.values.length ?? 0);
  lists.forEach((length, i) => {
    if (length % stride === 0) return;
    const example = examples[i] as ParsedExample;
    throw featureError(
      column,
      example,
      `Number of ${listName(column)} values is not a multiple of stride length. Saw ${length} values but output shape is: [${['?', ...rest].join(',')}]`,
    );
  });
  const longest = Math.max(0, ...lists);
  const values = new ColumnValues(column, longest * examples.length);
  const padding = fallback && sizeOf(fallback.shape) > 0 ? fallback : zero(column);
  examples.forEach((example, i) => {
    const feature = featureOf(column, example);
    if (feature) values.addFeature(feature, example);
    values.addTensor(padding, longest - (lists[i] as number));
  });
  return values.tensor([...(single ? [] : [examples.length]), longest / stride, ...rest]);
}

function fixed(
  column: ExampleColumn,
  shape: readonly number[],
  fallback: OpTensor | undefined,
  examples: readonly ParsedExample[],
  single: boolean,
): OpTensor {
  const count = sizeOf(shape);
  const values = new ColumnValues(column, count * examples.length);
  const given = fallback && fallback.data.length > 0 ? fallback : undefined;
  if (given && given.data.length !== count) {
    throw graphError(`the default of the feature ${column.key} has ${given.data.length} values; expected ${count}`);
  }
  for (const example of examples) {
    const feature = featureOf(column, example);
    if (feature && feature.values.length === count) values.addFeature(feature, example);
    else if (feature) {
      throw featureError(column, example, countMessage(column, shape, feature.values.length, single));
    } else if (given) values.addTensor(given, 1);
    else {
      throw graphError(
        `${example.name === undefined ? '' : `Name: ${example.name}, `}Feature: ${column.key} (data type: ${typeName(column.type)}) is required but could not be found.`,
      );
    }
  }
  return values.tensor(single ? shape : [examples.length, ...shape]);
}

function countMessage(column: ExampleColumn, shape: readonly number[], found: number, single: boolean): string {
  if (single) return "Can't parse serialized Example.";
  return `Number of ${listName(column)} values != expected.  Values size: ${found} but output shape: [${shape.join(',')}]`;
}

/** Here TensorFlow says bytes, not string. */
function listName({ type }: ExampleColumn): string {
  return type === DT.STRING ? 'bytes' : typeName(type);
}

function zero(column: ExampleColumn): OpTensor {
  switch (column.dtype) {
    case 'float32':
      return { dtype: 'float32', shape: [], data: new Float32Array(1) };
    case 'int32':
      return { dtype: 'int32', shape: [], data: new Int32Array(1) };
    case 'string':
      return { dtype: 'string', shape: [], data: [new Uint8Array(0)] };
  }
}
