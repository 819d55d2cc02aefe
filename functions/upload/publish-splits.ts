import { PUBLISH_BATCH } from '../../shared/config.ts';
import type { Job } from '../../shared/job.ts';
import type { Message } from '../../shared/messages.ts';
import type { Queue } from '../../shared/ports.ts';
import { isIndependent, splitAt } from '../../shared/split-plan.ts';

/** Publishes one task per split that can be cut on its own; the others are published by the split before them. */
export async function publishSplits(queue: Queue, job: Job): Promise<void> {
  if (job.plan.splits === 0) return queue.publish([{ kind: 'commit', job: job.id }]);
  let tasks: Message[] = [];
  for (let split = 0; split < job.plan.splits; split++) {
    if (isIndependent(splitAt(job.plan, split))) tasks.push({ kind: 'split', job: job.id, split });
    if (tasks.length === PUBLISH_BATCH || split === job.plan.splits - 1) {
      await queue.publish(tasks);
      tasks = [];
    }
  }
}
