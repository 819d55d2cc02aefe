import { errorInfo, oneLine } from '../../shared/errors.ts';
import type { ErrorInfo } from '../../shared/errors.ts';
import type { BatchGroup } from '../../shared/formats/format.ts';
import type { ScoredRows } from '../../shared/formats/row-encoder.ts';
import { ModelLostError } from '../../shared/models/model-lost-error.ts';
import type { Model, Signature } from '../../shared/models/model.ts';
import { takeRows } from '../../shared/models/row-chunks.ts';
import { RowFailures } from '../../shared/models/row-failures.ts';
import { batchDimension, padRows, sliceRows, toRows } from '../../shared/tensor-rows.ts';
import { InferenceMeter } from './inference-meter.ts';

export interface Predictions {
  readonly scored: readonly ScoredRows[];
  readonly errors: ReadonlyMap<number, ErrorInfo>;
}

/**
 * Scores rows, those of one shape together. Where a call to the model fails, out of memory or because of some row, it is halved and tried again, down to one
 * row: so exactly the bad rows become errors. Where the model itself says which rows those are, the others are given again at once.
 * @throws ModelLostError where the runtime itself is gone: no smaller batch can help then.
 */
export async function predictBatch(
  model: Model,
  signature: Signature,
  groups: readonly BatchGroup[],
  meter = new InferenceMeter(),
): Promise<Predictions> {
  const scored: ScoredRows[] = [];
  const errors = new Map<number, ErrorInfo>();
  const fixed = batchDimension(signature);

  const attempt = async (group: BatchGroup, from: number, to: number): Promise<void> => {
    try {
      scored.push(await predictRows(model, signature, group, from, to, fixed, meter));
    } catch (error) {
      if (error instanceof ModelLostError) throw error;
      const others = error instanceof RowFailures ? failNamedRows(error, group, from, to, errors) : undefined;
      if (others !== undefined) {
        if (error instanceof RowFailures && error.scored !== undefined && fixed === undefined) {
          scored.push({ rows: others.rows, outputs: error.scored });
        } else if (others.rows.length > 0) await attempt(others, 0, others.rows.length);
        return;
      }
      if (to - from === 1) {
        errors.set(group.rows[from] ?? from, modelError(signature, error));
        return;
      }
      const middle = from + Math.ceil((to - from) / 2);
      await attempt(group, from, middle);
      await attempt(group, middle, to);
    }
  };

  for (const group of groups) {
    const { length } = group.rows;
    meter.given(length);
    const step = fixed ?? length;
    for (let from = 0; from < length; from += step) await attempt(group, from, Math.min(length, from + step));
  }
  return { scored, errors };
}

/** Makes errors of the rows that the model names. @returns the others; undefined where it names none of these rows. */
function failNamedRows(
  { failures }: RowFailures,
  group: BatchGroup,
  from: number,
  to: number,
  errors: Map<number, ErrorInfo>,
): BatchGroup | undefined {
  const kept: number[] = [];
  for (let row = from; row < to; row++) {
    const failure = failures.get(row - from);
    if (failure === undefined) kept.push(row);
    else errors.set(group.rows[row] ?? row, failure);
  }
  if (kept.length === to - from) return undefined;
  return { rows: Int32Array.from(kept, (row) => group.rows[row] ?? row), inputs: takeRows(group.inputs, kept) };
}

/** One call to the model; a batch dimension of fixed size is filled up with the last row. */
async function predictRows(
  model: Model,
  signature: Signature,
  group: BatchGroup,
  from: number,
  to: number,
  fixed: number | undefined,
  meter: InferenceMeter,
): Promise<ScoredRows> {
  const inputs = sliceRows(group.inputs, group.rows.length, from, to);
  const padded = fixed === undefined ? inputs : padRows(signature, inputs, to - from, fixed);
  const outputs = await meter.call(to - from, padded, () => model.predict(signature.name, padded));
  return { rows: group.rows.subarray(from, to), outputs: toRows(outputs, to - from, fixed ?? to - from) };
}

/** The row's error: what the runtime said, in one line. */
function modelError(signature: Signature, error: unknown): ErrorInfo {
  const said = oneLine(error);
  return errorInfo(
    'INVALID_ARGUMENT',
    `the model (signature ${signature.name}) cannot score this instance: ${said.slice(0, 500)}`,
  );
}
