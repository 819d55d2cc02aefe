import type { Graph } from './graph.ts';
import type { Plan } from './graph-plan.ts';

/** As many as calls may expand to: a hostile library of branches doubles with every level too, though each function is planned but once. */
const MAX_RUN_NODES = 400_000;

/**
 * Bounds what one run of a plan goes through, a loop's body counted once.
 * @throws PermanentError INVALID_ARGUMENT
 */
export function checkPlanSize(graph: Graph, root: Plan): void {
  const sizes = new Map<Plan, number>();
  const sizeOf = (plan: Plan): number => {
    const known = sizes.get(plan);
    if (known !== undefined) return known;
    let size = 1;
    for (const { segment, steps } of plan.stages) {
      size += segment?.nodes.length ?? 0;
      for (const { plans } of steps) size += plans.reduce((sum, inner) => sum + sizeOf(inner), 1);
    }
    if (size > MAX_RUN_NODES) graph.fail(`its control flow runs functions of more than ${MAX_RUN_NODES} nodes`);
    sizes.set(plan, size);
    return size;
  };
  sizeOf(root);
}
