import type { AssembleTask, CommitTask } from '../../shared/messages.ts';
import { assemble } from './assemble.ts';
import { commit } from './commit.ts';
import type { AssemblePorts } from './write-part.ts';

/** The two tasks of the fan-in: a split's results into its part, the parts into the output. */
export function finalize(ports: AssemblePorts, task: AssembleTask | CommitTask): Promise<void> {
  return task.kind === 'assemble' ? assemble(ports, task) : commit(ports, task);
}
