import { describe } from 'vitest';

import { cancelJob } from '../../functions/job-task.ts';
import { makeAttack } from './attack.ts';
import { expectedRows, labelsOf, makeScenario } from './inputs.ts';
import { checkNothingLeft, checkRows, readOutput, require } from './laws.ts';
import { begin, jobsOf, play } from './play.ts';
import { Random } from './random.ts';
import { forSeeds } from './seeds.ts';
import { World } from './world.ts';

describe('a job that is cancelled under attack', () => {
  forSeeds('is cancelled or done, and leaves all of its output or none', 200, async (seed, witness) => {
    const random = new Random(seed);
    const scenario = makeScenario(random.fork(), { manySplits: seed % 40 === 7 });
    const world = new World({ seed, attack: makeAttack(random.fork()) });
    witness(world);
    await begin(world, scenario);
    world.scheduler.after(random.int(1_000, 25_000), () => {
      world.deliver({
        kind: 'client',
        label: 'cancel',
        durable: true,
        // It asks again until there is a job to cancel.
        run: async (ports) => cancelJob(ports, (await jobsOf(world))[0]?.id ?? 'unknown'),
      });
    });
    const jobs = await play(world);
    const [job] = jobs;
    require(job !== undefined && jobs.length === 1, `${jobs.length} jobs`);
    if (job.outcome === undefined) {
      require(job.state === 'JOB_STATE_CANCELLED', `the job is ${job.state}`);
      for await (const { name } of world.objects.list('output', '')) require(false, `the cancelled job left ${name}`);
    } else {
      checkRows((await readOutput(world, job)).results, expectedRows(scenario), labelsOf(scenario), true);
    }
    await checkNothingLeft(world, jobs);
  });
});
