import { announceJob, isSplitComplete } from '../../shared/fan-in.ts';
import type { AssembleTask } from '../../shared/messages.ts';
import { partName } from '../../shared/names.ts';
import { runTask } from '../job-task.ts';
import { findOutputs, writePart } from './write-part.ts';
import type { AssemblePorts } from './write-part.ts';

/** Streams a complete split's results, in shard order, into its part; then makes the completion check of the job. */
export async function assemble(ports: AssemblePorts, task: AssembleTask): Promise<void> {
  await runTask(ports, task.job, async (job) => {
    const { split } = task;
    if ((await ports.ledger.getPart(job.id, split)) === undefined) {
      if (!(await isSplitComplete(ports, job, split))) return; // announced too early: whoever completes it announces again
      const outputs = await findOutputs(ports, job, split);
      const name = partName(job.plan.scratch.prefix, split);
      await ports.ledger.createPart(job.id, await writePart(ports, job, split, outputs, name));
    }
    await announceJob(ports, job);
  });
}
