import { sweep } from '../../functions/sweep/sweep.ts';
import type { Work } from './world.ts';

/** One tick of the schedule: what fails is left to the next. @param when the sweep is skipped where this is false. */
export function sweepWork(when: () => Promise<boolean> = () => Promise.resolve(true)): Work {
  return {
    kind: 'sweep',
    label: 'sweep',
    once: true,
    run: async (ports) => {
      if (await when()) await sweep(ports);
    },
  };
}
