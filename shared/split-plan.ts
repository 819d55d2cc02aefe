import { MAX_SPLITS } from './config.ts';
import { PermanentError } from './errors.ts';
import type { JobPlan } from './job.ts';
import { formatOf } from './formats/registry.ts';
import type { Input, Split } from './shard.ts';

/** How many splits an input of this plan has: none where it holds no record, one where it cannot be ranged, a table's units. */
function splitsOf(input: Input, splitBytes: number): number {
  if (input.table !== undefined) return input.table.units;
  if (input.compression !== 'none') return 1;
  return Math.ceil(Math.max(0, input.size - input.headerBytes) / splitBytes);
}

/** @throws PermanentError RESOURCE_EXHAUSTED where the inputs need more splits than a job may have. */
export function countSplits(inputs: readonly Input[], splitBytes: number): number {
  const splits = inputs.reduce((sum, input) => sum + splitsOf(input, splitBytes), 0);
  if (splits > MAX_SPLITS) {
    throw new PermanentError(
      'RESOURCE_EXHAUSTED',
      `the inputs make ${splits} splits of ${splitBytes} bytes; a job has at most ${MAX_SPLITS}: use several jobs`,
    );
  }
  return splits;
}

/**
 * The split with this index: inputs in order, each cut into equal ranges after its header, or a table's units. Where records are of one size the
 * ranges begin and end with them.
 */
export function splitAt(plan: Pick<JobPlan, 'inputs' | 'splitBytes'>, index: number): Split {
  let before = 0;
  for (const input of plan.inputs) {
    const count = splitsOf(input, plan.splitBytes);
    const local = index - before;
    if (local < count) {
      const whole = input.compression !== 'none' || input.table !== undefined;
      return {
        index,
        input,
        start: whole ? input.headerBytes : boundary(input, local * plan.splitBytes),
        end: whole ? Number.MAX_SAFE_INTEGER : boundary(input, (local + 1) * plan.splitBytes),
        whole,
        ...(input.table && { unit: local }),
        first: local === 0,
        last: local === count - 1,
      };
    }
    before += count;
  }
  throw new PermanentError('OUT_OF_RANGE', `split ${index}: the plan has ${before}`);
}

/** The offset in the file of so many bytes after the header: where the next record begins, if that can be reckoned. */
function boundary({ headerBytes, layout, size }: Input, bytes: number): number {
  const step = layout?.bytes ?? 1;
  return Math.min(size, headerBytes + Math.ceil(bytes / step) * step);
}

/** Whether the split can be cut without knowing where the split before it ended. */
export function isIndependent(split: Split): boolean {
  return split.first || formatOf(split.input.format).boundaries !== 'from-start';
}
