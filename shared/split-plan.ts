import { MAX_SPLITS } from './config.ts';
import { PermanentError } from './errors.ts';
import type { JobPlan } from './job.ts';
import { formatOf } from './formats/registry.ts';
import type { Input, Split } from './shard.ts';

/** How many splits an input of this plan has: none where it holds no record, one where it cannot be ranged. */
function splitsOf(input: Input, splitBytes: number): number {
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

/** The split with this index: inputs in order, each cut into equal ranges after its header. */
export function splitAt(plan: Pick<JobPlan, 'inputs' | 'splitBytes'>, index: number): Split {
  let before = 0;
  for (const input of plan.inputs) {
    const count = splitsOf(input, plan.splitBytes);
    const local = index - before;
    if (local < count) {
      const whole = input.compression !== 'none';
      const start = input.headerBytes + local * plan.splitBytes;
      return {
        index,
        input,
        start,
        end: whole ? Number.MAX_SAFE_INTEGER : Math.min(input.size, start + plan.splitBytes),
        whole,
        first: local === 0,
        last: local === count - 1,
      };
    }
    before += count;
  }
  throw new PermanentError('OUT_OF_RANGE', `split ${index}: the plan has ${before}`);
}

/** Whether the split can be cut without knowing where the split before it ended. */
export function isIndependent(split: Split): boolean {
  return split.first || formatOf(split.input.format).boundaries === 'anywhere';
}
