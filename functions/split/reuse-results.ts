import { PermanentError } from '../../shared/errors.ts';
import type { Job, JobSpec } from '../../shared/job.ts';
import type { Ports } from '../../shared/ports.ts';

/**
 * Whether a redrive of that job takes over lines of its output. In other formats than JSON lines a shard has no bytes of its own there: every shard
 * is scored again.
 */
export function canReuse({ predictionsFormat }: JobSpec): boolean {
  return predictionsFormat === 'jsonl';
}

/**
 * In a redrive, the shards that scored without a failed row keep their lines: their results are ranges of the first job's output.
 * @returns the shards of the split that need no scoring.
 * @throws PermanentError NOT_FOUND where the first job or its output is gone.
 */
export async function reuseResults(ports: Pick<Ports, 'ledger'>, job: Job, split: number): Promise<readonly number[]> {
  if (job.spec.redriveOf === undefined || !canReuse(job.spec)) return [];
  const origin = await ports.ledger.getJob(job.spec.redriveOf);
  const part = await ports.ledger.getPart(job.spec.redriveOf, split);
  if (origin?.outcome === undefined || part === undefined) {
    throw new PermanentError(
      'NOT_FOUND',
      `job ${job.spec.redriveOf}, which this one redrives, is gone or has no output`,
    );
  }
  let start = await bytesBefore(ports, job.spec.redriveOf, split);
  const runtime = part.runtimes[0] === undefined ? {} : { runtime: part.runtimes[0] };
  const reused: number[] = [];
  for (const [shard, { rows, failed, bytes }] of part.shards.entries()) {
    if (failed === 0) {
      const lines = {
        kind: 'object' as const,
        object: origin.outcome.results,
        start,
        end: start + bytes,
        numbered: true,
      };
      await ports.ledger.createResult(job.id, { split, shard, rows, failed, errors: [], ...runtime, lines });
      reused.push(shard);
    }
    start += bytes;
  }
  return reused;
}

async function bytesBefore(ports: Pick<Ports, 'ledger'>, job: string, split: number): Promise<number> {
  let bytes = 0;
  for await (const part of ports.ledger.readParts(job)) {
    if (part.split >= split) break;
    bytes += part.object.size;
  }
  return bytes;
}
