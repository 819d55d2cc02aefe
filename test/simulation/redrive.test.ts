import { describe } from 'vitest';

import { createRedrive } from '../../functions/jobs/redrive.ts';
import { startJob } from '../../functions/upload/create-job.ts';
import type { Job } from '../../shared/job.ts';
import { makeAttack } from './attack.ts';
import { expectedRows, labelsOf, makeScenario } from './inputs.ts';
import { checkNothingLeft, checkRows, linesOf, readOutput, require } from './laws.ts';
import { begin, jobsOf, play } from './play.ts';
import { Random } from './random.ts';
import { forSeeds } from './seeds.ts';
import { World } from './world.ts';

describe('a redrive under attack', () => {
  forSeeds('scores again what failed, and keeps every other line', 150, async (seed, witness) => {
    const random = new Random(seed);
    const scenario = makeScenario(random.fork(), { manySplits: seed % 40 === 7 });
    const world = new World({ seed, attack: makeAttack(random.fork()) });
    witness(world);
    await begin(world, scenario);
    const [origin] = await play(world);
    require(origin?.outcome !== undefined, 'no job, or no output');
    if (origin.outcome.failed === 0) return;
    const before = linesOf((await readOutput(world, origin)).results);

    world.strict = false;
    const known = new Set([origin.id]);
    world.deliver({
      kind: 'client',
      label: 'redrive',
      durable: true,
      run: async (ports) => startJob(ports, await createRedrive(ports, { job: origin.id })),
    });
    const jobs = await play(world);
    const redriven = jobs.filter(({ id }) => !known.has(id));
    // Who asks again after an error may get a second job: asking is no write that the core could tell apart.
    require(redriven.length > 0, 'no redrive was made');
    for (const job of redriven) await checkRedriven(world, job, origin, before);
    const { results } = await readOutput(world, redriven[0] ?? origin);
    checkRows(results, expectedRows(scenario), labelsOf(scenario), false);
    await checkNothingLeft(world, await jobsOf(world));
  });
});

/** Lines that were predictions are the same bytes. */
async function checkRedriven(world: World, job: Job, origin: Job, before: readonly string[]): Promise<void> {
  require(job.spec.redriveOf === origin.id, `job ${job.id} is no redrive`);
  const { results, manifest } = await readOutput(world, job);
  const lines = linesOf(results);
  require(lines.length === before.length, `${lines.length} rows; there were ${before.length}`);
  for (const [row, line] of before.entries()) {
    if (!line.includes('"error":{"code":'))
      require(lines[row] === line, `row ${row} had a prediction, and changed: ${lines[row] ?? ''}`);
  }
  require(manifest.counts.failed <= (origin.outcome?.failed ?? 0), 'more rows failed than before');
}
