import { PermanentError } from '../../errors.ts';
import { listOf } from '../../formats/row-error.ts';
import { INSTANCE_SOURCE, parseReference } from './pipeline-schema.ts';
import type { StepSpec } from './pipeline-schema.ts';

/** The steps that a step takes inputs from. */
export function stepsBefore({ inputs = {} }: StepSpec): ReadonlySet<string> {
  const steps = Object.values(inputs).map((text) => parseReference(text).step);
  return new Set(steps.filter((step) => step !== INSTANCE_SOURCE));
}

/**
 * The steps so that each comes after those it takes inputs from; else as they are written.
 * @throws PermanentError INVALID_ARGUMENT naming the step that is unknown, or those that need each other.
 */
export function orderSteps(steps: readonly StepSpec[]): readonly StepSpec[] {
  const names = new Set(steps.map(({ name }) => name));
  for (const step of steps) {
    for (const before of stepsBefore(step)) {
      if (!names.has(before)) {
        throw invalid(
          `step "${step.name}" takes an input from "${before}", and there is no such step; there are ${listOf([...names])}`,
        );
      }
    }
  }
  const ordered: StepSpec[] = [];
  const done = new Set<string>();
  let waiting = [...steps];
  while (waiting.length > 0) {
    const ready = waiting.filter((step) => stepsBefore(step).isSubsetOf(done));
    if (ready.length === 0)
      throw invalid(`the steps ${listOf(waiting.map(({ name }) => name))} need each other's outputs, or those of such`);
    for (const step of ready) done.add(step.name);
    ordered.push(...ready);
    waiting = waiting.filter((step) => !done.has(step.name));
  }
  return ordered;
}

function invalid(message: string): PermanentError {
  return new PermanentError('INVALID_ARGUMENT', message);
}
