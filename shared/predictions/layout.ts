import { lineLabelOf } from '../formats/row-encoder.ts';
import type { InstanceConfig } from '../formats/format.ts';
import type { DType, TensorSpec } from '../tensor.ts';

/** The columns of a job's output rows, whatever format they are written in. */
export interface Layout {
  /** The first column: the instance's key, or the instance itself. */
  readonly label: 'key' | 'instance';
  /** None where no row was scored. */
  readonly outputs: readonly OutputColumn[];
}

/** One output of the signature. */
export interface OutputColumn {
  /** `prediction` for the only output; else the output's name. */
  readonly column: string;
  /** Its name in the prediction's object. */
  readonly name: string;
  readonly dtype: DType;
  /** Dimensions of one row's value: 0 for a scalar; null where the signature does not say. */
  readonly rank: number | null;
}

const PREDICTION_COLUMN = 'prediction';
export const ERROR_COLUMN = 'error';

/** @param outputs the signature's; their first dimension is the rows. Undefined where no row was scored. */
export function layoutOf(config: InstanceConfig, outputs: readonly TensorSpec[] = []): Layout {
  const label = lineLabelOf(config) === 'instance' ? 'instance' : 'key';
  const taken = new Set<string>([label, ERROR_COLUMN]);
  const columns = outputs.map(({ name, dtype, shape }) => {
    const column = free(outputs.length === 1 ? PREDICTION_COLUMN : name, taken);
    taken.add(column);
    return { column, name, dtype, rank: rowRank(shape) };
  });
  return { label, outputs: columns };
}

/**
 * Dimensions of one row's value, in a tensor whose first dimension is the rows. A fixed size other than one may be that of a batch, or of the one row
 * that a model without a batch dimension scores.
 */
function rowRank(shape: TensorSpec['shape']): number | null {
  if (shape === null) return null;
  const [rows] = shape;
  if (rows === undefined) return 0;
  return rows === null || rows === 1 ? shape.length - 1 : null;
}

/** Many models return the key that they were given: such an output must not stand in the key's own column. */
function free(name: string, taken: ReadonlySet<string>): string {
  return taken.has(name) ? free(`${PREDICTION_COLUMN}_${name}`, taken) : name;
}

export function sameLayout(a: Layout, b: Layout): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
