import { MAX_INLINE_RESULT_BYTES } from '../../shared/config.ts';
import { PermanentError, toErrorInfo } from '../../shared/errors.ts';
import { announceSplit } from '../../shared/fan-in.ts';
import type { Job } from '../../shared/job.ts';
import type { ScoreTask } from '../../shared/messages.ts';
import { resultName } from '../../shared/names.ts';
import type { Ports, ScoredShard, ScoreRequest, Severity } from '../../shared/ports.ts';
import type { ResultRows } from '../../shared/shard.ts';
import { splitAt } from '../../shared/split-plan.ts';
import { runTask } from '../job-task.ts';

export type ScorePorts = Pick<Ports, 'objects' | 'queue' | 'ledger' | 'scorer' | 'clock' | 'logger'> & {
  /** Where many scorers of one job look it up without all asking the same document. */
  readonly jobs?: Pick<Ports['ledger'], 'getJob'>;
  /** How a shard's entry in the log is marked: INFO where metrics are made of the log (terraform/metrics.tf); unset: DEBUG. */
  readonly shardSeverity?: Severity;
};

/** Scores one shard, creates its result, and makes the completion check. A result that exists is success. */
export async function score(ports: ScorePorts, task: ScoreTask): Promise<void> {
  await runTask(ports, task.job, async (job) => {
    if (!(await ports.ledger.hasResult(job.id, task.split, task.shard))) {
      const scored = await scoreOrRecord(ports, job, task);
      logScored(ports, job, task, scored);
      await storeResult(ports, job, task, scored);
    }
    await announceSplit(ports, job, task.split);
  });
}

export function scoreRequest(job: Job, task: ScoreTask): ScoreRequest {
  const { input } = splitAt(job.plan, task.split);
  return { shard: task, input, spec: job.spec, model: job.plan.model };
}

async function scoreOrRecord(ports: ScorePorts, job: Job, task: ScoreTask): Promise<ScoredShard> {
  try {
    return await ports.scorer.score(scoreRequest(job, task));
  } catch (error) {
    if (!(error instanceof PermanentError)) {
      await ports.ledger.recordFailure(job.id, task.split, task.shard, toErrorInfo(error));
    }
    throw error;
  }
}

/** One entry a shard; that one had to wait for its model is worth knowing without asking for details. */
function logScored(
  { logger, shardSeverity = 'DEBUG' }: ScorePorts,
  job: Job,
  { split, shard }: ScoreTask,
  scored: ScoredShard,
): void {
  const { model, version } = job.plan.model;
  const { rows, failed, metrics } = scored;
  const loaded = (metrics?.load_model_latency_milli_secs.count ?? 0) > 0;
  logger.log(loaded ? 'INFO' : shardSeverity, 'shard scored', {
    job: job.id,
    model,
    version,
    split,
    shard,
    rows,
    failed,
    ...metrics,
  });
}

/** Creates the result: first writer wins. Its lines go to an object where they would not fit a document. */
export async function storeResult(
  ports: Pick<Ports, 'objects' | 'ledger'>,
  job: Job,
  { split, shard }: { readonly split: number; readonly shard: number },
  scored: ScoredShard,
): Promise<void> {
  const { lines, rows, failed, errors, runtime, metrics, outputs } = scored;
  await ports.ledger.createResult(job.id, {
    split,
    shard,
    rows,
    failed,
    errors,
    ...(runtime !== undefined && { runtime }),
    ...(metrics !== undefined && { metrics }),
    ...(outputs !== undefined && job.spec.predictionsFormat !== 'jsonl' && { outputs }),
    lines: await placeLines(ports, job, split, shard, lines),
  });
}

async function placeLines(
  ports: Pick<Ports, 'objects'>,
  job: Job,
  split: number,
  shard: number,
  bytes: Uint8Array,
): Promise<ResultRows> {
  if (bytes.length <= MAX_INLINE_RESULT_BYTES) return { kind: 'inline', bytes };
  const { bucket, prefix } = job.plan.scratch;
  const { object } = await ports.objects.create(bucket, resultName(prefix, split, shard, bytes), bytes);
  const { name, generation } = object;
  return { kind: 'object', object: { bucket, name, generation }, start: 0, end: bytes.length, numbered: false };
}
