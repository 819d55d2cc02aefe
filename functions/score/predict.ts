import { errorInfo } from '../../shared/errors.ts';
import type { ErrorInfo } from '../../shared/errors.ts';
import type { BatchGroup } from '../../shared/formats/format.ts';
import type { ScoredRows } from '../../shared/formats/row-encoder.ts';
import { ModelLostError } from '../../shared/models/model-lost-error.ts';
import type { Model, Signature } from '../../shared/models/model.ts';
import { batchDimension, padRows, sliceRows, toRows } from '../../shared/tensor-rows.ts';

export interface Predictions {
  readonly scored: readonly ScoredRows[];
  readonly errors: ReadonlyMap<number, ErrorInfo>;
}

/**
 * Scores rows, those of one shape together. Where a call to the model fails, out of memory or because of some row, it is halved and tried again, down to one
 * row: so exactly the bad rows become errors.
 * @throws ModelLostError where the runtime itself is gone: no smaller batch can help then.
 */
export async function predictBatch(
  model: Model,
  signature: Signature,
  groups: readonly BatchGroup[],
): Promise<Predictions> {
  const scored: ScoredRows[] = [];
  const errors = new Map<number, ErrorInfo>();
  const fixed = batchDimension(signature);

  const attempt = async (group: BatchGroup, from: number, to: number): Promise<void> => {
    try {
      scored.push(await predictRows(model, signature, group, from, to, fixed));
    } catch (error) {
      if (error instanceof ModelLostError) throw error;
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
    const step = fixed ?? length;
    for (let from = 0; from < length; from += step) await attempt(group, from, Math.min(length, from + step));
  }
  return { scored, errors };
}

/** One call to the model; a batch dimension of fixed size is filled up with the last row. */
async function predictRows(
  model: Model,
  signature: Signature,
  group: BatchGroup,
  from: number,
  to: number,
  fixed: number | undefined,
): Promise<ScoredRows> {
  const inputs = sliceRows(group.inputs, group.rows.length, from, to);
  const padded = fixed === undefined ? inputs : padRows(signature, inputs, to - from, fixed);
  const outputs = await model.predict(signature.name, padded);
  return { rows: group.rows.subarray(from, to), outputs: toRows(outputs, to - from, fixed ?? to - from) };
}

/** The row's error: what the runtime said, in one line. */
function modelError(signature: Signature, error: unknown): ErrorInfo {
  const said = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim();
  return errorInfo(
    'INVALID_ARGUMENT',
    `the model (signature ${signature.name}) cannot score this instance: ${said.slice(0, 500)}`,
  );
}
